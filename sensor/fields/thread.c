/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the thread that made the event: its ids, capabilities, control groups. */
#include <inttypes.h>

#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/fields/usage.h"

/* By number, include/uapi/linux/capability.h. */
static const char *const capabilities[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static enum presence give_capabilities(
	const struct event *event, uint64_t set, struct value *ret_value)
{
	char line[2048];
	size_t length = 0;

	for (size_t i = 0; i < COUNT_OF(capabilities); i++)
		if (set >> i & 1)
			length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%s",
				length ? " " : "", capabilities[i]);
	return give_text(
		ret_value, arena_copy(event->arena, (struct text){ length ? line : "", length }));
}

READER(thread_cap_permitted)
{
	if (!event->process)
		return ABSENT;
	return give_capabilities(event, event->process->capabilities_permitted, ret_value);
}

READER(thread_cap_inheritable)
{
	if (!event->process)
		return ABSENT;
	return give_capabilities(event, event->process->capabilities_inheritable, ret_value);
}

READER(thread_cap_effective)
{
	if (!event->process)
		return ABSENT;
	return give_capabilities(event, event->process->capabilities_effective, ret_value);
}

READER(thread_tid)
{
	return give_id(ret_value, event->thread_id);
}

static bool is_main(const struct event *event)
{
	return event->process && event->process->pid == event->thread_id;
}

READER(thread_ismain)
{
	return event->process ? give_bool(ret_value, is_main(event)) : ABSENT;
}

/* Of other threads than the main one we do not know the namespace's number. */
READER(thread_vtid)
{
	return is_main(event) ? give_id(ret_value, event->process->vpid) : ABSENT;
}

READER(thread_nametid)
{
	if (!event->process)
		return ABSENT;
	return give_text(ret_value, arena_printf(event->arena, TEXT_FORMAT "%" PRId64,
					    TEXT_PRINT(event->process->comm), event->thread_id));
}

/* As Falco gives it where nobody is told of turns: who has one is not recorded. */
READER(thread_exectime)
{
	return event->process ? give_unsigned(ret_value, 0) : ABSENT;
}

static const struct field fields[] = {
	{ "thread.cap_permitted", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Capabilities that it may take up, joined by blanks", thread_cap_permitted },
	{ "thread.cap_inheritable", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Capabilities that may survive an exec", thread_cap_inheritable },
	{ "thread.cap_effective", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Capabilities that it acts with",
		thread_cap_effective },
	{ "thread.pfmajor", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK, "Page faults with I/O so far",
		thread_pfmajor },
	{ "thread.pfminor", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK,
		"Page faults without I/O so far", thread_pfminor },
	{ "thread.tid", TYPE_INT64, ARGUMENT_NONE, 0, "Thread id on the host", thread_tid },
	{ "thread.ismain", TYPE_BOOL, ARGUMENT_NONE, 0, "Whether it is the process' first thread",
		thread_ismain },
	{ "thread.vtid", TYPE_INT64, ARGUMENT_NONE, 0, "Thread id inside its pid namespace",
		thread_vtid },
	{ "thread.nametid", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_HIDDEN, "Name and thread id in one",
		thread_nametid },
	{ "thread.exectime", TYPE_RELTIME, ARGUMENT_NONE, 0,
		"Always 0: turns on a processor are not recorded", thread_exectime },
	{ "thread.totexectime", TYPE_RELTIME, ARGUMENT_NONE, FIELD_LOOK,
		"Processor time so far, ns", thread_totexectime },
	{ "thread.cgroups", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK,
		"Control groups of all controllers", thread_cgroups },
	{ "thread.cgroup", TYPE_CHARBUF, ARGUMENT_SUFFIX, FIELD_LOOK,
		"Path of the control group for the controller behind the dot", thread_cgroup },
	{ "thread.cpu", TYPE_DOUBLE, ARGUMENT_NONE, FIELD_LOOK,
		"Processor use since it was last looked at, at least a second ago, percent",
		thread_cpu },
	{ "thread.cpu.user", TYPE_DOUBLE, ARGUMENT_NONE, FIELD_LOOK, "Its part in user space",
		thread_cpu_user },
	{ "thread.cpu.system", TYPE_DOUBLE, ARGUMENT_NONE, FIELD_LOOK, "Its part in the kernel",
		thread_cpu_system },
	{ "thread.vmsize", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK,
		"Virtual memory of the process, kB", thread_vmsize },
	{ "thread.vmrss", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK,
		"Resident memory of the process, kB", thread_vmrss },
	{ "thread.vmsize.b", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN | FIELD_LOOK,
		"Virtual memory of the process, bytes", thread_vmsize_b },
	{ "thread.vmrss.b", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN | FIELD_LOOK,
		"Resident memory of the process, bytes", thread_vmrss_b },
};

const struct field_family family_thread = { "thread", "The thread that made the event", fields,
	COUNT_OF(fields) };
