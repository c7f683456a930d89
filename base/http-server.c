/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server over libmicrohttpd: a pool of threads that never wait for a handler.
 * A request is shared by the connection, by whoever owes its answer and by a stream, so it is
 * counted; its lock decides the race between "not answered yet, suspend" and an answer that
 * comes from another thread meanwhile.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http-server.h"
#include "base/json.h"
#include "base/memory.h"

#define BODY_LIMIT_DEFAULT (1024 * 1024)
/* A body over the limit is read and dropped up to this much more, so that its sender gets to read
 * the 413; then the connection is cut. */
#define BODY_EXCESS_MAX	 (16 * 1024 * 1024)
#define STREAM_CHUNK_MAX (1024 * 1024)
#define THREADS_MAX	 8
#define BACKLOG		 1024
#define STOP_SECONDS	 5

/* A way in: the TCP port, or the unix socket with an acceptor of ours. */
struct door {
	struct http_server *server;
	struct MHD_Daemon *daemon;
	bool is_local, is_tls, asks_client;
	struct door *older; /* that serve the connections they have, and take no more */
};

struct http_server {
	struct door *tcp, local;
	int port_fd; /* that the doors listen on, one after the other */
	struct http_server_options options;
	uint16_t port;
	char *socket_path;
	int socket_fd;
	int stop_fd; /* eventfd: ends the acceptor */
	pthread_t acceptor;
	_Atomic bool is_stopping;
	pthread_mutex_t lock;
	pthread_cond_t is_idle;
	struct http_request *requests; /* all that a connection holds */
	size_t running;		       /* those of them that were handed to a handler */
};

struct header {
	char *name;
	char *value;
	struct header *next;
};

struct http_request {
	struct door *door;
	struct MHD_Connection *connection; /* NULL once the connection let go of it */
	const char *method, *path;	   /* the connection's */
	const struct http_route *route;
	struct buffer body;
	uint64_t received; /* bytes of body, kept or not */
	char peer[INET6_ADDRSTRLEN];
	void *data;
	struct header *headers;
	struct http_request *prev, *next;

	pthread_mutex_t lock; /* for what follows */
	unsigned refs;
	bool is_handed_out; /* a handler owes the answer, or gave it */
	bool is_suspended;
	bool is_woken; /* the stream was woken while it was not suspended */
	unsigned status;
	struct MHD_Response *response; /* waits for the server's thread */
	struct buffer chunk;	       /* what the stream gave and the peer did not take yet */
	size_t chunk_sent;
};

/* Requests. */

static void headers_free(struct header *headers)
{
	struct header *header, *next;

	LL_FOREACH_SAFE(headers, header, next)
	{
		free(header->name);
		free(header->value);
		free(header);
	}
}

static void request_unref(struct http_request *request)
{
	bool is_last;

	pthread_mutex_lock(&request->lock);
	is_last = !--request->refs;
	pthread_mutex_unlock(&request->lock);
	if (!is_last)
		return;

	headers_free(request->headers);
	buffer_done(&request->body);
	buffer_done(&request->chunk);
	pthread_mutex_destroy(&request->lock);
	free(request);
}

static void write_peer(struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (request->door->is_local || !address) {
		snprintf(request->peer, sizeof(request->peer), "unix");
	} else if (address->sa_family == AF_INET6) {
		const struct in6_addr *ip = &((const struct sockaddr_in6 *)address)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(ip))
			inet_ntop(AF_INET, &ip->s6_addr[12], request->peer, sizeof(request->peer));
		else
			inet_ntop(AF_INET6, ip, request->peer, sizeof(request->peer));
	} else {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, request->peer,
			sizeof(request->peer));
	}
}

static struct http_request *request_new(
	struct door *door, struct MHD_Connection *connection, const char *method, const char *path)
{
	struct http_server *server = door->server;
	struct http_request *request = NEW(struct http_request);

	*request = (struct http_request){
		.door = door, .connection = connection, .method = method, .path = path, .refs = 1
	};
	pthread_mutex_init(&request->lock, NULL);
	buffer_init(&request->body, server->options.body_limit);
	buffer_init(&request->chunk, STREAM_CHUNK_MAX);
	write_peer(request);

	pthread_mutex_lock(&server->lock);
	DL_APPEND(server->requests, request);
	pthread_mutex_unlock(&server->lock);
	return request;
}

/* The answer reached its end, or the peer is gone. */
static void on_completed(void *context, struct MHD_Connection *connection, void **ret_request,
	enum MHD_RequestTerminationCode why)
{
	struct http_request *request = *ret_request;
	struct http_server *server;
	struct MHD_Response *response;

	if (!request)
		return;
	*ret_request = NULL;
	pthread_mutex_lock(&request->lock);
	response = TAKE(request->response);
	request->connection = NULL;
	request->is_suspended = false;
	pthread_mutex_unlock(&request->lock);

	server = request->door->server;
	pthread_mutex_lock(&server->lock);
	DL_DELETE(server->requests, request);
	server->running -= request->is_handed_out;
	if (!server->running)
		pthread_cond_broadcast(&server->is_idle);
	pthread_mutex_unlock(&server->lock);

	if (response)
		MHD_destroy_response(response);
	request_unref(request);
}

/* Answers. */

static void add_headers(struct http_request *request, struct MHD_Response *response)
{
	const char *const *common = request->door->server->options.headers;
	struct header *header;

	LL_FOREACH (request->headers, header)
		MHD_add_response_header(response, header->name, header->value);
	for (; common && common[0]; common += 2)
		if (!MHD_get_response_header(response, common[0]))
			MHD_add_response_header(response, common[0], common[1]);
}

static void request_answer(struct http_request *request, unsigned status, const char *type,
	struct MHD_Response *response)
{
	pthread_mutex_lock(&request->lock);
	if (request->connection && !request->status) {
		if (type)
			MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
		add_headers(request, response);
		request->status = status;
		request->response = TAKE(response);
		if (request->is_suspended)
			MHD_resume_connection(request->connection);
		request->is_suspended = false;
	}
	pthread_mutex_unlock(&request->lock);
	/* The server was stopped meanwhile and answered itself. */
	if (response)
		MHD_destroy_response(response);
}

static void reply_from(struct http_request *request, unsigned status, const char *type,
	struct text body, enum MHD_ResponseMemoryMode mode)
{
	request_answer(request, status, type,
		MHD_create_response_from_buffer(body.length, (void *)body.data, mode));
	request_unref(request);
}

void http_reply(struct http_request *request, unsigned status, const char *type, struct text body)
{
	reply_from(request, status, type, body, MHD_RESPMEM_MUST_COPY);
}

void http_reply_static(
	struct http_request *request, unsigned status, const char *type, struct text body)
{
	reply_from(request, status, type, body, MHD_RESPMEM_PERSISTENT);
}

void http_reply_error(struct http_request *request, unsigned status, const char *format, ...)
{
	char message[ERROR_MESSAGE_MAX];
	struct buffer body;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);

	buffer_init(&body, sizeof(message) * 8);
	buffer_add_string(&body, "{\"error\":\"");
	json_escape(&body, text_of(message));
	buffer_add_string(&body, "\"}");
	http_reply(request, status, "application/json", buffer_text(&body));
	buffer_done(&body);
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
	struct header *header = NEW(struct header);

	*header = (struct header){ string_copy(name), string_copy(value), NULL };
	LL_APPEND(request->headers, header);
}

/* Streams. */

static struct http_request *request_of(struct http_stream *stream)
{
	return stream->request;
}

static ssize_t take_chunk(struct http_request *request, char *to, size_t room)
{
	size_t length = MIN_OF(room, request->chunk.length - request->chunk_sent);

	memcpy(to, request->chunk.data + request->chunk_sent, length);
	request->chunk_sent += length;
	return (ssize_t)length;
}

/* Nothing to send: suspends, unless there was a wake-up since the stream was asked. */
static bool stream_waits(struct http_request *request)
{
	bool waits;

	pthread_mutex_lock(&request->lock);
	waits = !request->is_woken && !request->door->server->is_stopping;
	if (waits)
		MHD_suspend_connection(request->connection);
	request->is_suspended = waits;
	request->is_woken = false;
	pthread_mutex_unlock(&request->lock);
	return waits;
}

static ssize_t on_stream_read(void *context, uint64_t position, char *to, size_t room)
{
	struct http_stream *stream = context;
	struct http_request *request = request_of(stream);
	int r;

	while (request->chunk_sent == request->chunk.length) {
		if (request->door->server->is_stopping)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		buffer_clear(&request->chunk);
		request->chunk_sent = 0;
		r = stream->pull(stream, &request->chunk);
		if (r == -ECANCELED)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (r < 0 && r != -EAGAIN)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (!request->chunk.length && stream_waits(request))
			return 0;
	}
	return take_chunk(request, to, room);
}

static void on_stream_free(void *context)
{
	struct http_stream *stream = context;
	struct http_request *request = request_of(stream);

	stream->closed(stream);
	request_unref(request);
}

void http_reply_stream(struct http_request *request, const char *type, struct http_stream *stream)
{
	stream->request = request;
	pthread_mutex_lock(&request->lock);
	request->refs++;
	pthread_mutex_unlock(&request->lock);
	request_answer(request, MHD_HTTP_OK, type,
		MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, 16 * 1024, on_stream_read, stream, on_stream_free));
	request_unref(request);
}

static void request_wake(struct http_request *request)
{
	pthread_mutex_lock(&request->lock);
	if (request->is_suspended)
		MHD_resume_connection(request->connection);
	else
		request->is_woken = true;
	request->is_suspended = false;
	pthread_mutex_unlock(&request->lock);
}

void http_stream_wake(struct http_stream *stream)
{
	request_wake(request_of(stream));
}

/* Routes. */

static bool path_fits(const struct http_route *route, const char *path)
{
	size_t length = strlen(route->path);

	if (length && route->path[length - 1] == '*')
		return !strncmp(route->path, path, length - 1);
	return !strcmp(route->path, path);
}

static bool method_fits(const struct http_route *route, const char *method)
{
	if (!route->method || !strcmp(route->method, method))
		return true;
	return !strcmp(route->method, MHD_HTTP_METHOD_GET) && !strcmp(method, MHD_HTTP_METHOD_HEAD);
}

static const struct http_route *route_find(
	const struct http_server_options *options, const char *method, const char *path)
{
	for (size_t i = 0; i < options->route_count; i++)
		if (path_fits(&options->routes[i], path) &&
			method_fits(&options->routes[i], method))
			return &options->routes[i];
	return NULL;
}

/* "GET, POST": what the path's rows allow. Empty when there is no such path. */
static void write_allowed(
	const struct http_server_options *options, const char *path, struct buffer *out)
{
	for (size_t i = 0; i < options->route_count; i++) {
		const struct http_route *route = &options->routes[i];

		if (path_fits(route, path) &&
			!text_contains(buffer_text(out), text_of(route->method)))
			buffer_printf(out, "%s%s", out->length ? ", " : "", route->method);
	}
}

static void answer_unrouted(struct http_request *request)
{
	struct buffer allowed;

	buffer_init(&allowed, 256);
	write_allowed(&request->door->server->options, request->path, &allowed);
	if (allowed.length) {
		http_reply_header(request, MHD_HTTP_HEADER_ALLOW, allowed.data);
		http_reply_error(request, MHD_HTTP_METHOD_NOT_ALLOWED,
			"%s is not possible here, only %s", request->method, allowed.data);
	} else {
		http_reply_error(request, MHD_HTTP_NOT_FOUND, "there is no %s", request->path);
	}
	buffer_done(&allowed);
}

static void request_handle(struct http_request *request)
{
	const struct http_server_options *options = &request->door->server->options;

	request->route = route_find(options, request->method, request->path);
	if (request->received > options->body_limit)
		http_reply_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
			"the body is larger than %zu bytes", options->body_limit);
	else if (request->door->server->is_stopping)
		http_reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
	else if (!request->route)
		answer_unrouted(request);
	else
		request->route->handle(request, options->context);
}

static void answer_stopping(struct http_request *request)
{
	static const char body[] = "{\"error\":\"the server is stopping\"}";

	request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, "application/json",
		MHD_create_response_from_buffer(
			sizeof(body) - 1, (void *)body, MHD_RESPMEM_PERSISTENT));
}

/* The answer, or NULL and a connection that sleeps until there is one. */
static struct MHD_Response *take_response(struct http_request *request)
{
	struct MHD_Response *response;

	/* Whether the server stops is asked under the lock: either we see it here, or whoever
	 * stops it sees a suspended request. */
	pthread_mutex_lock(&request->lock);
	if (!request->response && request->door->server->is_stopping) {
		pthread_mutex_unlock(&request->lock);
		answer_stopping(request);
		pthread_mutex_lock(&request->lock);
	}
	response = TAKE(request->response);
	request->is_suspended = !response;
	if (!response)
		MHD_suspend_connection(request->connection);
	pthread_mutex_unlock(&request->lock);
	return response;
}

/* After the handler, and again when a suspended connection was resumed. */
static enum MHD_Result request_settle(struct http_request *request)
{
	struct MHD_Response *response = take_response(request);
	enum MHD_Result r = MHD_YES;

	if (response) {
		r = MHD_queue_response(request->connection, request->status, response);
		MHD_destroy_response(response);
	}
	return r;
}

static enum MHD_Result request_hand_out(struct http_request *request)
{
	struct http_server *server = request->door->server;

	pthread_mutex_lock(&server->lock);
	request->is_handed_out = true;
	server->running++;
	pthread_mutex_unlock(&server->lock);

	pthread_mutex_lock(&request->lock);
	request->refs++; /* whoever answers gives it back */
	pthread_mutex_unlock(&request->lock);

	request_handle(request);
	return request_settle(request);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_length, void **ret_request)
{
	struct door *door = context;
	struct http_request *request = *ret_request;

	if (!request) {
		*ret_request = request_new(door, connection, method, path);
		return MHD_YES;
	}
	if (*upload_length) {
		request->received += *upload_length;
		if (request->received <= request->body.limit)
			buffer_add(&request->body, upload, *upload_length);
		*upload_length = 0;
		return request->received < request->body.limit + BODY_EXCESS_MAX ? MHD_YES : MHD_NO;
	}
	return request->is_handed_out ? request_settle(request) : request_hand_out(request);
}

/* What was asked. */

struct text http_request_method(const struct http_request *request)
{
	return text_of(request->method);
}

struct text http_request_path(const struct http_request *request)
{
	return text_of(request->path);
}

static struct text look_up(
	const struct http_request *request, enum MHD_ValueKind kind, const char *name)
{
	const char *value = NULL;
	size_t length = 0;

	if (MHD_lookup_connection_value_n(
		    request->connection, kind, name, strlen(name), &value, &length) != MHD_YES)
		return (struct text){ NULL, 0 };
	return (struct text){ value ? value : "", value ? length : 0 };
}

struct text http_request_header(const struct http_request *request, const char *name)
{
	return look_up(request, MHD_HEADER_KIND, name);
}

struct text http_request_cookie(const struct http_request *request, const char *name)
{
	return look_up(request, MHD_COOKIE_KIND, name);
}

struct text http_request_query(const struct http_request *request, const char *name)
{
	return look_up(request, MHD_GET_ARGUMENT_KIND, name);
}

struct text http_request_body(const struct http_request *request)
{
	return buffer_text(&request->body);
}

struct text http_request_tail(const struct http_request *request)
{
	size_t length = request->route ? strlen(request->route->path) : 0;

	if (!length || request->route->path[length - 1] != '*')
		return (struct text){ NULL, 0 };
	return text_of(request->path + length - 1);
}

struct text http_request_peer(const struct http_request *request)
{
	return text_of(request->peer);
}

static bool has_client_certificate(const struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned status = 0;

	return info && info->tls_session &&
	       !gnutls_certificate_verify_peers2(info->tls_session, &status) && !status;
}

enum http_transport http_request_transport(const struct http_request *request)
{
	const struct door *door = request->door;

	if (door->is_local)
		return HTTP_UNIX;
	if (!door->is_tls)
		return HTTP_PLAIN;
	return door->asks_client && has_client_certificate(request) ? HTTP_MTLS : HTTP_TLS;
}

int http_request_peer_uid(const struct http_request *request, uid_t *ret_uid, pid_t *ret_pid)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (!request->door->is_local || !info)
		return -ENOTSOCK;
	if (getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length))
		return -errno;
	*ret_uid = credentials.uid;
	*ret_pid = credentials.pid;
	return 0;
}

void http_request_set_data(struct http_request *request, void *data)
{
	request->data = data;
}

void *http_request_data(const struct http_request *request)
{
	return request->data;
}

/* Listening. */

static int bind_error(const struct http_server_options *options, int code, struct error *err)
{
	const char *address = options->address && *options->address ? options->address : "0.0.0.0";

	if (code == EADDRINUSE)
		return error_set(err, -code,
			"%s:%u is taken by another program; stop it or choose another port",
			address, options->port);
	if (code == EACCES)
		return error_set(err, -code,
			"no permission to listen on %s:%u; ports under 1024 need "
			"CAP_NET_BIND_SERVICE",
			address, options->port);
	return error_set(
		err, -code, "cannot listen on %s:%u: %s", address, options->port, strerror(code));
}

static int listen_on(const struct addrinfo *at)
{
	_cleanup_(closep) int fd =
		socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, BACKLOG))
		return -errno;
	return ({
		int kept = fd;
		fd = -1;
		kept;
	});
}

/* All addresses means IPv6's, which takes IPv4 too, and IPv4's where there is no IPv6. */
static int open_port(const struct http_server_options *options, int *ret_fd, struct error *err)
{
	const char *address = options->address && *options->address ? options->address : NULL;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST };
	struct addrinfo *found = NULL;
	char port[8];
	int fd;

	snprintf(port, sizeof(port), "%u", options->port);
	hints.ai_family = address ? AF_UNSPEC : AF_INET6;
	if (getaddrinfo(address, port, &hints, &found))
		return error_set(err, -EINVAL,
			"\"%s\" is no IP address; 127.0.0.1, 0.0.0.0 and :: are examples", address);
	fd = listen_on(found);
	freeaddrinfo(found);
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && !address) {
		hints.ai_family = AF_INET;
		if (getaddrinfo(NULL, port, &hints, &found))
			return bind_error(options, EAFNOSUPPORT, err);
		fd = listen_on(found);
		freeaddrinfo(found);
	}
	if (fd < 0)
		return bind_error(options, -fd, err);
	*ret_fd = fd;
	return 0;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						   : ((struct sockaddr_in *)&address)->sin_port);
}

static bool is_answered(const struct sockaddr_un *address)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && !connect(fd, (const struct sockaddr *)address, sizeof(*address));
}

/* A socket file that nobody answers on is left over from a program that was killed. */
static int open_socket(const char *path, int *ret_fd, struct error *err)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (is_answered(&address))
		return error_set(err, -EADDRINUSE, "%s is taken by another program", path);
	if (!lstat(path, &status) && S_ISSOCK(status.st_mode))
		unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0666) ||
		listen(fd, BACKLOG))
		return error_set(err, -errno, "cannot listen on %s: %s", path, strerror(errno));
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/*
 * Accepts for the unix socket. Version 0.9.75's own accept() has room for an IPv6 address only and
 * then copies as many bytes as the peer's (bound) unix address is long, so it gets none from us.
 */
static void *accept_local(void *context)
{
	struct http_server *server = context;
	struct pollfd polled[] = { { server->socket_fd, POLLIN, 0 },
		{ server->stop_fd, POLLIN, 0 } };
	const struct sockaddr_in6 nobody = { .sin6_family = AF_UNIX };

	while (!server->is_stopping) {
		int fd;

		if (poll(polled, COUNT_OF(polled), -1) < 0 && errno != EINTR)
			break;
		fd = accept4(server->socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			MHD_add_connection(server->local.daemon, fd,
				(const struct sockaddr *)&nobody, sizeof(nobody));
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			poll(&polled[1], 1, 100);
	}
	return NULL;
}

/* Starting and stopping. */

static unsigned thread_count(unsigned wanted)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return wanted ? wanted : (unsigned)MAX_OF(1, MIN_OF(cpus, THREADS_MAX));
}

/* `pem` is of a TCP port. */
struct pem {
	const char *certificate, *key, *client_ca;
};

static int door_open(struct http_server *server, struct door *door, int fd, const struct pem *pem,
	struct error *err)
{
	const struct http_server_options *options = &server->options;
	/*
	 * Not epoll: 0.9.75 registers edges and takes a short read for "nothing more", so it misses
	 * the end of a peer that leaves together with its last packet. A thousand such peers held
	 * every connection for a minute.
	 */
	unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	unsigned threads = thread_count(options->threads);
	struct MHD_OptionItem items[8];
	size_t count = 0;

	door->server = server;
	door->is_local = fd < 0;
	if (threads > 1)
		items[count++] =
			(struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, threads, NULL };
	if (door->is_local) {
		flags |= MHD_USE_NO_LISTEN_SOCKET;
	} else {
		items[count++] = (struct MHD_OptionItem){ MHD_OPTION_LISTEN_SOCKET, fd, NULL };
		flags |= pem->certificate ? MHD_USE_TLS : 0;
		door->is_tls = pem->certificate;
		door->asks_client = pem->client_ca;
	}
	if (flags & MHD_USE_TLS) {
		items[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
			(void *)pem->certificate };
		items[count++] =
			(struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)pem->key };
		if (pem->client_ca)
			items[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0,
				(void *)pem->client_ca };
	}
	items[count] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };

	door->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, door,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
		options->connection_limit, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
		MHD_OPTION_ARRAY, items, MHD_OPTION_END);
	if (door->daemon)
		return 0;
	return error_set(err, -EINVAL, "cannot start the HTTP server%s",
		flags & MHD_USE_TLS ? "; is the certificate the key's, and are both PEM?" : "");
}

static int start_door(struct http_server *server, const struct pem *pem, struct error *err)
{
	struct door *door = NEW(struct door);
	int r = door_open(server, door, server->port_fd, pem, err);

	if (r < 0) {
		free(door);
		return r;
	}
	door->older = server->tcp;
	server->tcp = door;
	return 0;
}

static int start_tcp(struct http_server *server, struct error *err)
{
	const struct http_server_options *options = &server->options;
	struct pem pem = { options->certificate, options->key, options->client_ca };
	int r;

	r = open_port(options, &server->port_fd, err);
	if (r < 0)
		return r;
	server->port = port_of(server->port_fd);
	return start_door(server, &pem, err);
}

static bool has_connections(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info && info->num_connections;
}

/* Their memory stays: a handler may still hold a request that came through one. */
static void close_older(const struct http_server *server)
{
	for (struct door *door = server->tcp->older; door; door = door->older)
		if (door->daemon && !has_connections(door->daemon))
			MHD_stop_daemon(TAKE(door->daemon));
}

int http_server_renew(struct http_server *server, const char *certificate, const char *key,
	const char *client_ca, struct error *err)
{
	struct pem pem = { certificate, key, client_ca };
	int r = start_door(server, &pem, err);

	if (r < 0)
		return r;
	(void)MHD_quiesce_daemon(server->tcp->older->daemon);
	close_older(server);
	return 0;
}

static int start_local(struct http_server *server, struct error *err)
{
	int r;

	if (!server->options.socket_path)
		return 0;
	r = open_socket(server->options.socket_path, &server->socket_fd, err);
	if (r < 0)
		return r;
	server->socket_path = string_copy(server->options.socket_path);
	r = door_open(server, &server->local, -1, NULL, err);
	if (r < 0)
		return r;
	r = pthread_create(&server->acceptor, NULL, accept_local, server);
	if (!r)
		return 0;
	MHD_stop_daemon(TAKE(server->local.daemon));
	return error_set(err, -r, "cannot start a thread: %s", strerror(r));
}

static struct http_server *server_make(const struct http_server_options *options)
{
	struct http_server *server = NEW(struct http_server);
	pthread_condattr_t monotonic;

	server->options = *options;
	server->options.body_limit = options->body_limit ? options->body_limit : BODY_LIMIT_DEFAULT;
	server->options.idle_seconds = options->idle_seconds ? options->idle_seconds : 60;
	server->options.connection_limit =
		options->connection_limit ? options->connection_limit : 1024;
	server->socket_fd = server->port_fd = -1;
	server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&server->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&server->is_idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return server;
}

int http_server_new(const struct http_server_options *options, struct http_server **ret_server,
	struct error *err)
{
	struct http_server *server = server_make(options);
	int r;

	r = start_tcp(server, err);
	if (!r)
		r = start_local(server, err);
	if (r < 0) {
		http_server_free(server);
		return r;
	}
	/* They need not outlive this call. */
	server->options.address = server->options.socket_path = NULL;
	*ret_server = server;
	return 0;
}

static void stop_listening(struct http_server *server)
{
	if (server->local.daemon) {
		eventfd_write(server->stop_fd, 1);
		pthread_join(server->acceptor, NULL);
	}
	if (server->tcp)
		(void)MHD_quiesce_daemon(server->tcp->daemon);
	if (server->port_fd >= 0)
		close(server->port_fd);
	if (server->socket_path)
		unlink(server->socket_path);
}

/* Suspended handlers get their 503; streams are woken and see that the server stops. */
static void release_suspended(struct http_server *server)
{
	struct http_request *request;

	pthread_mutex_lock(&server->lock);
	DL_FOREACH (server->requests, request) {
		bool is_unanswered;

		pthread_mutex_lock(&request->lock);
		is_unanswered = request->is_suspended && !request->status;
		pthread_mutex_unlock(&request->lock);
		if (is_unanswered)
			answer_stopping(request);
		else
			request_wake(request);
	}
	pthread_mutex_unlock(&server->lock);
}

static void wait_until_idle(struct http_server *server)
{
	struct timespec until = clock_after(CLOCK_MONOTONIC, STOP_SECONDS * 1000);

	pthread_mutex_lock(&server->lock);
	while (server->running)
		if (pthread_cond_timedwait(&server->is_idle, &server->lock, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&server->lock);
}

static void stop_doors(struct http_server *server)
{
	while (server->tcp) {
		struct door *door = server->tcp;

		server->tcp = door->older;
		if (door->daemon)
			MHD_stop_daemon(door->daemon);
		free(door);
	}
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	server->is_stopping = true;
	stop_listening(server);
	release_suspended(server);
	wait_until_idle(server);
	stop_doors(server);
	if (server->local.daemon)
		MHD_stop_daemon(server->local.daemon);

	if (server->socket_fd >= 0)
		close(server->socket_fd);
	if (server->stop_fd >= 0)
		close(server->stop_fd);
	free(server->socket_path);
	pthread_cond_destroy(&server->is_idle);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}
