/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel user: who may sign in to the dashboard. Works on the file of users; a dashboard that runs
 * reads it again by itself.
 */
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/memory.h"
#include "dashboard/users.h"
#include "tercel/command.h"

#define DEFAULT_FILE "/var/lib/tercel/dashboard/users"

struct asked_for {
	const char *path;
	const char *act, *name;
	enum role role;
	bool has_role, makes_password;
};

static void print_usage(FILE *to)
{
	fputs("usage: tercel user list [--file FILE]\n"
	      "       tercel user set NAME [--role viewer|operator] [--make] [--file FILE]\n"
	      "       tercel user remove NAME [--file FILE]\n"
	      "       tercel user line NAME [--role viewer|operator] [--make]\n\n"
	      "Who may sign in to the dashboard: a viewer looks, an operator also acts. `set` adds a\n"
	      "user or changes the password and role of one; the password is asked for, or is the\n"
	      "first line of the standard input, or is made and printed (--make). `line` prints what\n"
	      "would stand in the file, for a Secret. FILE is " DEFAULT_FILE "\n"
	      "or where --state put it: with tercel up --state DIR it is DIR/dashboard/users.\n",
		to);
}

static int parse_arguments(int argc, char **argv, struct asked_for *asked, struct error *err)
{
	enum { FILE_FLAG = 256, ROLE, MAKE };
	static const struct option flags[] = {
		{ "file", required_argument, NULL, FILE_FLAG },
		{ "role", required_argument, NULL, ROLE },
		{ "make", no_argument, NULL, MAKE },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int flag;

	while ((flag = getopt_long(argc, argv, "h", flags, NULL)) >= 0)
		switch (flag) {
		case FILE_FLAG:
			asked->path = optarg;
			break;
		case ROLE:
			asked->has_role = true;
			if (role_parse(text_of(optarg), &asked->role) < 0)
				return error_set(err, -EINVAL,
					"the role must be viewer or operator, not \"%s\"", optarg);
			break;
		case MAKE:
			asked->makes_password = true;
			break;
		case 'h':
			print_usage(stdout);
			return 1;
		default:
			return error_set(err, -EINVAL, "tercel user --help tells what there is");
		}
	asked->act = argv[optind];
	asked->name = asked->act ? argv[optind + 1] : NULL;
	return 0;
}

/* From the terminal without showing it, else the first line of what comes in. */
static int read_password(char password[PASSWORD_MAX + 2], struct error *err)
{
	bool is_terminal = isatty(STDIN_FILENO);
	struct termios shown, hidden;
	char *line;

	if (is_terminal && !tcgetattr(STDIN_FILENO, &shown)) {
		fputs("Password: ", stderr);
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	line = fgets(password, PASSWORD_MAX + 2, stdin);
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputs("\n", stderr);
	}
	if (line)
		password[strcspn(password, "\r\n")] = '\0';
	if (!line || !*password)
		return error_set(err, -EINVAL, "a password is needed; --make makes one");
	return strlen(password) <= PASSWORD_MAX
		       ? 0
		       : error_set(err, -EINVAL, "a password has at most %d bytes", PASSWORD_MAX);
}

/* A made password goes to stderr: stdout is the line's. */
static int take_password(
	const struct asked_for *asked, char ret_hash[PASSWORD_HASH_MAX], struct error *err)
{
	char password[PASSWORD_MAX + 2];
	int r = 0;

	if (asked->makes_password)
		password_make(password);
	else
		r = read_password(password, err);
	if (!r)
		r = password_hash(text_of(password), ret_hash, err);
	if (!r && asked->makes_password)
		fprintf(stderr, "%s / %s   (made now, shown this once)\n", asked->name, password);
	OPENSSL_cleanse(password, sizeof(password));
	return r;
}

static int set_user(const struct asked_for *asked, struct users *users, struct error *err)
{
	const struct user *old = users_find(users, text_of(asked->name));
	enum role role = !asked->has_role && old ? old->role : asked->role;
	char hash[PASSWORD_HASH_MAX];
	int r = take_password(asked, hash, err);

	return r < 0 ? r : users_set(users, text_of(asked->name), hash, role, err);
}

static int list(const struct asked_for *asked, struct error *err)
{
	struct users users = { 0 };
	int r = users_read(asked->path, &users, err);

	for (size_t i = 0; i < users.count && !r; i++)
		printf("%-10s %s\n", role_name(users.items[i].role), users.items[i].name);
	users_done(&users);
	return r;
}

static int set(const struct asked_for *asked, struct error *err)
{
	struct users users = { 0 };
	int r = users_read(asked->path, &users, err);

	if (!r)
		r = set_user(asked, &users, err);
	if (!r)
		r = users_write(asked->path, &users, err);
	users_done(&users);
	return r;
}

static int remove_user(const struct asked_for *asked, struct error *err)
{
	struct users users = { 0 };
	int r = users_read(asked->path, &users, err);

	if (!r && !users_remove(&users, text_of(asked->name)))
		r = error_set(err, -ENOENT, "%s has no user \"%s\"", asked->path, asked->name);
	if (!r && !users.count)
		r = error_set(err, -EBUSY,
			"\"%s\" is the last user; remove the file for a new first login",
			asked->name);
	if (!r)
		r = users_write(asked->path, &users, err);
	users_done(&users);
	return r;
}

static int line(const struct asked_for *asked, struct error *err)
{
	struct users users = { 0 };
	int r = set_user(asked, &users, err);

	if (!r)
		printf("%s:%s:%s\n", users.items[0].name, users.items[0].hash,
			role_name(users.items[0].role));
	users_done(&users);
	return r;
}

static const struct {
	const char *name;
	int (*act)(const struct asked_for *asked, struct error *err);
	bool needs_name;
} acts[] = {
	{ "list", list, false },
	{ "set", set, true },
	{ "remove", remove_user, true },
	{ "line", line, true },
};

static int act(const struct asked_for *asked, struct error *err)
{
	for (size_t i = 0; asked->act && i < COUNT_OF(acts); i++) {
		if (strcmp(asked->act, acts[i].name))
			continue;
		if (acts[i].needs_name && !asked->name)
			return error_set(err, -EINVAL, "tercel user %s NAME", asked->act);
		return acts[i].act(asked, err);
	}
	return error_set(err, -EINVAL, "tercel user list, set, remove or line; --help tells more");
}

int command_user(int argc, char **argv)
{
	struct asked_for asked = { .path = DEFAULT_FILE, .role = ROLE_VIEWER };
	struct error err = { 0 };
	int r = parse_arguments(argc, argv, &asked, &err);

	if (r > 0)
		return 0;
	if (!r)
		r = act(&asked, &err);
	if (r < 0)
		fprintf(stderr, "tercel user: %s\n", err.message);
	return r < 0;
}
