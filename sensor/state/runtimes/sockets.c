/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the sockets of runtimes. The host's root may be mounted below ours, and its /var/run may
 * be an absolute link, so that paths are resolved by the kernel with that root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/memory.h"
#include "sensor/state/runtimes/sockets.h"

static const struct wanted_socket known[] = {
	{ &runtime_cri, "/run/crio/crio.sock" }, /* OpenShift */
	{ &runtime_cri, "/run/containerd/containerd.sock" },
	{ &runtime_cri, "/run/k3s/containerd/containerd.sock" }, /* RKE2 too */
	{ &runtime_cri, "/run/k0s/containerd.sock" },
	{ &runtime_cri, "/var/snap/microk8s/common/run/containerd.sock" },
	{ &runtime_cri, "/run/host-containerd/containerd.sock" }, /* Bottlerocket */
	{ &runtime_cri, "/run/cri-dockerd.sock" },
	{ &runtime_docker, "/run/docker.sock" },
	{ &runtime_docker, "/var/run/docker.sock" },
	{ &runtime_podman, "/run/podman/podman.sock" },
};

struct search {
	const struct sockets_options *options;
	int root;
	struct found_socket *sockets;
	size_t count;
};

static bool has_socket(const struct search *search, const struct found_socket *socket)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->sockets[i].inode == socket->inode &&
			search->sockets[i].device == socket->device && socket->inode)
			return true;
	return false;
}

/* -ENOTSOCK for what is none. */
static int resolve(const struct search *search, struct found_socket *socket)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	_cleanup_(closep) int fd = -1;
	char link[64];
	struct stat status;
	ssize_t length;

	fd = (int)syscall(SYS_openat2, search->root, socket->name, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, socket->path, sizeof(socket->path));
	if (length < 0 || (size_t)length >= sizeof(socket->path))
		return length < 0 ? -errno : -ENAMETOOLONG;
	socket->path[length] = '\0';
	socket->device = status.st_dev;
	socket->inode = status.st_ino;
	return 0;
}

static void look_at(
	struct search *search, const struct wanted_socket *wanted, uid_t owner, bool must_exist)
{
	struct found_socket socket = { .kind = wanted->kind, .owner = owner };

	if (search->count == SOCKETS_MAX || strlen(wanted->path) >= sizeof(socket.name))
		return;
	snprintf(socket.name, sizeof(socket.name), "%s", wanted->path);
	socket.error = resolve(search, &socket);
	if (socket.error == -ENOENT && !must_exist)
		return;
	if (!has_socket(search, &socket))
		search->sockets[search->count++] = socket;
}

static bool is_named(const struct sockets_options *options, const struct runtime_kind *kind)
{
	for (size_t i = 0; i < options->wanted_count; i++)
		if (options->wanted[i].kind == kind && !options->wanted[i].is_beside)
			return true;
	return false;
}

static bool is_sought(const struct sockets_options *options, const struct runtime_kind *kind)
{
	if (is_named(options, kind))
		return false;
	return !(kind == &runtime_cri && options->without_cri) &&
	       !(kind == &runtime_docker && options->without_docker) &&
	       !(kind == &runtime_podman && options->without_podman);
}

/* Podman of users without privileges: /run/user/UID/podman/podman.sock. */
static void look_at_users(struct search *search)
{
	int fd = openat(search->root, "run/user", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char path[64];

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder))) {
		struct wanted_socket wanted = { &runtime_podman, path };
		uint64_t uid;

		if (text_to_u64(text_of(entry->d_name), &uid) < 0 || !uid || uid > UINT32_MAX)
			continue;
		snprintf(path, sizeof(path), "/run/user/%u/podman/podman.sock", (unsigned)uid);
		look_at(search, &wanted, (uid_t)uid, false);
	}
	closedir(folder);
}

size_t sockets_find(const struct sockets_options *options, struct found_socket *ret_sockets)
{
	const char *root = options->host_root && options->host_root[0] ? options->host_root : "/";
	struct search search = { .options = options, .sockets = ret_sockets };

	search.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (search.root < 0)
		return 0;
	for (size_t i = 0; i < options->wanted_count; i++)
		look_at(&search, &options->wanted[i], 0, !options->wanted[i].is_beside);
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (is_sought(options, known[i].kind))
			look_at(&search, &known[i], 0, false);
	if (is_sought(options, &runtime_podman))
		look_at_users(&search);
	close(search.root);
	return search.count;
}
