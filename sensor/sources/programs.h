/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel programs (sensor/kernel): there are builds of them for what kernels can do
 * (read.bpf.h) and for where calls are seen (registers.bpf.h). This takes the one that the kernel
 * accepts, the fast one first.
 */
#pragma once

#include <bpf/libbpf.h>

#include "base/error.h"
#include "sensor/kernel/wire.h"

/*
 * Loads all programs. With `shares` only those that collect calls, which then work on the maps of
 * that object, whichever hook it is for. -EPERM, -ENOSYS (no BTF) … with one line that says what is
 * missing. bpf_object__close() it; `shares` may go first.
 */
int programs_load(enum hook hook, uint64_t ring_bytes, struct bpf_object *shares,
	struct bpf_object **ret_object, struct error *err);

/* Attaches one where its section says. */
int programs_attach(
	struct bpf_object *object, const char *name, struct bpf_link **ret_link, struct error *err);

/* The map whose name ends so: ".bss", ".rodata". NULL: none. */
struct bpf_map *programs_map_ending(struct bpf_object *object, const char *end);
