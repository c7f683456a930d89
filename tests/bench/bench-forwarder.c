/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many alerts a second the forwarder accepts: for each durability, one alert a request with
 * one client and with many, and in batches. The forwarder is started with a state of its own; this
 * program is its only client, on the same CPUs, so the figures are of both together. Then how long
 * an alert takes from here through the forwarder's journal to a webhook that is here again, and how
 * much memory the forwarder has while a million alerts wait for an output that is dead.
 *
 *	bench-forwarder PROGRAM [SECONDS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"

#define CLIENTS_MAX 256

/* What Falco sends for a read of /etc/shadow in a container: 1.1 kB. */
static const char alert[] =
	"{\"hostname\":\"worker-1\",\"output\":\"11:53:39.179191538: Warning Sensitive file opened "
	"for "
	"reading by non-trusted program | file=/etc/shadow gparent=bash ggparent=bash "
	"gggparent=bash "
	"evt_type=openat user=root user_uid=0 user_loginuid=-1 process=cat "
	"proc_exepath=/usr/bin/cat "
	"parent=bash command=cat /etc/shadow terminal=0 container_id=3ad7b26ded6d "
	"container_name=web container_image_repository=docker.io/library/nginx "
	"container_image_tag=1.25 k8s_pod_name=web-0 k8s_ns_name=shop\",\"output_fields\":{"
	"\"container.id\":\"3ad7b26ded6d\",\"container.image.repository\":\"docker.io/library/"
	"nginx\","
	"\"container.image.tag\":\"1.25\",\"container.name\":\"web\",\"evt.time\":"
	"1795521219179191538,"
	"\"evt.type\":\"openat\",\"fd.name\":\"/etc/shadow\",\"k8s.ns.name\":\"shop\","
	"\"k8s.pod.name\":\"web-0\",\"proc.aname[2]\":\"bash\",\"proc.cmdline\":\"cat "
	"/etc/shadow\","
	"\"proc.exepath\":\"/usr/bin/"
	"cat\",\"proc.name\":\"cat\",\"proc.pname\":\"bash\",\"proc.tty\":0,"
	"\"user.loginuid\":-1,\"user.name\":\"root\",\"user.uid\":0},\"priority\":\"Warning\","
	"\"rule\":\"Read sensitive file untrusted\",\"source\":\"syscall\",\"tags\":[\"T1555\","
	"\"container\",\"filesystem\",\"host\",\"maturity_stable\",\"mitre_credential_access\"],"
	"\"time\":\"2026-11-24T11:53:39.179191538Z\"}";

struct client {
	int fd;
	size_t sent;
	char answer[4096];
	size_t length;
};

struct load {
	int port;
	size_t clients, batch;
	double seconds;
	uint64_t most; /* requests; 0: for the time alone */
	struct buffer request;
	uint64_t answered, refused;
	double took;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_to(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -errno;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void make_request(struct load *load)
{
	struct buffer body;

	buffer_init(&body, 64 << 20);
	if (load->batch > 1)
		buffer_add_char(&body, '[');
	for (size_t i = 0; i < load->batch; i++)
		buffer_printf(&body, "%s%s", i ? "," : "", alert);
	if (load->batch > 1)
		buffer_add_char(&body, ']');
	buffer_init(&load->request, 64 << 20);
	buffer_printf(&load->request,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n",
		body.length);
	buffer_add_text(&load->request, buffer_text(&body));
	buffer_done(&body);
}

static void push(const struct load *load, struct client *client)
{
	while (client->sent < load->request.length) {
		ssize_t length = write(client->fd, load->request.data + client->sent,
			load->request.length - client->sent);

		if (length < 0 && errno == EAGAIN)
			return;
		if (length <= 0)
			fail("write");
		client->sent += (size_t)length;
	}
}

/* Whether a whole answer is there. */
static bool is_answered(const struct client *client)
{
	struct text answer = { client->answer, client->length };
	ptrdiff_t end = text_find(answer, TEXT("\r\n\r\n"));
	ptrdiff_t at = text_find(answer, TEXT("Content-Length: "));

	if (end < 0 || at < 0)
		return false;
	return client->length >= (size_t)end + 4 + (size_t)atoi(client->answer + at + 16);
}

static void pull(struct load *load, struct client *client)
{
	ssize_t length = read(client->fd, client->answer + client->length,
		sizeof(client->answer) - client->length - 1);

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0)
		fail("the forwarder closed a connection");
	client->length += (size_t)length;
	client->answer[client->length] = '\0';
	if (!is_answered(client))
		return;
	if (memcmp(client->answer, "HTTP/1.1 200", 12))
		load->refused++;
	else
		load->answered++;
	client->sent = client->length = 0;
	push(load, client);
}

static void run(struct load *load)
{
	struct client *clients = NEW_ARRAY(struct client, load->clients);
	struct epoll_event events[CLIENTS_MAX];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	double start;

	make_request(load);
	for (size_t i = 0; i < load->clients; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
			.data.ptr = &clients[i] };

		clients[i].fd = connect_to(load->port);
		if (clients[i].fd < 0)
			fail("connect");
		epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event);
	}
	start = now();
	while (now() - start < load->seconds && (!load->most || load->answered < load->most)) {
		int count = epoll_wait(epoll, events, CLIENTS_MAX, 1000);

		for (int i = 0; i < count; i++) {
			if (events[i].events & EPOLLIN)
				pull(load, events[i].data.ptr);
			push(load, events[i].data.ptr);
		}
	}
	load->took = now() - start;
	for (size_t i = 0; i < load->clients; i++)
		close(clients[i].fd);
	close(epoll);
	free(clients);
	buffer_done(&load->request);
}

static pid_t start(const char *program, const char *durability, const char *folder, int port)
{
	char text[16];
	pid_t pid = fork();
	int fd;

	if (!pid) {
		snprintf(text, sizeof(text), "%d", port);
		setenv("LISTENADDRESS", "127.0.0.1", 1);
		setenv("LISTENPORT", text, 1);
		setenv("DURABILITY", durability, 1);
		setenv("LOGLEVEL", "warning", 1);
		execl(program, program, "--state", folder, NULL);
		fail(program);
	}
	while ((fd = connect_to(port)) < 0)
		if (waitpid(pid, NULL, WNOHANG) == pid)
			exit(1);
	close(fd);
	return pid;
}

#define LATENCY_ALERTS 5000
#define LATENCY_AHEAD  4 /* sent and not yet received, at most */

struct receiver {
	int listener, port;
	_Atomic int count;
	double latencies[LATENCY_ALERTS];
};

/* The time that the alert was sent, as a field of it. */
static double sent_at(struct text body)
{
	ptrdiff_t at = text_find(body, TEXT("\"bench.sent\":"));

	return at < 0 ? 0 : atof(body.data + at + 13);
}

/* Whether `seen` holds a whole request; then its time is taken. */
static bool take_request(struct receiver *receiver, struct buffer *seen)
{
	struct text text = buffer_text(seen);
	ptrdiff_t end = text_find(text, TEXT("\r\n\r\n"));
	ptrdiff_t at = text_find(text, TEXT("Content-Length: "));

	if (end < 0 || at < 0 ||
		seen->length < (size_t)end + 4 + (size_t)atoi(seen->data + at + 16))
		return false;
	if (receiver->count < LATENCY_ALERTS)
		receiver->latencies[receiver->count] = now() - sent_at(text);
	receiver->count++;
	buffer_clear(seen);
	return true;
}

static void *receive(void *context)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct receiver *receiver = context;
	char data[8192];
	struct buffer seen;

	buffer_init(&seen, 1 << 20);
	while (receiver->count < LATENCY_ALERTS) {
		int fd = accept(receiver->listener, NULL, NULL);
		ssize_t length;

		while ((length = read(fd, data, sizeof(data))) > 0) {
			buffer_add(&seen, data, (size_t)length);
			if (take_request(receiver, &seen) &&
				write(fd, reply, sizeof(reply) - 1) < 0)
				fail("reply");
		}
		close(fd);
	}
	buffer_done(&seen);
	return NULL;
}

static void receiver_start(struct receiver *receiver)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(receiver->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(receiver->listener, 16) < 0)
		fail("listen");
	getsockname(receiver->listener, (struct sockaddr *)&address, &length);
	receiver->port = ntohs(address.sin_port);
}

/* Posts one alert that carries the time, and waits for its acknowledgement. */
static void post_timed(int fd)
{
	char body[512], request[1024], answer[1024];
	int length = snprintf(body, sizeof(body),
		"{\"output\":\"o\",\"priority\":\"Error\",\"rule\":\"r\","
		"\"time\":\"2026-11-24T10:00:00Z\",\"output_fields\":{\"bench.sent\":%.9f}}",
		now());

	length = snprintf(request, sizeof(request),
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", length, body);
	if (write(fd, request, (size_t)length) != length || read(fd, answer, sizeof(answer)) <= 0)
		fail("post");
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* "VmHWM": the most that it ever was; "VmRSS": what it is now. */
static long resident_kb(pid_t pid, const char *which)
{
	char path[64], line[256], format[32];
	long kb = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	snprintf(format, sizeof(format), "%s:", which);
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, format, strlen(format)))
			kb = atol(line + strlen(format));
	if (file)
		fclose(file);
	return kb;
}

/* User and system time so far, of all threads. */
static double cpu_seconds(pid_t pid)
{
	unsigned long user = 0, system_time = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file ||
		fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &system_time) != 2)
		fail(path);
	fclose(file);
	return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

static void bench(const char *program, const char *durability, double seconds)
{
	static const struct {
		const char *name;
		size_t clients, batch;
	} loads[] = {
		{ "one a request, 1 client", 1, 1 },
		{ "one a request, 16 clients", 16, 1 },
		{ "one a request, 256 clients", 256, 1 },
		{ "batches of 100, 1 client", 1, 100 },
		{ "batches of 100, 4 clients", 4, 100 },
	};
	char folder[] = "/var/tmp/bench-forwarder-XXXXXX", command[128];
	int port = 20000 + getpid() % 20000;
	pid_t pid;

	if (!mkdtemp(folder))
		fail(folder);
	pid = start(program, durability, folder, port);
	for (size_t i = 0; i < COUNT_OF(loads); i++) {
		struct load load = { port, loads[i].clients, loads[i].batch, seconds };
		double before = cpu_seconds(pid), alerts, us;

		run(&load);
		alerts = (double)(load.answered * load.batch);
		us = (cpu_seconds(pid) - before) / alerts * 1e6;
		printf("durability %-8s %-28s %8.0f alerts/s, %7.0f/s/core, %5.1f us CPU each%s\n",
			durability, loads[i].name, alerts / load.took, 1e6 / us, us,
			load.refused ? "  (and some were refused)" : "");
		fflush(stdout);
	}
	printf("durability %-8s memory at most %ld MB\n", durability,
		resident_kb(pid, "VmHWM") / 1024);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	if (system(command))
		fail(command);
}

static void bench_latency(const char *program)
{
	char folder[] = "/var/tmp/bench-forwarder-XXXXXX", command[128];
	struct receiver *receiver = NEW(struct receiver);
	int port = 20000 + (getpid() + 1) % 20000, fd;
	pthread_t thread;
	pid_t pid;

	if (!mkdtemp(folder))
		fail(folder);
	receiver_start(receiver);
	snprintf(command, sizeof(command), "http://127.0.0.1:%d/", receiver->port);
	setenv("WEBHOOK_ADDRESS", command, 1);
	pid = start(program, "process", folder, port);
	unsetenv("WEBHOOK_ADDRESS");
	pthread_create(&thread, NULL, receive, receiver);
	fd = connect_to(port);
	fcntl(fd, F_SETFL, 0);
	for (int i = 0; i < LATENCY_ALERTS; i++) {
		while (receiver->count + LATENCY_AHEAD < i)
			sched_yield();
		post_timed(fd);
	}
	while (receiver->count < LATENCY_ALERTS)
		sched_yield();
	qsort(receiver->latencies, LATENCY_ALERTS, sizeof(double), by_size);
	printf("durability process  through to a webhook: p50 %.2f ms, p99 %.2f ms, worst %.1f ms\n",
		receiver->latencies[LATENCY_ALERTS / 2] * 1e3,
		receiver->latencies[LATENCY_ALERTS * 99 / 100] * 1e3,
		receiver->latencies[LATENCY_ALERTS - 1] * 1e3);
	close(fd);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	pthread_join(thread, NULL);
	close(receiver->listener);
	free(receiver);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	if (system(command))
		fail(command);
}

#define WAITING_ALERTS 1000000
#define WAITING_BATCH  100

/* An output is dead, and a million alerts wait for it: they are on disk. */
static void bench_waiting(const char *program)
{
	char folder[] = "/var/tmp/bench-forwarder-XXXXXX", command[128];
	struct load load = { 20000 + (getpid() + 2) % 20000, 4, WAITING_BATCH, 600,
		WAITING_ALERTS / WAITING_BATCH };
	pid_t pid;

	if (!mkdtemp(folder))
		fail(folder);
	setenv("WEBHOOK_ADDRESS", "http://127.0.0.1:9/", 1);
	setenv("JOURNAL_SIZE", "4GiB", 1);
	pid = start(program, "process", folder, load.port);
	run(&load);
	printf("durability process  %.0f alerts wait for a dead output: memory %ld MB, at most %ld "
	       "MB\n",
		(double)(load.answered * load.batch), resident_kb(pid, "VmRSS") / 1024,
		resident_kb(pid, "VmHWM") / 1024);
	unsetenv("WEBHOOK_ADDRESS");
	unsetenv("JOURNAL_SIZE");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	if (system(command))
		fail(command);
}

int main(int argc, char **argv)
{
	static const char *const durabilities[] = { "process", "disk", "memory" };
	double seconds = argc > 2 ? atof(argv[2]) : 3;

	if (argc < 2 || seconds <= 0) {
		fprintf(stderr, "usage: bench-forwarder PROGRAM [SECONDS]\n");
		return 1;
	}
	for (size_t i = 0; i < COUNT_OF(durabilities); i++)
		bench(argv[1], durabilities[i], seconds);
	bench_latency(argv[1]);
	bench_waiting(argv[1]);
	return 0;
}
