/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where runtimes listen: the sockets that distributions of containerd, CRI-O, Docker and Podman
 * use, found by looking.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "sensor/state/runtimes/runtime.h"

#define SOCKETS_MAX 64

struct found_socket {
	const struct runtime_kind *kind;
	char name[108]; /* as a person knows it: "/run/crio/crio.sock" */
	char path[108]; /* by which we reach it: below the host's root */
	uid_t owner;	/* of a user's own Podman; 0: the system's */
	dev_t device;
	ino_t inode;
	int error; /* 0, or why it cannot be reached: -EACCES … */
};

/* A socket that an administrator names: in place of the usual ones of its kind, or beside them. */
struct wanted_socket {
	const struct runtime_kind *kind;
	const char *path; /* on the host */
	bool is_beside;	  /* then it may be missing, too */
};

struct sockets_options {
	const char *host_root; /* where the host's / is mounted; NULL or "": / */
	const struct wanted_socket *wanted;
	size_t wanted_count;
	/* Kinds that are not to be looked for. */
	bool without_cri, without_docker, without_podman;
};

/*
 * Looks for sockets; each is given once, whatever links lead to it. Links are followed below the
 * host's root. Returns how many, at most SOCKETS_MAX. Sockets that do not exist are left out,
 * unless they were named.
 */
size_t sockets_find(const struct sockets_options *options, struct found_socket *ret_sockets);
