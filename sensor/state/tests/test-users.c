/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names from files that may be hostile. A folder stands for the host's root; in its proc/ a link
 * stands for a container process' root.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/state/users.h"
#include "tests/test.h"

#define PATIENCE_MS 10000

struct place {
	char *folder; /* kept by reference in `users` */
	struct containers *containers;
	const struct container *host, *container;
	struct users *users;
};

static void write_file(const struct place *place, const char *path, const char *content)
{
	char whole[256], first[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", place->folder, path);
	snprintf(first, sizeof(first), "%s/%s.new", place->folder, path);
	file = fopen(first, "w");
	if (!file || fputs(content, file) < 0 || fclose(file) || rename(first, whole))
		abort();
}

static void make_folder(const struct place *place, const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", place->folder, path);
	if (mkdir(whole, 0755))
		abort();
}

static const char *in_place(const struct place *place, const char *path)
{
	static char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", place->folder, path);
	return whole;
}

static struct place place_new(void)
{
	struct place place = { .folder = string_copy("/tmp/tercel-users-XXXXXX") };

	if (!mkdtemp(place.folder))
		abort();
	make_folder(&place, "etc");
	make_folder(&place, "proc");
	make_folder(&place, "proc/42");
	make_folder(&place, "proc/42/root");
	make_folder(&place, "proc/42/root/etc");
	write_file(&place, "etc/passwd", "root:x:0:0::/:/bin/sh\nhostess:x:1000:1000::/:/bin/sh\n");
	write_file(&place, "etc/group", "root:x:0:\nstaff:x:50:hostess\n");
	place.containers = containers_new();
	place.host = containers_of_cgroup(place.containers, TEXT("/"), false);
	place.container = containers_of_cgroup(place.containers, TEXT("/box"), true);
	place.users = users_new(place.folder);
	return place;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void place_done(struct place *place)
{
	users_free(place->users);
	containers_free(place->containers);
	nftw(place->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(place->folder);
}

#define CHECK_SLICE(got, want)                      \
	do {                                        \
		char *slice_ = text_to_string(got); \
		CHECK_TEXT(slice_, want);           \
		free(slice_);                       \
	} while (0)

/* Asks until the name is there. On a busy machine an event gives up waiting before the reader has
 * come to the file; the name is there for later ones. */
static enum presence ask(struct place *place, uint32_t uid, struct text *ret_name)
{
	enum presence presence = WAITS;

	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		presence != PRESENT && clock_ms(CLOCK_MONOTONIC) < end;)
		presence = users_name_of(
			place->users, place->container, 42, NAME_OF_USER, uid, ret_name);
	return presence;
}

/* What cannot be read gives no name for ever; the reader is known to be past it when an other
 * container's question, asked later, is answered. */
static void check_no_name(struct place *place)
{
	const struct container *other =
		containers_of_cgroup(place->containers, TEXT("/other"), true);
	enum presence presence = ABSENT;
	struct text name = { 0 };

	(void)users_name_of(place->users, place->container, 42, NAME_OF_USER, 7, &name);
	make_folder(place, "proc/43");
	make_folder(place, "proc/43/root");
	make_folder(place, "proc/43/root/etc");
	write_file(place, "proc/43/root/etc/passwd", "later:x:7:7::/:/bin/sh\n");
	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		presence != PRESENT && clock_ms(CLOCK_MONOTONIC) < end;)
		presence = users_name_of(place->users, other, 43, NAME_OF_USER, 7, &name);
	CHECK_NUMBER(presence, PRESENT);
	CHECK_NUMBER(
		users_name_of(place->users, place->container, 42, NAME_OF_USER, 7, &name), ABSENT);
}

TEST(the_hosts_names_are_there_at_once)
{
	struct place place = place_new();
	struct text name = { 0 };

	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_USER, 1000, &name), PRESENT);
	CHECK_SLICE(name, "hostess");
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_GROUP, 50, &name), PRESENT);
	CHECK_SLICE(name, "staff");
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_USER, 4711, &name), ABSENT);
	place_done(&place);
}

TEST(a_user_has_a_home_and_a_shell)
{
	struct place place = place_new();
	struct text text = { 0 };

	write_file(&place, "etc/passwd", "a:x:1::/:\nb:x:2:2:B, C:/home/b:/bin/sh\nc:x:3:3\n");
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_HOME, 2, &text), PRESENT);
	CHECK_SLICE(text, "/home/b");
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_SHELL, 2, &text), PRESENT);
	CHECK_SLICE(text, "/bin/sh");
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_SHELL, 1, &text), ABSENT);
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_HOME, 3, &text), ABSENT);
	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_USER, 3, &text), PRESENT);
	CHECK_SLICE(text, "c");
	place_done(&place);
}

TEST(the_hosts_names_are_read_again_when_they_change)
{
	struct place place = place_new();
	struct text name = { 0 };
	enum presence presence = ABSENT;

	CHECK_NUMBER(users_name_of(place.users, place.host, 1, NAME_OF_USER, 2000, &name), ABSENT);
	write_file(&place, "etc/passwd", "new:x:2000:2000::/:/bin/sh\n");
	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		presence != PRESENT && clock_ms(CLOCK_MONOTONIC) < end;)
		presence = users_name_of(place.users, place.host, 1, NAME_OF_USER, 2000, &name);
	CHECK_NUMBER(presence, PRESENT);
	CHECK_SLICE(name, "new");
	place_done(&place);
}

TEST(a_containers_names_are_its_own)
{
	struct place place = place_new();
	struct text name = { 0 };

	write_file(&place, "proc/42/root/etc/passwd", "boxed:x:1000:1000::/:/bin/sh\n");
	CHECK_NUMBER(ask(&place, 1000, &name), PRESENT);
	CHECK_SLICE(name, "boxed");
	CHECK_NUMBER(
		users_name_of(place.users, place.container, 42, NAME_OF_USER, 0, &name), ABSENT);
	place_done(&place);
}

TEST(of_two_entries_with_one_id_the_first_counts_and_odd_lines_do_not)
{
	struct place place = place_new();
	struct text name = { 0 };

	write_file(&place, "proc/42/root/etc/passwd",
		"# comment\n\n:x:5:5\nno number:x:abc:1\nshort:x\nfirst:x:7:7::/:/bin/sh\n"
		"second:x:7:7::/:/bin/sh\nlarge:x:4294967296:1\nlast:x:8:8");
	CHECK_NUMBER(ask(&place, 7, &name), PRESENT);
	CHECK_SLICE(name, "first");
	CHECK_NUMBER(ask(&place, 8, &name), PRESENT);
	CHECK_SLICE(name, "last");
	CHECK_NUMBER(
		users_name_of(place.users, place.container, 42, NAME_OF_USER, 5, &name), ABSENT);
	CHECK_NUMBER(
		users_name_of(place.users, place.container, 42, NAME_OF_USER, 0, &name), ABSENT);
	place_done(&place);
}

TEST(a_passwd_that_links_out_of_the_container_stays_inside)
{
	struct place place = place_new();

	/* To the host's file by an absolute and by a climbing path: both end in the container. */
	if (symlink("/etc/passwd", in_place(&place, "proc/42/root/etc/passwd")))
		abort();
	check_no_name(&place);
	place_done(&place);
}

TEST(a_link_within_the_container_is_followed)
{
	struct place place = place_new();
	struct text name = { 0 };

	write_file(&place, "proc/42/root/etc/real", "linked:x:9:9::/:/bin/sh\n");
	if (symlink("/etc/real", in_place(&place, "proc/42/root/etc/passwd")))
		abort();
	CHECK_NUMBER(ask(&place, 9, &name), PRESENT);
	CHECK_SLICE(name, "linked");
	place_done(&place);
}

TEST(a_pipe_instead_of_a_passwd_stops_nobody)
{
	struct place place = place_new();

	if (mkfifo(in_place(&place, "proc/42/root/etc/passwd"), 0600))
		abort();
	check_no_name(&place);
	place_done(&place);
}

TEST(a_passwd_of_more_than_a_mebibyte_is_not_read)
{
	struct place place = place_new();

	write_file(&place, "proc/42/root/etc/passwd", "huge:x:7:7::/:/bin/sh\n");
	if (truncate(in_place(&place, "proc/42/root/etc/passwd"), (1 << 20) + 1))
		abort();
	check_no_name(&place);
	place_done(&place);
}

TEST(who_is_gone_has_no_names_and_an_other_process_of_the_container_brings_them)
{
	struct place place = place_new();
	struct text name = { 0 };
	enum presence presence;

	write_file(&place, "proc/42/root/etc/passwd", "boxed:x:7:7::/:/bin/sh\n");
	users_prepare(place.users, place.container, 4711);
	presence = WAITS;
	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		presence != PRESENT && clock_ms(CLOCK_MONOTONIC) < end;)
		presence = users_name_of(place.users, place.container, 42, NAME_OF_USER, 7, &name);
	CHECK_NUMBER(presence, PRESENT);
	place_done(&place);
}
