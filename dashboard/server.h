/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's HTTP side. Posted alerts go to the store and are answered after their commit;
 * questions go to a few threads that may wait for the disk and for password hashes, each with a
 * reader of its own; files of the page are answered at once.
 */
#pragma once

#include "base/http-server.h"
#include "dashboard/access.h"
#include "dashboard/export.h"
#include "dashboard/live.h"
#include "dashboard/logins.h"
#include "dashboard/settings.h"
#include "dashboard/store.h"

struct server;

struct server_parts {
	const struct dashboard_settings *settings;
	struct store *store;
	struct logins *logins; /* NULL: no login is asked for */
	struct access *access;
	struct live *live;
};

int server_open(const struct server_parts *parts, struct server **ret_server, struct error *err);
void server_close(struct server *server);
uint16_t server_port(const struct server *server);
/* Looks whether the certificate's files have changed, and shows what they hold now. */
void server_renew(struct server *server);

/* A question while it is answered, in a thread of its own. */
struct asked {
	const struct server_parts *parts;
	struct server *server;
	struct http_request *request;
	struct store_reader *reader;
	/* Who asks, as far as the question's access was looked at. */
	char user[USER_NAME_MAX];
	enum role role;
	enum known_by known_by;
	char session[SESSION_TOKEN_MAX]; /* "" without one */
	struct buffer *out;		 /* for the answer's body; empty */
};

/* Who may ask: anybody, who is known, who may act. */
enum may_ask { ACCESS_ALL, ACCESS_READERS, ACCESS_OPERATORS };

struct question {
	const char *method, *path;
	void (*answer)(struct asked *asked);
	enum may_ask access;
	bool is_old; /* API v1: a 401 asks for basic authentication */
	/* For the OpenAPI document of API v2: names of parameters, type of the answer. */
	const char *about, *parameters, *type;
};

extern const struct question questions_v1[], questions_v2[];
extern const size_t questions_v1_count, questions_v2_count;

/* For the answers. */
struct text asked_parameter(void *asked, const char *name);
int64_t asked_number(struct asked *asked, const char *name, int64_t fallback, int64_t maximum);
/* Answers 200 with asked->out as JSON. */
void asked_reply_json(struct asked *asked);
/* {"error":…,"column":N} */
void asked_reply_mistake(struct asked *asked, size_t column, const struct error *err);
struct downloads *server_exports(struct server *server);
struct downloads *server_backups(struct server *server);
/* The names of the forwarder's outputs, as last told, as JSON. */
void server_write_outputs(struct server *server, struct buffer *out);
