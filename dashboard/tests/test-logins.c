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
	struct logins_options options = { fixture->folder, user };

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
	CHECK_TEXT(logins_first_user(fixture.logins), "admin");
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

TEST(a_broken_file_of_users_is_told_with_its_line)
{
	_cleanup_(freep) char *users = NULL, *wanted = NULL;
	struct fixture fixture;
	struct error err = { 0 };
	FILE *file;

	begin(&fixture, "admin:x");
	logins_free(fixture.logins);
	fixture.logins = NULL;
	users = string_printf("%s/users", fixture.folder);
	file = fopen(users, "w");
	fputs("# people\nadmin:$y$x\nno colon here\n", file);
	fclose(file);
	CHECK_NUMBER(open_logins(&fixture, NULL, &err), -EINVAL);
	wanted = string_printf("%s:3: a line must be USER:HASH", users);
	CHECK_TEXT(err.message, wanted);
	end(&fixture);
}

TEST(sessions_are_found_and_ended_by_their_token)
{
	char token[SESSION_TOKEN_MAX], second[SESSION_TOKEN_MAX], user[USER_NAME_MAX] = "";
	struct fixture fixture;

	begin(&fixture, "admin:x");
	logins_start_session(fixture.logins, TEXT("admin"), token);
	logins_start_session(fixture.logins, TEXT("bob"), second);
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
	logins_start_session(fixture.logins, TEXT("admin"), first);
	for (int i = 0; i < 1000; i++)
		logins_start_session(fixture.logins, TEXT("admin"), last);
	CHECK(!logins_find_session(fixture.logins, text_of(first), user));
	CHECK(logins_find_session(fixture.logins, text_of(last), user));
	end(&fixture);
}
