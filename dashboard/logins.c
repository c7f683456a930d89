/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may read. Passwords are hashed by libxcrypt's yescrypt. The old API sends its password with
 * every request, so what was found right is remembered for a while, as a keyed hash.
 */
#include <arpa/inet.h>
#include <crypt.h>
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
#include "base/memory.h"
#include "dashboard/logins.h"

#define HASH_PREFIX	 "$y$"
#define KEY_BYTES	 32
#define USERS_MAX	 1000
#define SESSIONS_MAX	 1000
#define SESSION_SECONDS	 (7 * 86400)
#define REMEMBERED_MAX	 1000
#define REMEMBER_SECONDS 600
#define PEERS_MAX	 10000
#define FREE_FAILURES	 5 /* so many wrong passwords cost nothing but their own time */
#define WAIT_SECONDS_MAX 300
#define FORGIVE_SECONDS	 3600 /* after so long without a failure the count begins anew */
#define HASHING_MAX	 2    /* at once, so that wrong passwords cannot stop those who read */
#define PASSWORD_MAX	 512

struct user {
	char *name;
	char *hash;
};

/* What is known by a keyed hash until a time: sessions, and passwords found right. */
struct known {
	unsigned char key[KEY_BYTES];
	char user[USER_NAME_MAX];
	int64_t until;
	UT_hash_handle hh;
};

struct peer {
	char *address;
	int failures;
	int64_t last, blocked_until;
	UT_hash_handle hh;
};

struct logins {
	struct user *users;
	size_t count, capacity;
	char *path;
	char first_password[24];	 /* made here and not told yet, else "" */
	unsigned char secret[KEY_BYTES]; /* of this process, for the keyed hashes */
	pthread_mutex_t lock;		 /* for what follows */
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

static void known_add(
	struct known **all, const unsigned char key[KEY_BYTES], struct text user, int64_t seconds)
{
	struct known *known = NEW(struct known);

	memcpy(known->key, key, KEY_BYTES);
	snprintf(known->user, sizeof(known->user), TEXT_FORMAT, TEXT_PRINT(user));
	known->until = steady_seconds() + seconds;
	HASH_ADD(hh, *all, key, KEY_BYTES, known);
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

/* Passwords. */

static const struct user *user_find(const struct logins *logins, struct text name)
{
	for (size_t i = 0; i < logins->count; i++)
		if (text_is(name, logins->users[i].name))
			return &logins->users[i];
	return NULL;
}

/* An unknown user costs as much time as a known one. */
static bool is_right(const struct logins *logins, const struct user *user, struct text password)
{
	char phrase[PASSWORD_MAX + 1];
	const char *hash = user ? user->hash : logins->users[0].hash, *got;
	struct crypt_data *data = NEW(struct crypt_data);
	bool is_same;

	snprintf(phrase, sizeof(phrase), TEXT_FORMAT, TEXT_PRINT(password));
	got = crypt_rn(phrase, hash, data, sizeof(*data));
	is_same = got && strlen(got) == strlen(hash) && !CRYPTO_memcmp(got, hash, strlen(hash));
	OPENSSL_cleanse(phrase, sizeof(phrase));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return user && is_same;
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
	bool right;

	if (!begin_hashing(logins))
		return -EAGAIN;
	right = is_right(logins, user_find(logins, user), password);
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

void logins_start_session(
	struct logins *logins, struct text user, char ret_token[SESSION_TOKEN_MAX])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char random[43], key[KEY_BYTES];

	fill_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		ret_token[i] = digits[random[i] & 63];
	ret_token[sizeof(random)] = '\0';
	keyed_hash(logins, text_of(ret_token), key);
	pthread_mutex_lock(&logins->lock);
	known_trim(&logins->sessions, SESSIONS_MAX);
	known_add(&logins->sessions, key, user, SESSION_SECONDS);
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
	session = known_find(logins->sessions, key);
	if (session)
		memcpy(ret_user, session->user, USER_NAME_MAX);
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

/* The file of users. */

static void add_user(struct logins *logins, struct text name, const char *hash)
{
	*ARRAY_ADD(logins->users, logins->count, logins->capacity) =
		(struct user){ text_to_string(name), string_copy(hash) };
}

static int hash_password(struct text password, char ret_hash[CRYPT_OUTPUT_SIZE], struct error *err)
{
	struct crypt_data *data = NEW(struct crypt_data);
	char *phrase = text_to_string(password), *hash = NULL;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (crypt_gensalt_rn(HASH_PREFIX, 0, NULL, 0, setting, sizeof(setting)))
		hash = crypt_rn(phrase, setting, data, sizeof(*data));
	if (hash)
		snprintf(ret_hash, CRYPT_OUTPUT_SIZE, "%s", hash);
	OPENSSL_cleanse(phrase, password.length);
	free(phrase);
	free(data);
	return hash ? 0 : error_set(err, -ENOTSUP, "passwords cannot be hashed on this system");
}

/* "admin:secret"; the password may hold colons. */
static int use_given_user(struct logins *logins, const char *given, struct error *err)
{
	char hash[CRYPT_OUTPUT_SIZE];
	const char *colon = strchr(given, ':');
	struct text name, password;
	int r;

	if (!colon || colon == given || !colon[1])
		return error_set(err, -EINVAL, "the user must be given as USER:PASSWORD");
	name = text_slice(text_of(given), 0, (size_t)(colon - given));
	password = text_of(colon + 1);
	if (name.length >= USER_NAME_MAX || password.length > PASSWORD_MAX)
		return error_set(err, -EINVAL, "the user's name or password is too long");
	r = hash_password(password, hash, err);
	if (!r)
		add_user(logins, name, hash);
	return r;
}

static int read_users(struct logins *logins, const char *path, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char line[1024];
	int number = 0;

	if (!file)
		return errno == ENOENT ? 0
				       : error_set(err, -errno, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		struct text text = text_trim(text_of(line));
		const char *colon = memchr(text.data, ':', text.length);

		number++;
		if (!text.length || text.data[0] == '#')
			continue;
		if (!colon || colon == text.data || logins->count == USERS_MAX)
			return error_at(err, path, number, "a line must be USER:HASH");
		line[text.data - line + (ptrdiff_t)text.length] = '\0';
		add_user(logins, text_slice(text, 0, (size_t)(colon - text.data)), colon + 1);
	}
	return 0;
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

/* Twenty letters and digits that cannot be taken for one another: 99 bits. */
static void make_password(char password[24])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
	unsigned char random[20];
	size_t at = 0;

	fill_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i && i % 5 == 0)
			password[at++] = '-';
		password[at++] = letters[random[i] % (sizeof(letters) - 1)];
	}
	password[at] = '\0';
	OPENSSL_cleanse(random, sizeof(random));
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
	char hash[CRYPT_OUTPUT_SIZE];
	int r;

	make_password(logins->first_password);
	r = hash_password(text_of(logins->first_password), hash, err);
	if (!r)
		add_user(logins, TEXT("admin"), hash);
	return r;
}

int logins_keep_first(struct logins *logins, const char *told_to, struct error *err)
{
	_cleanup_(freep) char *line = NULL;
	int r;

	if (!*logins->first_password)
		return 0;
	line = string_printf("%s:%s\n", logins->users[0].name, logins->users[0].hash);
	r = write_file(logins->path, line, err);
	if (!r)
		r = tell_first_login(told_to, logins->first_password, err);
	/* A login that nobody was told is none. */
	if (r < 0)
		unlink(logins->path);
	OPENSSL_cleanse(logins->first_password, sizeof(logins->first_password));
	return r;
}

int logins_open(const struct logins_options *options, struct logins **ret_logins, struct error *err)
{
	_cleanup_(logins_freep) struct logins *logins = NEW(struct logins);
	int r;

	logins->path = string_printf("%s/users", options->state);
	pthread_mutex_init(&logins->lock, NULL);
	fill_random(logins->secret, sizeof(logins->secret));
	if (options->user && *options->user) {
		r = use_given_user(logins, options->user, err);
	} else {
		r = read_users(logins, logins->path, err);
		if (!r && !logins->count)
			r = make_first_user(logins, err);
	}
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
	for (size_t i = 0; i < logins->count; i++) {
		free(logins->users[i].name);
		free(logins->users[i].hash);
	}
	free(logins->users);
	free(logins->path);
	pthread_mutex_destroy(&logins->lock);
	OPENSSL_cleanse(logins, sizeof(*logins));
	free(logins);
}

const char *logins_first_user(const struct logins *logins)
{
	return logins->count ? logins->users[0].name : "";
}
