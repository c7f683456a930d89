/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "dashboard/logins.h"
#include "tests/test.h"

struct fixture {
	char folder[64];
	struct logins *logins;
};

static int open_logins(struct fixture *fixture, const char *user, struct error *err)
{
	struct logins_options options = { .state = fixture->folder, .user = user };

	return logins_open(&options, &fixture->logins, err);
}

static void begin(struct fixture *fixture, const char *user)
{
	*fixture = (struct fixture){ .folder = "/tmp/tercel-logins-XXXXXX" };
	CHECK(mkdtemp(fixture->folder) != NULL);
	CHECK_NUMBER(open_logins(fixture, user, NULL), 0);
}

static void end(struct fixture *fixture)
{
	static const char *const names[] = { "users", "told" };

	logins_free(fixture->logins);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		_cleanup_(freep) char *path = string_printf("%s/%s", fixture->folder, names[i]);

		unlink(path);
	}
	rmdir(fixture->folder);
}

static int check(struct fixture *fixture, const char *user, const char *password, const char *peer)
{
	int seconds;

	return logins_check(
		fixture->logins, text_of(user), text_of(password), text_of(peer), &seconds);
}

TEST(a_given_user_may_have_colons_in_the_password)
{
	struct fixture fixture;

	begin(&fixture, "eve:a:b:c");
	CHECK_NUMBER(check(&fixture, "eve", "a:b:c", "peer"), 0);
	CHECK_NUMBER(check(&fixture, "eve", "a:b:c", "peer"), 0); /* remembered */
	CHECK_NUMBER(check(&fixture, "eve", "a", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "eve:a", "b:c", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "", "", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "Eve", "a:b:c", "peer"), -EACCES);
	end(&fixture);
}

TEST(a_user_without_password_is_refused)
{
	static const char *const wrong[] = { "admin", "admin:", ":secret", ":" };
	struct fixture fixture = { .folder = "/tmp" };
	struct error err = { 0 };

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CHECK_NUMBER(open_logins(&fixture, wrong[i], &err), -EINVAL);
		CHECK_TEXT(err.message, "the user must be given as USER:PASSWORD");
	}
}

TEST(wrong_passwords_block_their_peer_alone)
{
	struct fixture fixture;
	int seconds = 0;

	begin(&fixture, "admin:right");
	for (int i = 0; i < 5; i++)
		CHECK_NUMBER(check(&fixture, "admin", "wrong", "10.0.0.1"), -EACCES);
	CHECK_NUMBER(logins_check(fixture.logins, TEXT("admin"), TEXT("right"), TEXT("10.0.0.1"),
			     &seconds),
		-EAGAIN);
	CHECK(seconds > 0 && seconds <= 2);
	CHECK_NUMBER(check(&fixture, "admin", "right", "10.0.0.2"), 0);
	end(&fixture);
}

TEST(addresses_of_one_ipv6_network_are_one_peer)
{
	struct fixture fixture;

	begin(&fixture, "admin:right");
	for (int i = 0; i < 5; i++) {
		char address[64];

		snprintf(address, sizeof(address), "2001:db8:0:1::%x", i);
		CHECK_NUMBER(check(&fixture, "admin", "wrong", address), -EACCES);
	}
	CHECK_NUMBER(check(&fixture, "admin", "right", "2001:db8:0:1:ffff::1"), -EAGAIN);
	CHECK_NUMBER(check(&fixture, "admin", "right", "2001:db8:0:2::1"), 0);
	end(&fixture);
}

TEST(a_right_password_forgives_the_wrong_ones)
{
	struct fixture fixture;

	begin(&fixture, "admin:right");
	for (int i = 0; i < 4; i++)
		CHECK_NUMBER(check(&fixture, "admin", "wrong", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "admin", "right", "peer"), 0);
	for (int i = 0; i < 4; i++)
		CHECK_NUMBER(check(&fixture, "admin", "wrong", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "admin", "right", "peer"), 0);
	end(&fixture);
}

TEST(a_first_login_is_told_once_and_works_afterwards)
{
	_cleanup_(freep) char *told = NULL;
	char user[64] = "", password[64] = "";
	struct fixture fixture;
	struct stat status;
	FILE *file;

	begin(&fixture, NULL);
	told = string_printf("%s/told", fixture.folder);
	CHECK_NUMBER(logins_keep_first(fixture.logins, told, NULL), 0);
	CHECK_NUMBER(stat(told, &status), 0);
	CHECK_NUMBER(status.st_mode & 0777, 0600);
	file = fopen(told, "r");
	CHECK_NUMBER(fscanf(file, "%63s %63s", user, password), 2);
	fclose(file);
	CHECK_NUMBER(check(&fixture, user, password, "peer"), 0);

	unlink(told);
	logins_free(fixture.logins);
	CHECK_NUMBER(open_logins(&fixture, NULL, NULL), 0);
	CHECK_NUMBER(logins_keep_first(fixture.logins, told, NULL), 0);
	CHECK(stat(told, &status) < 0);
	CHECK_NUMBER(check(&fixture, user, password, "peer"), 0);
	CHECK_NUMBER(logins_role(fixture.logins, TEXT("admin")), ROLE_OPERATOR);
	end(&fixture);
}

TEST(a_login_that_cannot_be_told_is_not_kept)
{
	_cleanup_(freep) char *users = NULL;
	struct fixture fixture;
	struct error err = { 0 };
	struct stat status;

	begin(&fixture, NULL);
	users = string_printf("%s/users", fixture.folder);
	CHECK(logins_keep_first(fixture.logins, "/nonexistent/told", &err) < 0);
	CHECK(strstr(err.message, "/nonexistent/told") != NULL);
	CHECK(stat(users, &status) < 0);
	end(&fixture);
}

static void write_users_file(struct fixture *fixture, const char *text)
{
	_cleanup_(freep) char *path = string_printf("%s/users", fixture->folder);
	_cleanup_(freep) char *next = string_printf("%s.new", path);
	FILE *file = fopen(next, "w");

	CHECK(file != NULL);
	fputs(text, file);
	fclose(file);
	CHECK_NUMBER(rename(next, path), 0);
}

static char *user_line(const char *name, const char *password, const char *ending)
{
	char hash[PASSWORD_HASH_MAX];

	CHECK_NUMBER(password_hash(text_of(password), hash, NULL), 0);
	return string_printf("%s:%s%s\n", name, hash, ending);
}

TEST(a_broken_file_of_users_is_told_with_its_line)
{
	static const struct {
		const char *ending, *words;
	} wrong[] = {
		{ "no colon here\n", "a line must be USER:HASH or USER:HASH:ROLE" },
		{ ":x\n", "a line must be USER:HASH or USER:HASH:ROLE" },
		{ "eve:\n", "a line must be USER:HASH or USER:HASH:ROLE" },
		{ "eve:$1$abcdefgh$x\n",
			"this hash cannot be checked here; tercel user makes one that can" },
		{ "eve:$argon2id$v=19$m=4096,t=3,p=1$c2FsdA$aGFzaA\n",
			"this hash cannot be checked here; tercel user makes one that can" },
		{ "eve:plain\n",
			"this hash cannot be checked here; tercel user makes one that can" },
	};
	_cleanup_(freep) char *good = user_line("admin", "x", ""), *role = NULL;
	struct fixture fixture;
	struct error err = { 0 };

	begin(&fixture, "admin:x");
	logins_free(TAKE(fixture.logins));
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		_cleanup_(freep) char *text =
			string_printf("# people\n%s%s", good, wrong[i].ending);
		_cleanup_(freep) char *wanted =
			string_printf("%s/users:3: %s", fixture.folder, wrong[i].words);

		write_users_file(&fixture, text);
		CHECK_NUMBER(open_logins(&fixture, NULL, &err), -EINVAL);
		CHECK_TEXT(err.message, wanted);
	}
	role = user_line("eve", "x", ":boss");
	write_users_file(&fixture, role);
	CHECK_NUMBER(open_logins(&fixture, NULL, &err), -EINVAL);
	CHECK(strstr(err.message, "the role must be viewer or operator, not \"boss\"") != NULL);
	end(&fixture);
}

TEST(a_user_without_a_role_is_an_operator)
{
	_cleanup_(freep) char *old = user_line("old", "a", ""),
			      *eve = user_line("eve", "b", ":viewer"),
			      *bob = user_line("bob", "c", ":operator"), *all = NULL;
	struct fixture fixture;

	begin(&fixture, "admin:x");
	logins_free(TAKE(fixture.logins));
	all = string_printf("%s%s%s", old, eve, bob);
	write_users_file(&fixture, all);
	CHECK_NUMBER(open_logins(&fixture, NULL, NULL), 0);
	CHECK_NUMBER(check(&fixture, "eve", "b", "peer"), 0);
	CHECK_NUMBER(check(&fixture, "eve", "a", "peer"), -EACCES);
	CHECK_NUMBER(logins_role(fixture.logins, TEXT("old")), ROLE_OPERATOR);
	CHECK_NUMBER(logins_role(fixture.logins, TEXT("eve")), ROLE_VIEWER);
	CHECK_NUMBER(logins_role(fixture.logins, TEXT("bob")), ROLE_OPERATOR);
	CHECK_NUMBER(logins_role(fixture.logins, TEXT("nobody")), ROLE_VIEWER);
	end(&fixture);
}

TEST(a_changed_file_of_users_counts_at_once_and_a_broken_one_changes_nothing)
{
	_cleanup_(freep) char *eve = user_line("eve", "a", ":viewer"),
			      *bob = user_line("bob", "b", ":viewer"),
			      *next = user_line("bob", "c", ":operator"), *both = NULL;
	char of_eve[SESSION_TOKEN_MAX], of_bob[SESSION_TOKEN_MAX], user[USER_NAME_MAX];
	struct fixture fixture;

	begin(&fixture, "admin:x");
	logins_free(TAKE(fixture.logins));
	both = string_printf("%s%s", eve, bob);
	write_users_file(&fixture, both);
	CHECK_NUMBER(open_logins(&fixture, NULL, NULL), 0);
	CHECK_NUMBER(check(&fixture, "bob", "b", "peer"), 0);
	logins_start_session(fixture.logins, TEXT("eve"), TEXT("peer"), of_eve);
	logins_start_session(fixture.logins, TEXT("bob"), TEXT("peer"), of_bob);

	/* Eve is gone, and bob has another password: neither's session lives, nor the memory. */
	write_users_file(&fixture, next);
	CHECK(!logins_find_session(fixture.logins, text_of(of_eve), user));
	CHECK(!logins_find_session(fixture.logins, text_of(of_bob), user));
	CHECK_NUMBER(check(&fixture, "bob", "b", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "eve", "a", "peer"), -EACCES);
	CHECK_NUMBER(check(&fixture, "bob", "c", "peer"), 0);
	CHECK_NUMBER(logins_role(fixture.logins, TEXT("bob")), ROLE_OPERATOR);

	write_users_file(&fixture, "nonsense\n");
	CHECK_NUMBER(check(&fixture, "bob", "c", "peer"), 0);
	write_users_file(&fixture, "");
	CHECK_NUMBER(check(&fixture, "bob", "c", "peer"), 0);
	end(&fixture);
}

TEST(a_named_file_without_users_is_an_error)
{
	struct fixture fixture;
	struct error err = { 0 };

	begin(&fixture, "admin:x");
	logins_free(TAKE(fixture.logins));
	CHECK_NUMBER(logins_open(&(struct logins_options){ .state = fixture.folder,
					 .users_file = "/nonexistent/users" },
			     &fixture.logins, &err),
		-ENODATA);
	CHECK_TEXT(err.message, "/nonexistent/users has no user; tercel user set adds one");
	end(&fixture);
}

TEST(users_are_set_and_removed_and_written_whole)
{
	_cleanup_(freep) char *path = NULL;
	struct users users = { 0 }, again = { 0 };
	struct fixture fixture;
	struct error err = { 0 };

	begin(&fixture, "admin:x");
	path = string_printf("%s/users", fixture.folder);
	CHECK_NUMBER(users_set(&users, TEXT("a:b"), "$y$", ROLE_VIEWER, &err), -EINVAL);
	CHECK_NUMBER(users_set(&users, TEXT("#a"), "$y$", ROLE_VIEWER, &err), -EINVAL);
	CHECK_NUMBER(users_set(&users, TEXT("a\nb"), "$y$", ROLE_VIEWER, &err), -EINVAL);
	CHECK_NUMBER(users_set(&users, TEXT(""), "$y$", ROLE_VIEWER, &err), -EINVAL);
	for (const char *name = "abc"; *name; name++) {
		char hash[PASSWORD_HASH_MAX];

		CHECK_NUMBER(password_hash(TEXT("secret"), hash, &err), 0);
		CHECK_NUMBER(
			users_set(&users, (struct text){ name, 1 }, hash, ROLE_VIEWER, &err), 0);
	}
	CHECK(users_remove(&users, TEXT("b")));
	CHECK(!users_remove(&users, TEXT("b")));
	CHECK_NUMBER(users_write(path, &users, &err), 0);
	CHECK_NUMBER(users_read(path, &again, &err), 0);
	CHECK_NUMBER(again.count, 2);
	CHECK_TEXT(again.items[0].name, "a");
	CHECK_TEXT(again.items[1].name, "c");
	CHECK_TEXT(again.items[1].hash, users.items[1].hash);
	CHECK(password_is_right(TEXT("secret"), again.items[1].hash));
	CHECK(!password_is_right(TEXT("Secret"), again.items[1].hash));
	CHECK(!password_is_right(TEXT("secret"), NULL));
	users_done(&users);
	users_done(&again);
	end(&fixture);
}

TEST(sessions_are_listed_and_ended_by_their_id_and_never_the_one_that_asks)
{
	char mine[SESSION_TOKEN_MAX], other[SESSION_TOKEN_MAX], bobs[SESSION_TOKEN_MAX],
		user[USER_NAME_MAX];
	struct session *sessions;
	struct fixture fixture;

	begin(&fixture, "admin:x");
	logins_start_session(fixture.logins, TEXT("admin"), TEXT("10.0.0.1"), mine);
	logins_start_session(fixture.logins, TEXT("admin"), TEXT("10.0.0.2"), other);
	logins_start_session(fixture.logins, TEXT("bob"), TEXT("10.0.0.3"), bobs);
	CHECK_NUMBER(logins_list_sessions(fixture.logins, "admin", text_of(mine), &sessions), 2);
	CHECK_TEXT(sessions[0].peer, "10.0.0.1");
	CHECK(sessions[0].is_own && !sessions[1].is_own);
	CHECK(sessions[0].since_ms > 0 && strlen(sessions[0].id) == 16);
	CHECK(strstr(mine, sessions[0].id) == NULL);
	CHECK_NUMBER(logins_end_sessions(
			     fixture.logins, "admin", text_of(sessions[0].id), text_of(mine)),
		0);
	free(sessions);
	CHECK_NUMBER(logins_list_sessions(fixture.logins, NULL, text_of(mine), &sessions), 3);
	CHECK_NUMBER(logins_end_sessions(
			     fixture.logins, "admin", text_of(sessions[2].id), text_of(mine)),
		0); /* bob's is none of admin's */
	CHECK_NUMBER(
		logins_end_sessions(fixture.logins, NULL, text_of(sessions[2].id), text_of(mine)),
		1);
	free(sessions);
	CHECK(!logins_find_session(fixture.logins, text_of(bobs), user));
	CHECK_NUMBER(logins_end_sessions(fixture.logins, "admin", TEXT(""), text_of(mine)), 1);
	CHECK(!logins_find_session(fixture.logins, text_of(other), user));
	CHECK(logins_find_session(fixture.logins, text_of(mine), user));
	end(&fixture);
}

TEST(sessions_are_found_and_ended_by_their_token)
{
	char token[SESSION_TOKEN_MAX], second[SESSION_TOKEN_MAX], user[USER_NAME_MAX] = "";
	struct fixture fixture;

	begin(&fixture, "admin:x");
	logins_start_session(fixture.logins, TEXT("admin"), TEXT("peer"), token);
	logins_start_session(fixture.logins, TEXT("bob"), TEXT("10.0.0.1"), second);
	CHECK(strcmp(token, second) != 0);
	CHECK_NUMBER(strlen(token), 43);
	CHECK(logins_find_session(fixture.logins, text_of(token), user));
	CHECK_TEXT(user, "admin");
	CHECK(!logins_find_session(fixture.logins, TEXT(""), user));
	CHECK(!logins_find_session(fixture.logins, TEXT("x"), user));
	logins_end_session(fixture.logins, text_of(token));
	CHECK(!logins_find_session(fixture.logins, text_of(token), user));
	CHECK(logins_find_session(fixture.logins, text_of(second), user));
	CHECK_TEXT(user, "bob");
	end(&fixture);
}

TEST(the_oldest_session_makes_room_for_the_thousandth)
{
	char first[SESSION_TOKEN_MAX], last[SESSION_TOKEN_MAX], user[USER_NAME_MAX];
	struct fixture fixture;

	begin(&fixture, "admin:x");
	logins_start_session(fixture.logins, TEXT("admin"), TEXT("peer"), first);
	for (int i = 0; i < 1000; i++)
		logins_start_session(fixture.logins, TEXT("admin"), TEXT("peer"), last);
	CHECK(!logins_find_session(fixture.logins, text_of(first), user));
	CHECK(logins_find_session(fixture.logins, text_of(last), user));
	end(&fixture);
}
