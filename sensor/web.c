/* SPDX-License-Identifier: Apache-2.0 */
/* Health, versions and metrics over HTTP, as Falco answers them. */
#include <arpa/inet.h>
#include <errno.h>

#include "base/http-server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/versions.h"
#include "sensor/web.h"

#define METRICS_MAX	(16 * 1024 * 1024)
#define CERTIFICATE_MAX (1024 * 1024)

struct web {
	struct http_server *server;
	struct reporter *reporter;
	struct http_route routes[3];
	char *health_path, *certificate;
};

static void answer_health(struct http_request *request, void *context)
{
	(void)context;
	http_reply_static(request, 200, "application/json", TEXT("{\"status\": \"ok\"}"));
}

static void answer_versions(struct http_request *request, void *context)
{
	struct json_writer json;
	struct buffer out;

	(void)context;
	buffer_init(&out, 8192);
	json_writer_init(&json, &out);
	versions_json(&json);
	http_reply(request, 200, "application/json", buffer_text(&out));
	buffer_done(&out);
}

static void answer_metrics(struct http_request *request, void *context)
{
	struct web *web = context;
	struct buffer out;

	buffer_init(&out, METRICS_MAX);
	reporter_write_metrics(web->reporter, &out);
	http_reply(request, 200, "text/plain; version=0.0.4", buffer_text(&out));
	buffer_done(&out);
}

static int read_certificate(const char *path, char **ret_text, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	struct buffer text;
	char bytes[4096];
	size_t got;

	if (!file)
		return error_set(err, -errno, "webserver.ssl_certificate: cannot read %s: %s", path,
			strerror(errno));
	buffer_init(&text, CERTIFICATE_MAX);
	while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buffer_add_text(&text, (struct text){ bytes, got });
	*ret_text = buffer_take(&text);
	return 0;
}

static int check_address(const char *address, struct error *err)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1)
		return 0;
	return error_set(
		err, -EINVAL, "webserver.listen_address: \"%s\" is no IP address", address);
}

static int start(struct web *web, const struct sensor_options *options, struct error *err)
{
	struct http_server_options server = {
		.address = options->web_address,
		.port = (uint16_t)options->web_port,
		.routes = web->routes,
		.context = web,
		.threads = (unsigned)options->web_threads,
		.certificate = web->certificate,
		.key = web->certificate,
	};

	web->routes[server.route_count++] =
		(struct http_route){ "GET", web->health_path, answer_health };
	web->routes[server.route_count++] =
		(struct http_route){ "GET", "/versions", answer_versions };
	if (options->web_metrics && options->metrics_enabled)
		web->routes[server.route_count++] =
			(struct http_route){ "GET", "/metrics", answer_metrics };
	return http_server_new(&server, &web->server, err);
}

int web_new(const struct sensor_options *options, struct reporter *reporter, struct web **ret_web,
	struct error *err)
{
	struct web *web;
	int r;

	if (!options->web_enabled)
		return 0;
	r = check_address(options->web_address, err);
	if (r < 0)
		return r;
	web = NEW(struct web);
	web->reporter = reporter;
	web->health_path = string_copy(options->web_health_path);
	if (options->web_tls)
		r = read_certificate(options->web_certificate, &web->certificate, err);
	if (r >= 0)
		r = start(web, options, err);
	if (r < 0) {
		web_free(web);
		return r;
	}
	log_info("web server: %s port %u%s", options->web_address, http_server_port(web->server),
		options->web_tls ? ", TLS" : "");
	*ret_web = web;
	return 0;
}

void web_free(struct web *web)
{
	if (!web)
		return;
	http_server_free(web->server);
	free(web->health_path);
	free(web->certificate);
	free(web);
}
