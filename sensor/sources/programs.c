/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the kernel programs. A second set, for the other hook, shares all maps with the first
 * one but those of programs, which hold programs of one type alone.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/events.h"
#include "sensor/sources/programs.h"
#include "sensor/sources/uring.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "sensor/kernel/collect_direct.skel.h"
#include "sensor/kernel/collect_direct_syscalls.skel.h"
#include "sensor/kernel/collect_plain.skel.h"
#include "sensor/kernel/collect_plain_syscalls.skel.h"
#pragma GCC diagnostic pop

#define LOG_LINE_MAX 2000
#define BTF_PATH     "/sys/kernel/btf/vmlinux"

static const char *const collector_programs[COLLECTOR_COUNT] = {
	[COLLECT_PLAIN] = "collect_plain",
	[COLLECT_OPEN] = "collect_open",
	[COLLECT_FD] = "collect_fd",
	[COLLECT_SOCKET] = "collect_socket",
	[COLLECT_ACCEPT] = "collect_accept",
	[COLLECT_MESSAGE] = "collect_message",
	[COLLECT_EXEC] = "collect_exec",
	[COLLECT_RECEIVED] = "collect_received",
	[COLLECT_MESSAGES] = "collect_messages",
};

/* libbpf speaks in many lines; they are of use only to someone who debugs. */
static int print_for_debug(enum libbpf_print_level level, const char *format, va_list arguments)
{
	_cleanup_(freep) char *text = NULL;
	size_t length;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, arguments) < 0)
		return 0;
	/* The verifier says at the end of its log what it does not like. */
	length = strlen(text);
	log_debug("%s", text + (length > LOG_LINE_MAX ? length - LOG_LINE_MAX : 0));
	return 0;
}

struct bpf_map *programs_map_ending(struct bpf_object *object, const char *end)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map,
		object) if (text_ends_with(text_of(bpf_map__name(map)), text_of(end))) return map;
	return NULL;
}

static int set_sizes(struct bpf_object *object, uint64_t ring_bytes)
{
	struct bpf_map *slots = bpf_object__find_map_by_name(object, "slots");
	struct bpf_map *ring = bpf_object__find_map_by_name(object, "ring");
	struct bpf_map *constants = programs_map_ending(object, ".rodata");
	const struct constants said = { .ring_limit = ring_bytes / 8 * 7,
		.common_event = EVENT_openat };
	size_t size = 0;
	void *value = constants ? (void *)bpf_map__initial_value(constants, &size) : NULL;
	int r;

	if (!slots || !ring || !value || size < sizeof(said))
		return -EINVAL;
	memcpy(value, &said, sizeof(said)); /* they are all there is */
	r = bpf_map__set_max_entries(slots, (uint32_t)libbpf_num_possible_cpus() * 2);
	return r ? r : bpf_map__set_max_entries(ring, (uint32_t)ring_bytes);
}

/* Makes a program reachable by tail calls. */
static int fill_place(
	struct bpf_object *object, const char *map_name, uint32_t place, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	int fd = program ? bpf_program__fd(program) : -ENOENT;
	int map = bpf_object__find_map_fd_by_name(object, map_name);

	return fd < 0 || bpf_map_update_elem(map, &place, &fd, BPF_ANY) ? -EINVAL : 0;
}

static int fill_collectors(struct bpf_object *object)
{
	int r = fill_place(object, "finishers", FINISH_SEND, "send_call");

	if (!r)
		r = fill_place(object, "finishers", FINISH_NAMES, "name_call");
	for (uint32_t i = 0; i < COLLECTOR_COUNT && !r; i++)
		if (collector_programs[i])
			r = fill_place(object, "collectors", i, collector_programs[i]);
	return r;
}

struct build {
	const char *name;
	const void *(*bytes[HOOK_COUNT])(size_t *ret_size);
};

static const struct build builds[] = {
	{ "direct", { collect_direct__elf_bytes, collect_direct_syscalls__elf_bytes } },
	{ "plain", { collect_plain__elf_bytes, collect_plain_syscalls__elf_bytes } },
};

/* ---- a second set ---- */

static bool collects_calls(const char *program)
{
	static const char *const others[] = { "dispatch", "name_call", "send_call" };

	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (!strcmp(program, others[i]))
			return true;
	for (size_t i = 0; i < COUNT_OF(collector_programs); i++)
		if (collector_programs[i] && !strcmp(program, collector_programs[i]))
			return true;
	return false;
}

static bool holds_programs(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY;
}

static int share(struct bpf_object *object, const struct bpf_object *first)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_program(program, object)
	{
		if (!collects_calls(bpf_program__name(program)))
			(void)bpf_program__set_autoload(program, false);
	}
	bpf_object__for_each_map(map, object)
	{
		int fd = bpf_object__find_map_fd_by_name(first, bpf_map__name(map));

		if (!r && !holds_programs(map))
			r = bpf_map__reuse_fd(map, fd);
	}
	return r;
}

/* ---- loading ---- */

struct load {
	enum hook hook;
	uint64_t ring_bytes;
	struct bpf_object *shares;
};

static int prepare(struct bpf_object *object, const struct load *load)
{
	if (load->shares)
		return share(object, load->shares);
	uring_choose(object);
	return set_sizes(object, load->ring_bytes);
}

static int load_build(
	const struct build *build, const struct load *load, struct bpf_object **ret_object)
{
	/* With a path of its own libbpf does not look for types in modules, for which it would need
	 * CAP_SYS_ADMIN. */
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "tercel",
		.btf_custom_path = BTF_PATH);
	struct bpf_object *object;
	size_t size;
	const void *bytes = build->bytes[load->hook](&size);
	int r;

	object = bpf_object__open_mem(bytes, size, &options);
	if (!object)
		return -errno;
	r = prepare(object, load);
	if (!r)
		r = bpf_object__load(object);
	if (!r)
		r = fill_collectors(object);
	if (r) {
		bpf_object__close(object);
		return r;
	}
	log_debug("kernel programs: the %s build is loaded", build->name);
	*ret_object = object;
	return 0;
}

static int explain(int code, struct error *err)
{
	if (access(BTF_PATH, R_OK))
		return error_set(err, -ENOSYS,
			"this kernel tells nothing of its types (no " BTF_PATH "); "
			"a kernel built with CONFIG_DEBUG_INFO_BTF is needed");
	if (code == -EPERM)
		return error_set(err, -EPERM,
			"not permitted to load kernel programs: run as root, or with CAP_BPF, "
			"CAP_PERFMON and CAP_SYS_PTRACE (\"tercel doctor\" tells what is missing)");
	return error_set(err, code,
		"the kernel refuses the programs: %s (\"tercel doctor\" tells what this kernel "
		"has, log_level debug why)",
		strerror(-code));
}

int programs_load(enum hook hook, uint64_t ring_bytes, struct bpf_object *shares,
	struct bpf_object **ret_object, struct error *err)
{
	const char *chosen = getenv("TERCEL_KERNEL_BUILD"); /* for tests: "direct" or "plain" */
	const struct load load = { hook, ring_bytes, shares };
	int r = -ENOENT;

	libbpf_set_print(print_for_debug);
	for (size_t i = 0; i < COUNT_OF(builds); i++) {
		if (chosen && strcmp(chosen, builds[i].name))
			continue;
		r = load_build(&builds[i], &load, ret_object);
		/* -EPERM may be for what only the first one asks of the kernel. */
		if (!r)
			break;
	}
	return r ? explain(r, err) : 0;
}

int programs_attach(
	struct bpf_object *object, const char *name, struct bpf_link **ret_link, struct error *err)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	*ret_link = program ? bpf_program__attach(program) : NULL;
	if (!*ret_link)
		return error_set(err, -errno, "the kernel program %s cannot be attached: %s", name,
			strerror(errno));
	return 0;
}
