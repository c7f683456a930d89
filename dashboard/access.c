/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks. What a proxy says in headers counts only when the connection comes from an address
 * that was named as a proxy's: anybody else can write such headers too.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/networks.h"
#include "dashboard/server.h"

#define CREDENTIALS_MAX 1024

struct access {
	const struct dashboard_settings *settings;
	struct logins *logins;
	struct network *proxies;
	size_t proxy_count;
	_Atomic uint64_t ignored;
};

int access_new(const struct dashboard_settings *settings, struct logins *logins,
	struct access **ret_access, struct error *err)
{
	_cleanup_(access_freep) struct access *access = NEW(struct access);
	const struct text_list *proxies = &settings->trusted_proxies;

	access->settings = settings;
	access->logins = logins;
	access->proxies = NEW_ARRAY(struct network, proxies->count + 1);
	for (size_t i = 0; i < proxies->count; i++) {
		struct error why = { 0 };

		if (network_parse(text_of(proxies->items[i]), &access->proxies[i], &why) < 0)
			return error_set(err, -EINVAL, "--trusted-proxy: %s", why.message);
		access->proxy_count++;
	}
	*ret_access = TAKE(access);
	return 0;
}

void access_free(struct access *access)
{
	if (!access)
		return;
	free(access->proxies);
	free(access);
}

uint64_t access_ignored(const struct access *access)
{
	return access->ignored;
}

static bool is_proxy(const struct access *access, struct text address)
{
	for (size_t i = 0; i < access->proxy_count; i++)
		if (network_has(&access->proxies[i], address))
			return true;
	return false;
}

static struct text header(const struct asked *asked, const char *name)
{
	return http_request_header(asked->request, name);
}

/* Each proxy adds whom it heard at the end: the last that is none of ours is the client. */
struct text access_peer(const struct access *access, const struct asked *asked)
{
	struct text peer = http_request_peer(asked->request), rest, address;
	struct text client = peer;

	if (!is_proxy(access, peer))
		return peer;
	rest = header(asked, "X-Forwarded-For");
	while (text_split(&rest, ',', &address))
		if (!is_proxy(access, text_trim(address)))
			client = text_trim(address);
	return client.length < INET6_ADDRSTRLEN ? client : peer;
}

/* The proxy's word. */

static bool has_name(const struct text_list *list, struct text name)
{
	for (size_t i = 0; i < list->count; i++)
		if (text_is(name, list->items[i]))
			return true;
	return false;
}

static bool has_any(const struct text_list *list, struct text names)
{
	struct text name;

	while (text_split(&names, ',', &name))
		if (text_trim(name).length && has_name(list, text_trim(name)))
			return true;
	return false;
}

static struct text proxied_user(const struct asked *asked)
{
	struct text user = text_trim(header(asked, "X-Forwarded-User"));

	return user.length ? user : text_trim(header(asked, "X-Forwarded-Email"));
}

static void count_ignored(struct access *access, const struct asked *asked)
{
	uint64_t before = access->ignored++;

	/* Once is enough: whoever sends these can send many. */
	if (!before)
		log_warning(
			"a request from " TEXT_FORMAT
			" names its user in X-Forwarded-User, and is no --trusted-proxy: that means nothing",
			TEXT_PRINT(http_request_peer(asked->request)));
}

/* False when the headers name nobody, or come from anywhere. */
static bool is_proxied(struct access *access, struct asked *asked)
{
	const struct dashboard_settings *settings = access->settings;
	struct text user = proxied_user(asked), groups = header(asked, "X-Forwarded-Groups");

	if (!user.length)
		return false;
	if (!is_proxy(access, http_request_peer(asked->request))) {
		count_ignored(access, asked);
		return false;
	}
	snprintf(asked->user, sizeof(asked->user), TEXT_FORMAT, TEXT_PRINT(user));
	asked->known_by = KNOWN_BY_PROXY;
	asked->role =
		has_name(&settings->operators, user) || has_any(&settings->operator_groups, groups)
			? ROLE_OPERATOR
			: ROLE_VIEWER;
	return true;
}

static bool may_look(const struct access *access, const struct asked *asked)
{
	const struct text_list *viewers = &access->settings->viewer_groups;

	return asked->known_by != KNOWN_BY_PROXY || asked->role == ROLE_OPERATOR ||
	       !viewers->count || has_any(viewers, header(asked, "X-Forwarded-Groups"));
}

/* Passwords. */

/* "Basic dXNlcjpwYXNz" into both; the password may hold colons. */
static bool decode_basic(struct text given, char decoded[CREDENTIALS_MAX], struct text *ret_user,
	struct text *ret_password)
{
	struct text encoded;
	const char *colon;
	int length;

	if (!text_equal_ignoring_case(text_slice(given, 0, 6), TEXT("Basic ")))
		return false;
	encoded = text_trim(text_slice(given, 6, given.length));
	if (!encoded.length || encoded.length % 4 || encoded.length / 4 * 3 > CREDENTIALS_MAX)
		return false;
	length = EVP_DecodeBlock(
		(unsigned char *)decoded, (const unsigned char *)encoded.data, (int)encoded.length);
	for (size_t i = encoded.length; length > 0 && i-- && encoded.data[i] == '=';)
		length--;
	colon = length > 0 ? memchr(decoded, ':', (size_t)length) : NULL;
	if (!colon)
		return false;
	*ret_user = (struct text){ decoded, (size_t)(colon - decoded) };
	*ret_password = (struct text){ colon + 1, (size_t)length - ret_user->length - 1 };
	return true;
}

void access_reply_throttled(struct asked *asked, int seconds)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", seconds);
	http_reply_header(asked->request, "Retry-After", text);
	http_reply_error(asked->request, 429, "too many tries; try again in %d s", seconds);
}

static void reply_unauthorized(struct asked *asked, bool asks_for_it)
{
	if (asks_for_it)
		http_reply_header(asked->request, "WWW-Authenticate",
			"Basic realm=\"Restricted\", charset=\"UTF-8\"");
	http_reply_error(asked->request, 401, "you are not logged in");
}

int access_try_basic(struct asked *asked)
{
	struct text given = header(asked, "Authorization"), user, password;
	char decoded[CREDENTIALS_MAX];
	int seconds = 0, r = -EACCES;

	if (given.length && decode_basic(given, decoded, &user, &password)) {
		r = logins_check(asked->parts->logins, user, password,
			access_peer(asked->parts->access, asked), &seconds);
		snprintf(asked->user, sizeof(asked->user), TEXT_FORMAT, TEXT_PRINT(user));
		asked->known_by = KNOWN_BY_LOGIN;
		OPENSSL_cleanse(decoded, sizeof(decoded));
	}
	if (r == -EAGAIN)
		access_reply_throttled(asked, seconds);
	return r;
}

static int check_basic(struct asked *asked, bool asks_for_it)
{
	int r = access_try_basic(asked);

	if (r == -EACCES)
		reply_unauthorized(asked, asks_for_it);
	return r;
}

static bool has_session(struct asked *asked)
{
	struct text token = http_request_cookie(asked->request, "tercel_session");

	if (!logins_find_session(asked->parts->logins, token, asked->user))
		return false;
	asked->known_by = KNOWN_BY_LOGIN;
	snprintf(asked->session, sizeof(asked->session), TEXT_FORMAT, TEXT_PRINT(token));
	return true;
}

/*
 * A page of another site can make a browser post here. SameSite keeps our cookie out of that; the
 * browser's own words are the second lock.
 */
static bool is_same_origin(struct http_request *request)
{
	struct text origin = http_request_header(request, "Origin");
	struct text site = http_request_header(request, "Sec-Fetch-Site");
	struct text host = http_request_header(request, "Host");
	ptrdiff_t at = text_find(origin, TEXT("://"));

	if (site.length)
		return text_is(site, "same-origin") || text_is(site, "none");
	if (!origin.length)
		return true;
	return at >= 0 &&
	       text_equal_ignoring_case(text_slice(origin, (size_t)at + 3, origin.length), host);
}

static bool refuse(struct asked *asked, const char *why)
{
	http_reply_error(asked->request, 403, "%s", why);
	return false;
}

/* Whom we know; false when a 401 or 429 was answered. */
static bool is_known(struct access *access, struct asked *asked, const struct question *question)
{
	if (is_proxied(access, asked))
		return true;
	if (!access->logins) {
		snprintf(asked->user, sizeof(asked->user), "anonymous");
		asked->role = (enum role)access->settings->anonymous_role;
		return true;
	}
	if (!has_session(asked) && question->access != ACCESS_ALL &&
		check_basic(asked, question->is_old) < 0)
		return false;
	asked->role = logins_role(access->logins, text_of(asked->user));
	return true;
}

bool access_allows(struct access *access, struct asked *asked, const struct question *question)
{
	struct text method = http_request_method(asked->request);
	bool is_look = text_is(method, "GET") || text_is(method, "HEAD");

	/* A proxy's cookie may come along where ours does not, so an act is never only a link. */
	if ((!is_look || question->access == ACCESS_OPERATORS) && !is_same_origin(asked->request))
		return refuse(asked, "another site asks for this");
	if (!is_known(access, asked, question))
		return false;
	if (question->access != ACCESS_ALL && !may_look(access, asked))
		return refuse(asked, "you are in none of the groups that may look here");
	if (question->access == ACCESS_OPERATORS && asked->role != ROLE_OPERATOR)
		return refuse(asked, "only an operator may do this; you may look (viewer)");
	return true;
}
