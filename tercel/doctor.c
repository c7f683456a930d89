/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel doctor: what this host allows, and what to do about what it does not. A row a question;
 * each answer says what was found, and what to do where that is not enough.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json_object.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/http-client.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "kubernetes/access.h"
#include "responder/check.h"
#include "sensor/sources/hook.h"
#include "sensor/state/runtimes/runtimes.h"
#include "tercel/command.h"

enum state { GOOD, LIMITED, MISSING };

struct finding {
	enum state state;
	char detail[256];
	const char *advice; /* NULL when there is nothing to do */
};

struct question {
	const char *name;
	void (*ask)(struct finding *ret_finding);
};

static void say(struct finding *finding, enum state state, const char *advice, const char *format,
	...) __attribute__((format(printf, 4, 5)));

static void say(
	struct finding *finding, enum state state, const char *advice, const char *format, ...)
{
	va_list arguments;

	finding->state = state;
	finding->advice = advice;
	va_start(arguments, format);
	vsnprintf(finding->detail, sizeof(finding->detail), format, arguments);
	va_end(arguments);
}

/* The first bytes of a small file, NUL-ended; false when it cannot be read. */
static bool read_start(const char *path, char *ret_text, size_t size)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	if (length < 0)
		return false;
	ret_text[length] = '\0';
	return true;
}

static void ask_kernel(struct finding *finding)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	if (sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
		(major > 5 || (major == 5 && minor >= 8)))
		say(finding, GOOD, NULL, "%s on %s", name.release, name.machine);
	else
		say(finding, MISSING,
			"Linux 5.8 or later is needed (RHEL 8.6 and later have what it takes)",
			"%s on %s", name.release, name.machine);
}

static void ask_btf(struct finding *finding)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		say(finding, GOOD, NULL, "/sys/kernel/btf/vmlinux");
	else
		say(finding, MISSING,
			"use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as all current "
			"distributions do",
			"/sys/kernel/btf/vmlinux: %s", strerror(errno));
}

/* What this process may do, as the sensor could that is started in the same way. */
static unsigned long long capabilities(void)
{
	char status[4096];
	const char *line;

	line = read_start("/proc/self/status", status, sizeof(status)) ? strstr(status, "CapEff:")
								       : NULL;
	return line ? strtoull(line + 7, NULL, 16) : 0;
}

static bool may(int capability)
{
	return capabilities() >> capability & 1;
}

/* SYS_ADMIN stands in for them, on kernels and runtimes that do not know them. */
static void ask_load_capabilities(struct finding *finding)
{
	bool has_both = may(CAP_BPF) && may(CAP_PERFMON);

	if (has_both)
		say(finding, GOOD, NULL, "BPF and PERFMON are there; SYS_RESOURCE is not needed");
	else if (may(CAP_SYS_ADMIN))
		say(finding, GOOD, "give it BPF and PERFMON instead, where the runtime knows them",
			"SYS_ADMIN stands in for BPF and PERFMON");
	else
		say(finding, MISSING,
			"run the sensor as root, or with the capabilities BPF, PERFMON, SYS_PTRACE "
			"and DAC_READ_SEARCH and no others",
			"missing:%s%s; without them no program can be loaded",
			may(CAP_BPF) ? "" : " BPF", may(CAP_PERFMON) ? "" : " PERFMON");
}

static void ask_read_capabilities(struct finding *finding)
{
	bool can_trace = may(CAP_SYS_PTRACE), can_search = may(CAP_DAC_READ_SEARCH);

	if (can_trace && can_search)
		say(finding, GOOD, NULL, "SYS_PTRACE and DAC_READ_SEARCH are there");
	else
		say(finding, LIMITED, "add the capabilities SYS_PTRACE and DAC_READ_SEARCH",
			"missing:%s%s; programs from before the start and names of containers' "
			"users are not known",
			can_trace ? "" : " SYS_PTRACE", can_search ? "" : " DAC_READ_SEARCH");
}

/* Before 5.11 maps count as locked memory; SYS_RESOURCE may raise the limit. */
static void ask_locked_memory(struct finding *finding)
{
	const rlim_t needed = 64 << 20;
	struct rlimit limit = { 0 };
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	if (sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
		(major > 5 || (major == 5 && minor >= 11)))
		say(finding, GOOD, NULL, "no limit for programs' maps since Linux 5.11");
	else if (limit.rlim_max >= needed || may(CAP_SYS_RESOURCE))
		say(finding, GOOD, NULL, "the limit is high, or may be raised");
	else
		say(finding, MISSING,
			"LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited before the start "
			"(or CAP_SYS_RESOURCE)",
			"%llu KiB may be locked; the ring alone has 8 MiB",
			(unsigned long long)limit.rlim_max / 1024);
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void ask_bpf(struct finding *finding)
{
	int program, ring;

	libbpf_set_print(be_silent);
	program = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL);
	ring = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
	if (program == 1 && ring == 1)
		say(finding, GOOD, NULL, "raw tracepoints and ring buffers can be made");
	else
		say(finding, MISSING,
			"root or CAP_BPF is needed; a container needs it in its security context",
			"raw tracepoint: %s, ring buffer: %s", program == 1 ? "yes" : "no",
			ring == 1 ? "yes" : "no");
}

/* How kernel memory is read, and what tells of io_uring: the kernel's types say which it has. */
static bool has_type(const char *name, unsigned kind)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool is_there = btf && btf__find_by_name_kind(btf, name, kind) > 0;

	btf__free(btf);
	return is_there;
}

static void ask_build(struct finding *finding)
{
	if (has_type("bpf_rdonly_cast", BTF_KIND_FUNC))
		say(finding, GOOD, NULL, "the fast build: pointers are followed (Linux 6.2)");
	else
		say(finding, GOOD, NULL,
			"the plain build: each read is a call; loading takes seconds, events a "
			"little longer than on Linux 6.2 and later");
}

static void ask_uring(struct finding *finding)
{
	libbpf_set_print(be_silent);
	if (has_type("btf_trace_io_uring_submit_req", BTF_KIND_TYPEDEF) ||
		has_type("btf_trace_io_uring_submit_sqe", BTF_KIND_TYPEDEF))
		say(finding, GOOD, NULL, "its requests are told of as calls");
	else
		say(finding, LIMITED,
			"use Linux 5.15 or later, or sysctl kernel.io_uring_disabled where it is known",
			"this kernel does not tell of its requests; who makes a ring is seen");
}

/* A container's own type may not connect to the runtimes' sockets. */
static void ask_selinux(struct finding *finding)
{
	char enforce[8], type[256] = "";

	if (!read_start("/sys/fs/selinux/enforce", enforce, sizeof(enforce)) || *enforce != '1') {
		say(finding, GOOD, NULL, "not enforced");
		return;
	}
	(void)read_start("/proc/self/attr/current", type, sizeof(type));
	type[strcspn(type, "\n")] = '\0';
	if (strstr(type, ":container_t:"))
		say(finding, LIMITED,
			"seLinuxOptions: {type: spc_t} in the pod's security context (as on RHCOS)",
			"%.200s may not ask the runtimes: ids only", type);
	else
		say(finding, GOOD, NULL, "%.200s", type);
}

static void ask_lockdown(struct finding *finding)
{
	char text[128];

	if (!read_start("/sys/kernel/security/lockdown", text, sizeof(text)))
		say(finding, GOOD, NULL, "not in use");
	else if (strstr(text, "[confidentiality]"))
		say(finding, MISSING,
			"boot with lockdown=integrity: eBPF cannot read kernel memory under "
			"\"confidentiality\"",
			"confidentiality");
	else
		say(finding, GOOD, NULL, "not \"confidentiality\"");
}

/* By trying, as the sensor does. */
static void ask_compat(struct finding *finding)
{
	struct hook_host host;

	hook_look(&host);
	say(finding, GOOD, NULL, "%s", host.other_calls);
}

/* What sensor.attach: auto comes to, and what syscalls would. */
static void ask_attach(struct finding *finding)
{
	const char *why = "", *why_not = "";
	struct hook_host host;
	enum hook hook;

	hook_look(&host);
	hook = hook_choose(ATTACH_AUTO, &host, &why);
	if (hook == HOOK_SYSCALLS)
		say(finding, GOOD, NULL, "tracepoints of the watched calls: %s", why);
	else if (host.has_other_calls)
		say(finding, GOOD, NULL, "the raw hook, which misses nothing: %s", why);
	else if (hook_choose(ATTACH_SYSCALLS, &host, &why_not) == HOOK_RAW)
		say(finding, GOOD,
			"mount tracefs at /sys/kernel/tracing (Linux 5.15 and later): calls that "
			"nobody watches then cost next to nothing",
			"the raw hook: %s", why_not);
}

/* The host's processes are in its /proc, which may be mounted elsewhere. */
static void ask_pid_namespace(struct finding *finding)
{
	const char *root = getenv("HOST_ROOT");
	char path[4096], name[64];

	snprintf(path, sizeof(path), "%s/proc/2/comm", root ? root : "");
	if (read_start(path, name, sizeof(name)) && !strncmp(name, "kthreadd", 8))
		say(finding, GOOD, NULL, "the host's");
	else
		say(finding, LIMITED, "set hostPID: true, or mount the host's /proc",
			"not the host's: processes from before the start are not known, nor the "
			"ancestors that were among them");
}

static void ask_cgroups(struct finding *finding)
{
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		say(finding, GOOD, NULL, "version 2");
	else if (access("/sys/fs/cgroup", F_OK) == 0)
		say(finding, GOOD, NULL, "version 1, or both");
	else
		say(finding, LIMITED, "mount /sys/fs/cgroup",
			"not mounted: no container can be told from the host");
}

/* Asks every runtime for its version, as the sensor does. */
static void ask_runtimes(struct finding *finding)
{
	struct sockets_options options = { .host_root = getenv("HOST_ROOT") };
	struct runtime_report reports[8];
	char found[sizeof(finding->detail)] = "none of the usual sockets is there";
	size_t answering = 0, length = 0, count;

	http_client_setup();
	count = runtimes_look(&options, reports, COUNT_OF(reports));
	for (size_t i = 0; i < count && length < sizeof(found); i++) {
		answering += reports[i].answers;
		length += (size_t)snprintf(found + length, sizeof(found) - length,
			reports[i].answers ? "%s%s at %s" : "%sno answer (%s) at %s", i ? ", " : "",
			reports[i].about, reports[i].socket);
	}
	if (answering && answering == count)
		say(finding, GOOD, NULL, "%s", found);
	else
		say(finding, LIMITED,
			"start the runtime, or mount its socket: container names and images come "
			"from it; ids are known all the same",
			"%s", found);
}

#define PLAYBOOK "/etc/tercel/playbooks.yaml"

/* Whether what is to be done can be read, and who is to do it answers. */
static void ask_responder(struct finding *finding)
{
	static const char *const files[] = { PLAYBOOK };
	struct kubernetes_api api = { 0 };
	struct error err = { 0 };

	if (access(PLAYBOOK, F_OK) != 0) {
		say(finding, GOOD, NULL, "not set up: there is no " PLAYBOOK);
		return;
	}
	http_client_setup();
	if (playbooks_check(files, 1, NULL, NULL, &err) < 0)
		say(finding, LIMITED, "see tercel check " PLAYBOOK, "%s", err.message);
	else if (kubernetes_api_load(getenv("KUBECONFIG"), &api, &err) < 0 ||
		 cluster_check(&api, &err) < 0)
		say(finding, LIMITED,
			"set KUBECONFIG: actions on pods and nodes wait for the API server, and "
			"then expire",
			"%s", err.message);
	else
		say(finding, GOOD, NULL, PLAYBOOK " is right, and %s answers", api.server);
	kubernetes_api_done(&api);
}

static const struct question questions[] = {
	{ "kernel", ask_kernel },
	{ "BTF", ask_btf },
	{ "loading", ask_load_capabilities },
	{ "reading", ask_read_capabilities },
	{ "locked memory", ask_locked_memory },
	{ "eBPF", ask_bpf },
	{ "programs", ask_build },
	{ "io_uring", ask_uring },
	{ "lockdown", ask_lockdown },
	{ "SELinux", ask_selinux },
	{ "pid namespace", ask_pid_namespace },
	{ "cgroups", ask_cgroups },
	{ "32-bit calls", ask_compat },
	{ "attach", ask_attach },
	{ "runtimes", ask_runtimes },
	{ "responder", ask_responder },
};

static const char *const state_words[] = {
	[GOOD] = "good", [LIMITED] = "limited", [MISSING] = "missing"
};

static void print_text(const struct finding *findings)
{
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		printf("%-8s %-14s %s\n", state_words[findings[i].state], questions[i].name,
			findings[i].detail);
		if (findings[i].advice)
			printf("%-8s %-14s   -> %s\n", "", "", findings[i].advice);
	}
}

static void print_json(const struct finding *findings)
{
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, 64 * 1024);
	json_writer_init(&json, &out);
	json_begin_array(&json);
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		json_begin_object(&json);
		json_key(&json, "question");
		json_add_string(&json, questions[i].name);
		json_key(&json, "state");
		json_add_string(&json, state_words[findings[i].state]);
		json_key(&json, "detail");
		json_add_string(&json, findings[i].detail);
		json_key(&json, "advice");
		json_add_string(&json, findings[i].advice);
		json_end(&json);
	}
	json_end(&json);
	puts(out.data);
	buffer_done(&out);
}

int command_doctor(int argc, char **argv)
{
	struct finding findings[COUNT_OF(questions)] = { 0 };
	bool as_json = argc > 1 && !strcmp(argv[1], "--json");
	bool can_work = true;

	if (argc > 1 && !as_json) {
		bool is_help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

		fputs("usage: tercel doctor [--json]\n\nTells what this host allows. Exit status "
		      "1: the "
		      "sensor cannot work here.\n",
			is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		questions[i].ask(&findings[i]);
		can_work = can_work && findings[i].state != MISSING;
	}
	if (as_json)
		print_json(findings);
	else
		print_text(findings);
	if (!as_json)
		printf("\n%s\n", can_work ? "The sensor can work here."
					  : "The sensor cannot work here: see what is missing.");
	return can_work ? 0 : 1;
}
