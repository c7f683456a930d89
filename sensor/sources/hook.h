/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the ends of system calls are seen. The raw hook runs at every call's end, whoever makes it
 * and whichever table its number is from; a call that nobody watches pays for that. Tracepoints of
 * the wanted calls alone are nearly free for all others, but 32-bit and x32 calls do not pass them:
 * they are taken by themselves only where such calls are proven to be impossible.
 */
#pragma once

#include <bpf/libbpf.h>

#include "base/error.h"
#include "sensor/kernel/wire.h"
#include "sensor/sources/source.h"

extern const char *const hook_names[HOOK_COUNT];

/* What the host says about it; found by trying, in a child. */
struct hook_host {
	bool has_other_calls;	 /* 32-bit or x32 calls are possible, or not proven impossible */
	bool has_tracepoints;	 /* tracefs is mounted, with a folder for each call */
	bool has_registers;	 /* bpf_task_pt_regs(), Linux 5.15 */
	const char *other_calls; /* how that is known, for people */
};

void hook_look(struct hook_host *ret_host);

/* What a choice comes to on a host; *ret_why is a phrase for people. */
enum hook hook_choose(
	enum attach_choice choice, const struct hook_host *host, const char **ret_why);

/* Whether the kernel has a tracepoint for the end of this call. */
bool hook_has_tracepoint(const char *call);

/* What is attached for one hook. */
struct call_hook {
	enum hook hook;
	struct bpf_object *object; /* its programs. Borrowed */
	struct bpf_link *raw;
	struct hook_link *links; /* by call */
	size_t link_count;
	struct closer *closer; /* NULL: nothing is being detached */
};

/*
 * Only these calls (names of this architecture's own table) are seen from now on. Those without a
 * tracepoint are left out of HOOK_SYSCALLS.
 */
int call_hook_want(
	struct call_hook *hook, const char *const *calls, size_t count, struct error *err);
/*
 * Waits until every call that ends by now has gone through the hooks that were attached when it
 * began to. `hook` is that of tracepoints.
 */
void call_hook_settle(struct call_hook *hook);
/* Detaches all. A tracepoint takes some 40 ms, so a thread of its own does it. */
void call_hook_close(struct call_hook *hook);
/* The same, and waits for it. */
void call_hook_done(struct call_hook *hook);
