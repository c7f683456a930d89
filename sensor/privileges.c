/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities by capset(2) itself: libcap would be a library for two calls. The bounding set goes
 * first, for which SETPCAP is needed, and the capabilities last.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "sensor/privileges.h"
#include "sensor/sensor.h"

#define BIT(number) (UINT64_C(1) << (number))

#define NEEDED (BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH))

static const char *const names[] = { "chown", "dac_override", "dac_read_search", "fowner", "fsetid",
	"kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
	"net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio",
	"sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write",
	"audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
	"block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore" };

/* capset(2) and capget(2) of the calling thread; two words each. */
static int get(uint64_t *ret_permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*ret_permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

static int set(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(effective >> 32 * i),
			.permitted = (uint32_t)(permitted >> 32 * i),
		};
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int find(const char *name, uint64_t *ret_bit)
{
	const char *bare = strncasecmp(name, "cap_", 4) ? name : name + 4;

	for (unsigned i = 0; i < COUNT_OF(names); i++)
		if (!strcasecmp(bare, names[i])) {
			*ret_bit = BIT(i);
			return 0;
		}
	return -EINVAL;
}

static int wanted(const struct sensor_options *options, uint64_t *ret_wanted, struct error *err)
{
	*ret_wanted = NEEDED;
	for (size_t i = 0; i < options->kept_capabilities.count; i++) {
		const char *name = options->kept_capabilities.items[i];
		uint64_t bit;

		if (find(name, &bit) < 0)
			return error_set(err, -EINVAL,
				"sensor.keep_capabilities: \"%s\" is no capability; they are named "
				"as in capabilities(7), such as DAC_OVERRIDE",
				name);
		*ret_wanted |= bit;
	}
	return 0;
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* Whether programs of our type can be loaded with these. */
static bool is_enough(uint64_t permitted, uint64_t effective)
{
	bool is_good = !set(permitted, effective) &&
		       libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL) == 1;

	(void)set(permitted, permitted);
	return is_good;
}

static bool needs_sys_admin(uint64_t permitted, uint64_t kept)
{
	uint64_t with = kept | BIT(CAP_SYS_ADMIN);

	if (!(permitted & BIT(CAP_SYS_ADMIN)))
		return false;
	(void)libbpf_set_print(be_silent);
	return !is_enough(permitted, permitted & kept) && is_enough(permitted, permitted & with);
}

/* Before 5.11 maps count against the limit of locked memory. */
static void raise_memory_limit(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

/* So that no program that we become or start gets back what we gave up. */
static void close_the_way_back(uint64_t kept)
{
	for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (!(kept & BIT(i)))
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int privileges_drop(const struct sensor_options *options, struct error *err)
{
	uint64_t permitted = 0, kept;
	int r = wanted(options, &kept, err);

	if (r < 0)
		return r;
	r = get(&permitted);
	if (r < 0)
		return error_set(
			err, r, "this kernel does not tell our capabilities: %s", strerror(-r));
	raise_memory_limit();
	if (options->engine_kind < ENGINE_REPLAY && needs_sys_admin(permitted, kept)) {
		log_warning("CAP_SYS_ADMIN is kept: kernel programs do not load without it here "
			    "(CAP_BPF and CAP_PERFMON are missing, or this kernel has none)");
		kept |= BIT(CAP_SYS_ADMIN);
	}
	if (options->program_enabled)
		log_info("program_output is enabled: its program gets all capabilities that the "
			 "sensor was started with");
	else
		close_the_way_back(kept);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	r = set(permitted & kept, permitted & kept);
	return r < 0 ? error_set(err, r, "capabilities cannot be given up: %s", strerror(-r)) : 0;
}
