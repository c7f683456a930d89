/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of users, and how passwords are hashed: by libxcrypt's yescrypt.
 */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "dashboard/users.h"

#define HASH_PREFIX "$y$"
#define USERS_MAX   1000
/* Of a password that nobody knows: so that an unknown user costs as much time as a known one. */
#define NOBODYS_HASH "$y$j9T$ViNNA/8fVy9UEwZiahOri.$9n8KyrMxVc5Fuo1wcnzIHGk53Ax3j6e8vQMYRDSRD54"

_Static_assert(PASSWORD_HASH_MAX >= CRYPT_OUTPUT_SIZE, "a hash has room");

static const char *const role_names[] = { [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator" };

const char *role_name(enum role role)
{
	return role_names[role];
}

int role_parse(struct text text, enum role *ret_role)
{
	for (size_t i = 0; i < COUNT_OF(role_names); i++)
		if (text_is(text, role_names[i])) {
			*ret_role = (enum role)i;
			return 0;
		}
	return -EINVAL;
}

/* The table. */

static struct user *find(const struct users *users, struct text name)
{
	for (size_t i = 0; i < users->count; i++)
		if (text_is(name, users->items[i].name))
			return &users->items[i];
	return NULL;
}

const struct user *users_find(const struct users *users, struct text name)
{
	return find(users, name);
}

static bool is_good_name(struct text name)
{
	for (size_t i = 0; i < name.length; i++)
		if ((unsigned char)name.data[i] < ' ' || name.data[i] == ':' || name.data[i] == 127)
			return false;
	return name.length && name.length < USER_NAME_MAX && name.data[0] != '#';
}

int users_set(
	struct users *users, struct text name, const char *hash, enum role role, struct error *err)
{
	struct user *user = find(users, name);

	if (!is_good_name(name))
		return error_set(err, -EINVAL,
			"a user's name has 1 to %d bytes, no colon, no control character, and does not begin with #",
			USER_NAME_MAX - 1);
	if (!user && users->count == USERS_MAX)
		return error_set(err, -ENOSPC, "there are %d users already", USERS_MAX);
	if (!user) {
		user = ARRAY_ADD(users->items, users->count, users->capacity);
		*user = (struct user){ .name = text_to_string(name) };
	}
	free(user->hash);
	user->hash = string_copy(hash);
	user->role = role;
	return 0;
}

static void user_done(struct user *user)
{
	free(user->name);
	free(user->hash);
}

bool users_remove(struct users *users, struct text name)
{
	struct user *user = find(users, name);

	if (!user)
		return false;
	user_done(user);
	users->count--;
	memmove(user, user + 1,
		(users->count - (size_t)(user - users->items)) * sizeof(*users->items));
	return true;
}

void users_done(struct users *users)
{
	for (size_t i = 0; i < users->count; i++)
		user_done(&users->items[i]);
	free(users->items);
	*users = (struct users){ 0 };
}

/* The file. */

static int read_line(
	struct users *users, const char *path, int number, struct text line, struct error *err)
{
	_cleanup_(freep) char *hash = NULL;
	enum role role = ROLE_OPERATOR;
	struct text name, hashed;

	if (!text_split(&line, ':', &name) || !text_split(&line, ':', &hashed) || !hashed.length ||
		!is_good_name(name))
		return error_at(err, path, number, "a line must be USER:HASH or USER:HASH:ROLE");
	if (line.length && role_parse(line, &role) < 0)
		return error_at(err, path, number,
			"the role must be viewer or operator, not \"" TEXT_FORMAT "\"",
			TEXT_PRINT(line));
	hash = text_to_string(hashed);
	if (crypt_checksalt(hash) != CRYPT_SALT_OK)
		return error_at(err, path, number,
			"this hash cannot be checked here; tercel user makes one that can");
	if (users_find(users, name))
		return error_at(err, path, number, "there is a user \"" TEXT_FORMAT "\" above",
			TEXT_PRINT(name));
	return users_set(users, name, hash, role, err);
}

int users_read(const char *path, struct users *users, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char line[1024];
	int r = 0;

	if (!file)
		return errno == ENOENT ? 0
				       : error_set(err, -errno, "%s: %s", path, strerror(errno));
	for (int number = 1; !r && fgets(line, sizeof(line), file); number++) {
		struct text text = text_trim(text_of(line));

		if (text.length && text.data[0] != '#')
			r = read_line(users, path, number, text, err);
	}
	return r;
}

static int fail(const char *path, struct error *err)
{
	return error_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
}

/* Of the file that is there, else of its folder: who runs the dashboard, when root writes. */
static void keep_owner(int fd, const char *path)
{
	_cleanup_(freep) char *folder = text_to_string(
		text_slice(text_of(path), 0, (size_t)(MAX_OF(strrchr(path, '/'), path) - path)));
	struct stat status;

	if (stat(path, &status) < 0 && stat(*folder ? folder : ".", &status) < 0)
		return;
	if (fchown(fd, status.st_uid, status.st_gid) < 0)
		return; /* not root: then it is ours already */
}

static int write_lines(int fd, const struct users *users)
{
	struct buffer text;
	ssize_t written;

	buffer_init(&text, USERS_MAX * 1024);
	for (size_t i = 0; i < users->count; i++)
		buffer_printf(&text, "%s:%s:%s\n", users->items[i].name, users->items[i].hash,
			role_name(users->items[i].role));
	written = write(fd, text.data, text.length);
	if (written >= 0 && (size_t)written != text.length)
		errno = ENOSPC;
	written = written == (ssize_t)text.length && !fsync(fd) ? 0 : -1;
	buffer_done(&text);
	return (int)written;
}

int users_write(const char *path, const struct users *users, struct error *err)
{
	_cleanup_(freep) char *next = string_printf("%s.new", path);
	_cleanup_(closep) int fd = -1;
	int r;

	unlink(next);
	fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(path, err);
	keep_owner(fd, path);
	if (!write_lines(fd, users) && !rename(next, path))
		return 0;
	r = fail(path, err);
	unlink(next);
	return r;
}

/* Passwords. */

int password_hash(struct text password, char ret_hash[PASSWORD_HASH_MAX], struct error *err)
{
	struct crypt_data *data = NEW(struct crypt_data);
	char *phrase = text_to_string(password), *hash = NULL;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (crypt_gensalt_rn(HASH_PREFIX, 0, NULL, 0, setting, sizeof(setting)))
		hash = crypt_rn(phrase, setting, data, sizeof(*data));
	if (hash)
		snprintf(ret_hash, PASSWORD_HASH_MAX, "%s", hash);
	OPENSSL_cleanse(phrase, password.length);
	free(phrase);
	free(data);
	return hash ? 0 : error_set(err, -ENOTSUP, "passwords cannot be hashed on this system");
}

bool password_is_right(struct text password, const char *hash)
{
	char phrase[PASSWORD_MAX + 1];
	struct crypt_data *data = NEW(struct crypt_data);
	const char *wanted = hash ? hash : NOBODYS_HASH, *got;
	bool is_same;

	snprintf(phrase, sizeof(phrase), TEXT_FORMAT, TEXT_PRINT(password));
	got = crypt_rn(phrase, wanted, data, sizeof(*data));
	is_same =
		got && strlen(got) == strlen(wanted) && !CRYPTO_memcmp(got, wanted, strlen(wanted));
	OPENSSL_cleanse(phrase, sizeof(phrase));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return hash && is_same;
}

void password_make(char ret_password[PASSWORD_MADE_MAX])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
	unsigned char random[20];
	size_t at = 0;

	while (getrandom(random, sizeof(random), 0) != sizeof(random))
		;
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i && i % 5 == 0)
			ret_password[at++] = '-';
		ret_password[at++] = letters[random[i] % (sizeof(letters) - 1)];
	}
	ret_password[at] = '\0';
	OPENSSL_cleanse(random, sizeof(random));
}
