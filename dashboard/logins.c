/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may come in. The old API sends its password with every request, so what was found right is
 * remembered for a while, as a keyed hash. The file of users is looked at again whenever it has
 * changed, so that who is taken out of it is out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dashboard/logins.h"

#define KEY_BYTES	 32
#define SESSIONS_MAX	 1000
#define SESSION_SECONDS	 (7 * 86400)
#define REMEMBERED_MAX	 1000
#define REMEMBER_SECONDS 600
#define PEERS_MAX	 10000
#define FREE_FAILURES	 5 /* so many wrong passwords cost nothing but their own time */
#define WAIT_SECONDS_MAX 300
#define FORGIVE_SECONDS	 3600 /* after so long without a failure the count begins anew */
#define HASHING_MAX	 2    /* at once, so that wrong passwords cannot stop those who read */

/* What is known by a keyed hash until a time: sessions, and passwords found right. */
struct known {
	unsigned char key[KEY_BYTES];
	char user[USER_NAME_MAX];
	int64_t until;
	/* Of a session. */
	char peer[INET6_ADDRSTRLEN];
	int64_t since_ms, seen_ms;
	UT_hash_handle hh;
};

struct peer {
	char *address;
	int failures;
	int64_t last, blocked_until;
	UT_hash_handle hh;
};

/* Which state of the file was read. */
struct stamp {
	int64_t changed_ns;
	ino_t inode;
	off_t bytes;
};

struct logins {
	char *path;				/* of the file of users */
	bool is_kept_elsewhere;			/* the users were given; no file is looked at */
	char first_password[PASSWORD_MADE_MAX]; /* made here and not told yet, else "" */
	unsigned char secret[KEY_BYTES];	/* of this process, for the keyed hashes */
	pthread_mutex_t lock;			/* for what follows */
	struct users users;
	struct stamp stamp;
	struct known *sessions, *remembered;
	struct peer *peers;
	int hashing; /* passwords that are being hashed */
};

static int64_t steady_seconds(void)
{
	return clock_ns(CLOCK_BOOTTIME) / NS_PER_SECOND;
}

static void fill_random(void *data, size_t length)
{
	size_t at = 0;

	while (at < length) {
		ssize_t got = getrandom((char *)data + at, length - at, 0);

		if (got > 0)
			at += (size_t)got;
	}
}

static void keyed_hash(const struct logins *logins, struct text text, unsigned char ret[KEY_BYTES])
{
	unsigned length = KEY_BYTES;

	HMAC(EVP_sha256(), logins->secret, KEY_BYTES, (const unsigned char *)text.data, text.length,
		ret, &length);
}

/* Known keys. */

static void known_remove(struct known **all, struct known *known)
{
	HASH_DEL(*all, known);
	OPENSSL_cleanse(known, sizeof(*known));
	free(known);
}

static void known_clear(struct known **all)
{
	struct known *known, *next;

	HASH_ITER (hh, *all, known, next)
		known_remove(all, known);
}

/* Makes room: what has ended, else what was there longest (uthash keeps the order). */
static void known_trim(struct known **all, size_t limit)
{
	int64_t now = steady_seconds();
	struct known *known, *next;

	HASH_ITER (hh, *all, known, next)
		if (known->until <= now)
			known_remove(all, known);
	while (HASH_COUNT(*all) >= limit)
		known_remove(all, *all);
}

static struct known *known_add(
	struct known **all, const unsigned char key[KEY_BYTES], struct text user, int64_t seconds)
{
	struct known *known = NEW(struct known);

	memcpy(known->key, key, KEY_BYTES);
	snprintf(known->user, sizeof(known->user), TEXT_FORMAT, TEXT_PRINT(user));
	known->until = steady_seconds() + seconds;
	HASH_ADD(hh, *all, key, KEY_BYTES, known);
	return known;
}

static struct known *known_find(struct known *all, const unsigned char key[KEY_BYTES])
{
	struct known *known;

	HASH_FIND(hh, all, key, KEY_BYTES, known);
	return known && known->until > steady_seconds() ? known : NULL;
}

/* Throttle. */

static void peer_remove(struct logins *logins, struct peer *peer)
{
	HASH_DEL(logins->peers, peer);
	free(peer->address);
	free(peer);
}

/* Whoever has an IPv6 address has its whole /64. */
static struct text peer_of(struct text address, char buffer[INET6_ADDRSTRLEN])
{
	struct in6_addr ip;

	snprintf(buffer, INET6_ADDRSTRLEN, TEXT_FORMAT, TEXT_PRINT(address));
	if (inet_pton(AF_INET6, buffer, &ip) == 1) {
		memset(&ip.s6_addr[8], 0, 8);
		inet_ntop(AF_INET6, &ip, buffer, INET6_ADDRSTRLEN);
	}
	return text_of(buffer);
}

static struct peer *peer_find(struct logins *logins, struct text address)
{
	struct peer *peer;

	HASH_FIND(hh, logins->peers, address.data, address.length, peer);
	if (peer && steady_seconds() - peer->last > FORGIVE_SECONDS) {
		peer_remove(logins, peer);
		peer = NULL;
	}
	return peer;
}

static int seconds_blocked(struct logins *logins, struct text address)
{
	struct peer *peer;
	int64_t left;

	pthread_mutex_lock(&logins->lock);
	peer = peer_find(logins, address);
	left = peer ? peer->blocked_until - steady_seconds() : 0;
	pthread_mutex_unlock(&logins->lock);
	return left > 0 ? (int)left : 0;
}

static void count_failure(struct logins *logins, struct text address)
{
	struct peer *peer;

	pthread_mutex_lock(&logins->lock);
	peer = peer_find(logins, address);
	if (!peer) {
		while (HASH_COUNT(logins->peers) >= PEERS_MAX)
			peer_remove(logins, logins->peers);
		peer = NEW(struct peer);
		peer->address = text_to_string(address);
		HASH_ADD_KEYPTR(hh, logins->peers, peer->address, address.length, peer);
	}
	peer->last = steady_seconds();
	if (++peer->failures >= FREE_FAILURES)
		peer->blocked_until =
			peer->last +
			MIN_OF(WAIT_SECONDS_MAX,
				INT64_C(1) << MIN_OF(peer->failures - FREE_FAILURES + 1, 10));
	pthread_mutex_unlock(&logins->lock);
}

static void forgive(struct logins *logins, struct text address)
{
	struct peer *peer;

	pthread_mutex_lock(&logins->lock);
	peer = peer_find(logins, address);
	if (peer)
		peer_remove(logins, peer);
	pthread_mutex_unlock(&logins->lock);
}

/* The file of users, while it runs. */

static struct stamp stamp_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return (struct stamp){ 0 };
	return (struct stamp){ status.st_mtim.tv_sec * NS_PER_SECOND + status.st_mtim.tv_nsec,
		status.st_ino, status.st_size };
}

static bool is_same_stamp(struct stamp a, struct stamp b)
{
	return a.changed_ns == b.changed_ns && a.inode == b.inode && a.bytes == b.bytes;
}

/* With the lock: sessions of those who are gone, or who have another password, end. */
static void end_sessions_of_changed(struct logins *logins, const struct users *next)
{
	struct known *session, *after;

	HASH_ITER (hh, logins->sessions, session, after) {
		struct text name = text_of(session->user);
		const struct user *old = users_find(&logins->users, name),
				  *new = users_find(next, name);

		if (!new || !old || strcmp(old->hash, new->hash) != 0)
			known_remove(&logins->sessions, session);
	}
}

/* With the lock. A file that cannot be used changes nothing: nobody is locked out by a mistake. */
static void read_again(struct logins *logins)
{
	struct users next = { 0 };
	struct error err = { 0 };
	int r = users_read(logins->path, &next, &err);

	if (!r && !next.count)
		r = error_set(&err, -ENODATA, "%s has no user", logins->path);
	if (r < 0) {
		log_error("%s; the users of before stay", err.message);
		users_done(&next);
		return;
	}
	end_sessions_of_changed(logins, &next);
	known_clear(&logins->remembered);
	users_done(&logins->users);
	logins->users = next;
	log_info("%s was read again: %zu users", logins->path, next.count);
}

/* With the lock. */
static void look_at_file(struct logins *logins)
{
	struct stamp stamp;

	if (logins->is_kept_elsewhere || *logins->first_password)
		return;
	stamp = stamp_of(logins->path);
	if (is_same_stamp(stamp, logins->stamp))
		return;
	logins->stamp = stamp;
	read_again(logins);
}

/* Passwords. */

static char *copy_hash(struct logins *logins, struct text name)
{
	const struct user *user;
	char *hash;

	pthread_mutex_lock(&logins->lock);
	user = users_find(&logins->users, name);
	hash = user ? string_copy(user->hash) : NULL;
	pthread_mutex_unlock(&logins->lock);
	return hash;
}

static void credential_key(const struct logins *logins, struct text user, struct text password,
	unsigned char key[KEY_BYTES])
{
	struct buffer both;

	buffer_init(&both, USER_NAME_MAX + PASSWORD_MAX + 2);
	buffer_add_text(&both, user);
	buffer_add_char(&both, '\0');
	buffer_add_text(&both, password);
	keyed_hash(logins, buffer_text(&both), key);
	OPENSSL_cleanse(both.data, both.length);
	buffer_done(&both);
}

static bool is_remembered(struct logins *logins, const unsigned char key[KEY_BYTES])
{
	bool is_known;

	pthread_mutex_lock(&logins->lock);
	look_at_file(logins);
	is_known = known_find(logins->remembered, key) != NULL;
	pthread_mutex_unlock(&logins->lock);
	return is_known;
}

/* False when too many are hashed already. */
static bool begin_hashing(struct logins *logins)
{
	bool may;

	pthread_mutex_lock(&logins->lock);
	may = logins->hashing < HASHING_MAX;
	logins->hashing += may;
	pthread_mutex_unlock(&logins->lock);
	return may;
}

static void remember(struct logins *logins, const unsigned char key[KEY_BYTES], struct text user)
{
	pthread_mutex_lock(&logins->lock);
	if (!known_find(logins->remembered, key)) {
		known_trim(&logins->remembered, REMEMBERED_MAX);
		known_add(&logins->remembered, key, user, REMEMBER_SECONDS);
	}
	pthread_mutex_unlock(&logins->lock);
}

/* Hashes, which takes its time. */
static int verify(struct logins *logins, struct text user, struct text password, struct text peer)
{
	_cleanup_(freep) char *hash = copy_hash(logins, user);
	bool right;

	if (!begin_hashing(logins))
		return -EAGAIN;
	right = password_is_right(password, hash);
	pthread_mutex_lock(&logins->lock);
	logins->hashing--;
	pthread_mutex_unlock(&logins->lock);
	if (right)
		forgive(logins, peer);
	else
		count_failure(logins, peer);
	return right ? 0 : -EACCES;
}

int logins_check(struct logins *logins, struct text user, struct text password, struct text peer,
	int *ret_wait_seconds)
{
	unsigned char key[KEY_BYTES];
	char address[INET6_ADDRSTRLEN];
	int r;

	peer = peer_of(peer, address);
	*ret_wait_seconds = seconds_blocked(logins, peer);
	if (*ret_wait_seconds)
		return -EAGAIN;
	if (user.length >= USER_NAME_MAX || password.length > PASSWORD_MAX ||
		(password.length && memchr(password.data, '\0', password.length))) {
		count_failure(logins, peer);
		return -EACCES;
	}
	credential_key(logins, user, password, key);
	if (is_remembered(logins, key))
		return 0;
	r = verify(logins, user, password, peer);
	if (r == -EAGAIN)
		*ret_wait_seconds = 1;
	if (!r)
		remember(logins, key, user);
	return r;
}

/* Sessions. */

void logins_start_session(struct logins *logins, struct text user, struct text peer,
	char ret_token[SESSION_TOKEN_MAX])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char random[43], key[KEY_BYTES];
	struct known *session;

	fill_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		ret_token[i] = digits[random[i] & 63];
	ret_token[sizeof(random)] = '\0';
	keyed_hash(logins, text_of(ret_token), key);
	pthread_mutex_lock(&logins->lock);
	known_trim(&logins->sessions, SESSIONS_MAX);
	session = known_add(&logins->sessions, key, user, SESSION_SECONDS);
	session->since_ms = session->seen_ms = clock_ms(CLOCK_REALTIME);
	snprintf(session->peer, sizeof(session->peer), TEXT_FORMAT, TEXT_PRINT(peer));
	pthread_mutex_unlock(&logins->lock);
}

bool logins_find_session(struct logins *logins, struct text token, char ret_user[USER_NAME_MAX])
{
	unsigned char key[KEY_BYTES];
	struct known *session;

	if (!token.length || token.length >= SESSION_TOKEN_MAX)
		return false;
	keyed_hash(logins, token, key);
	pthread_mutex_lock(&logins->lock);
	look_at_file(logins);
	session = known_find(logins->sessions, key);
	if (session) {
		session->seen_ms = clock_ms(CLOCK_REALTIME);
		memcpy(ret_user, session->user, USER_NAME_MAX);
	}
	pthread_mutex_unlock(&logins->lock);
	return session != NULL;
}

void logins_end_session(struct logins *logins, struct text token)
{
	unsigned char key[KEY_BYTES];
	struct known *session;

	keyed_hash(logins, token, key);
	pthread_mutex_lock(&logins->lock);
	HASH_FIND(hh, logins->sessions, key, KEY_BYTES, session);
	if (session)
		known_remove(&logins->sessions, session);
	pthread_mutex_unlock(&logins->lock);
}

/* The keyed hash tells nothing of the token, nor does its beginning. */
static void write_id(const struct known *session, char ret_id[SESSION_ID_MAX])
{
	for (size_t i = 0; i < SESSION_ID_MAX / 2; i++)
		snprintf(ret_id + 2 * i, 3, "%02x", session->key[i]);
}

static bool is_whose(const struct known *session, const char *user)
{
	return session->until > steady_seconds() && (!user || !strcmp(session->user, user));
}

size_t logins_list_sessions(
	struct logins *logins, const char *user, struct text token, struct session **ret_sessions)
{
	unsigned char own[KEY_BYTES];
	struct session *sessions;
	struct known *known, *next;
	size_t count = 0;

	keyed_hash(logins, token, own);
	pthread_mutex_lock(&logins->lock);
	sessions = NEW_ARRAY(struct session, HASH_COUNT(logins->sessions) + 1);
	HASH_ITER (hh, logins->sessions, known, next) {
		struct session *session = &sessions[count];

		if (!is_whose(known, user))
			continue;
		write_id(known, session->id);
		memcpy(session->user, known->user, sizeof(session->user));
		memcpy(session->peer, known->peer, sizeof(session->peer));
		session->since_ms = known->since_ms;
		session->seen_ms = known->seen_ms;
		session->is_own = token.length && !memcmp(known->key, own, KEY_BYTES);
		count++;
	}
	pthread_mutex_unlock(&logins->lock);
	*ret_sessions = sessions;
	return count;
}

size_t logins_end_sessions(
	struct logins *logins, const char *user, struct text id, struct text except)
{
	unsigned char own[KEY_BYTES];
	struct known *known, *next;
	size_t count = 0;

	keyed_hash(logins, except, own);
	pthread_mutex_lock(&logins->lock);
	HASH_ITER (hh, logins->sessions, known, next) {
		char its[SESSION_ID_MAX];

		write_id(known, its);
		if (!is_whose(known, user) || (id.length && !text_is(id, its)) ||
			!memcmp(known->key, own, KEY_BYTES))
			continue;
		known_remove(&logins->sessions, known);
		count++;
	}
	pthread_mutex_unlock(&logins->lock);
	return count;
}

enum role logins_role(struct logins *logins, struct text name)
{
	const struct user *user;
	enum role role;

	pthread_mutex_lock(&logins->lock);
	user = users_find(&logins->users, name);
	role = user ? user->role : ROLE_VIEWER;
	pthread_mutex_unlock(&logins->lock);
	return role;
}

void logins_each_user(struct logins *logins,
	void (*see)(void *context, const char *name, enum role role), void *context)
{
	pthread_mutex_lock(&logins->lock);
	look_at_file(logins);
	for (size_t i = 0; i < logins->users.count; i++)
		see(context, logins->users.items[i].name, logins->users.items[i].role);
	pthread_mutex_unlock(&logins->lock);
}

/* The first users. */

static int add_hashed(
	struct logins *logins, struct text name, struct text password, struct error *err)
{
	char hash[PASSWORD_HASH_MAX];
	int r = password_hash(password, hash, err);

	return r < 0 ? r : users_set(&logins->users, name, hash, ROLE_OPERATOR, err);
}

/* "admin:secret"; the password may hold colons. */
static int use_given_user(struct logins *logins, const char *given, struct error *err)
{
	const char *colon = strchr(given, ':');
	struct text name, password;

	if (!colon || colon == given || !colon[1])
		return error_set(err, -EINVAL, "the user must be given as USER:PASSWORD");
	name = text_slice(text_of(given), 0, (size_t)(colon - given));
	password = text_of(colon + 1);
	if (name.length >= USER_NAME_MAX || password.length > PASSWORD_MAX)
		return error_set(err, -EINVAL, "the user's name or password is too long");
	logins->is_kept_elsewhere = true;
	return add_hashed(logins, name, password, err);
}

static int write_file(const char *path, const char *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t length = (ssize_t)strlen(text);

	if (fd < 0)
		return error_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
	if (write(fd, text, (size_t)length) != length || fsync(fd) || close(fd))
		return error_set(err, -EIO, "%s cannot be written: %s", path, strerror(errno));
	return 0;
}

static int tell_first_login(const char *path, const char *password, struct error *err)
{
	_cleanup_(freep) char *line = string_printf("admin %s\n", password);

	if (path && *path)
		return write_file(path, line, err);
	fprintf(stderr, "first login: admin / %s   (made now, shown this once)\n", password);
	return 0;
}

/* In memory alone, until logins_keep_first(). */
static int make_first_user(struct logins *logins, struct error *err)
{
	password_make(logins->first_password);
	return add_hashed(logins, TEXT("admin"), text_of(logins->first_password), err);
}

int logins_keep_first(struct logins *logins, const char *told_to, struct error *err)
{
	int r;

	if (!*logins->first_password)
		return 0;
	r = users_write(logins->path, &logins->users, err);
	if (!r)
		r = tell_first_login(told_to, logins->first_password, err);
	/* A login that nobody was told is none. */
	if (r < 0)
		unlink(logins->path);
	logins->stamp = stamp_of(logins->path);
	OPENSSL_cleanse(logins->first_password, sizeof(logins->first_password));
	return r;
}

static int read_first(struct logins *logins, bool is_named, struct error *err)
{
	int r;

	logins->stamp = stamp_of(logins->path);
	r = users_read(logins->path, &logins->users, err);
	if (r < 0 || logins->users.count)
		return r;
	return is_named ? error_set(err, -ENODATA, "%s has no user; tercel user set adds one",
				  logins->path)
			: make_first_user(logins, err);
}

int logins_open(const struct logins_options *options, struct logins **ret_logins, struct error *err)
{
	_cleanup_(logins_freep) struct logins *logins = NEW(struct logins);
	bool is_named = options->users_file && *options->users_file;
	int r;

	logins->path = is_named ? string_copy(options->users_file)
				: string_printf("%s/users", options->state);
	pthread_mutex_init(&logins->lock, NULL);
	fill_random(logins->secret, sizeof(logins->secret));
	if (options->user && *options->user)
		r = use_given_user(logins, options->user, err);
	else
		r = read_first(logins, is_named, err);
	if (r < 0)
		return r;
	*ret_logins = TAKE(logins);
	return 0;
}

void logins_free(struct logins *logins)
{
	if (!logins)
		return;
	known_clear(&logins->sessions);
	known_clear(&logins->remembered);
	while (logins->peers)
		peer_remove(logins, logins->peers);
	users_done(&logins->users);
	free(logins->path);
	pthread_mutex_destroy(&logins->lock);
	OPENSSL_cleanse(logins, sizeof(*logins));
	free(logins);
}
