/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata thread against runtimes that misbehave: small servers on unix sockets that answer
 * Docker's paths with a script. Real runtimes are in tests/system/test_containers.py.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/state/runtimes/runtimes.h"
#include "tests/test.h"

#define ID    "1c05d7174a242132b15cc74e3007e263710125611e6058ed1b3466619d53f526"
#define IMAGE "e181c050b28813cff91f09ae66cd8459249273d36652ced0588efbaee849dc50"
#define WAIT  20000

#define INSPECT                                                                                    \
	"{\"Id\":\"" ID "\",\"Name\":\"/web\",\"Image\":\"sha256:" IMAGE "\","                     \
	"\"Created\":\"2026-11-24T13:59:34.640719163Z\","                                          \
	"\"State\":{\"StartedAt\":\"0001-01-01T00:00:00Z\"},"                                      \
	"\"HostConfig\":{\"Privileged\":true,\"PidMode\":\"host\",\"NetworkMode\":\"default\"},"   \
	"\"Mounts\":[{\"Source\":\"/tmp\",\"Destination\":\"/data\",\"Mode\":\"ro\",\"RW\":false," \
	"\"Propagation\":\"rslave\"},7,{}],"                                                       \
	"\"NetworkSettings\":{\"IPAddress\":\"\",\"Networks\":{\"b\":{\"IPAddress\":\"10.0.0.7\"}" \
	"}},"                                                                                      \
	"\"Config\":{\"Image\":\"quay.io/team/web:1.2\",\"Labels\":{\"team\":\"blue\",\"n\":5},"   \
	"\"Healthcheck\":{\"Test\":[\"CMD\",\"cat\",\"/etc/passwd\"]}}}"

struct script {
	const char *path; /* of the request, its beginning */
	unsigned status;
	const char *body;   /* NULL: no answer ever */
	atomic_int failing; /* so many requests are answered with 404 first */
	atomic_int lost;    /* so many get no answer at all first */
	atomic_int broken;  /* so many are answered with 500 first */
	atomic_int asked;   /* so many requests came */
};

struct server {
	char folder[32], socket[108];
	int listener;
	struct script *scripts;
	size_t count;
	atomic_int requests;
	atomic_bool is_stopping;
	pthread_t thread;
};

static void answer_request(struct server *server, int fd, const char *seen)
{
	_cleanup_(freep) char *text = NULL;
	const char *path = strchr(seen, ' ');

	atomic_fetch_add(&server->requests, 1);
	for (size_t i = 0; path && i < server->count; i++) {
		struct script *script = &server->scripts[i];

		if (strncmp(path + 1, script->path, strlen(script->path)))
			continue;
		atomic_fetch_add(&script->asked, 1);
		if (!script->body ||
			(atomic_load(&script->lost) && atomic_fetch_sub(&script->lost, 1)))
			return;
		if (atomic_load(&script->failing) && atomic_fetch_sub(&script->failing, 1))
			break;
		if (atomic_load(&script->broken) && atomic_fetch_sub(&script->broken, 1)) {
			text = string_copy("HTTP/1.1 500 X\r\nContent-Length: 6\r\n\r\nlocked");
			break;
		}
		text = string_printf("HTTP/1.1 %u X\r\nContent-Length: %zu\r\n\r\n%s",
			script->status, strlen(script->body), script->body);
		break;
	}
	if (!text)
		text = string_copy("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n");
	/* Who asked may have given up meanwhile. */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* A thread that serves all connections side by side. */
static void *serve(void *context)
{
	struct server *server = context;
	struct pollfd fds[64] = { { server->listener, POLLIN, 0 } };
	nfds_t count = 1;
	char seen[4096];

	while (!atomic_load(&server->is_stopping)) {
		if (poll(fds, count, 20) < 1)
			continue;
		if (fds[0].revents && count < COUNT_OF(fds))
			fds[count++] =
				(struct pollfd){ accept(server->listener, NULL, NULL), POLLIN, 0 };
		for (nfds_t i = 1; i < count; i++) {
			ssize_t length =
				fds[i].revents ? read(fds[i].fd, seen, sizeof(seen) - 1) : 0;

			if (!fds[i].revents)
				continue;
			if (length > 0) {
				seen[length] = '\0';
				answer_request(server, fds[i].fd, seen);
				continue;
			}
			close(fds[i].fd);
			fds[i--] = fds[--count];
		}
	}
	for (nfds_t i = 1; i < count; i++)
		close(fds[i].fd);
	return NULL;
}

static void server_prepare(struct server *server, struct script *scripts, size_t count)
{
	snprintf(server->folder, sizeof(server->folder), "/tmp/tercel-test-XXXXXX");
	CHECK(mkdtemp(server->folder));
	snprintf(server->socket, sizeof(server->socket), "%s/docker.sock", server->folder);
	server->scripts = scripts;
	server->count = count;
}

static void server_start(struct server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
	server->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(!bind(server->listener, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!listen(server->listener, 64));
	atomic_store(&server->is_stopping, false);
	pthread_create(&server->thread, NULL, serve, server);
}

static void server_stop(struct server *server)
{
	atomic_store(&server->is_stopping, true);
	pthread_join(server->thread, NULL);
	close(server->listener);
	unlink(server->socket);
}

struct setup {
	struct server server;
	struct wanted_socket wanted;
	struct metrics *metrics;
	struct runtimes *runtimes;
};

static void setup_begin(struct setup *setup, struct script *scripts, size_t count)
{
	*setup = (struct setup){ 0 };
	http_client_setup();
	server_prepare(&setup->server, scripts, count);
	setup->metrics = metrics_new();
}

static void runtimes_begin(struct setup *setup)
{
	struct runtimes_options options = { .metrics = setup->metrics, .call_timeout_ms = 300 };

	setup->wanted = (struct wanted_socket){ &runtime_docker, setup->server.socket };
	options.sockets = (struct sockets_options){ .wanted = &setup->wanted,
		.wanted_count = 1,
		.without_cri = true,
		.without_podman = true };
	setup->runtimes = runtimes_new(&options);
}

static void setup_end(struct setup *setup)
{
	runtimes_free(setup->runtimes);
	metrics_free(setup->metrics);
	rmdir(setup->server.folder);
}

/* The next answer that is no news and whole. */
static struct runtimes_answer *next_answer(struct setup *setup)
{
	struct runtimes_answer *answer;

	while (runtimes_wait(setup->runtimes, &answer, 1, WAIT)) {
		if (answer->answer != ANSWER_NEWS &&
			!(answer->metadata && answer->metadata->is_partial))
			return answer;
		runtimes_answer_free(answer);
	}
	CHECK(!"an answer came");
	return NULL;
}

static struct runtimes_answer *ask(struct setup *setup, const char *id)
{
	CHECK_NUMBER(
		runtimes_ask(setup->runtimes, CONTAINER_DOCKER, text_of(id), TEXT("/docker/x")), 0);
	return next_answer(setup);
}

static void check_slice(struct text got, const char *want)
{
	_cleanup_(freep) char *copy = got.data ? text_to_string(got) : NULL;

	CHECK_TEXT(copy, want);
}

TEST(a_container_is_told_with_all_that_the_runtime_knows)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/" ID "/json", 200, INSPECT, 0 },
		{ "/images/sha256:" IMAGE "/json", 200,
			"{\"RepoTags\":[\"quay.io/team/web:1.2\"],"
			"\"RepoDigests\":[\"quay.io/team/web@sha256:beef\"]}",
			0 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	CHECK_TEXT(answer->id, ID);
	check_slice(answer->metadata->name, "web");
	check_slice(answer->metadata->image, "quay.io/team/web:1.2");
	check_slice(answer->metadata->image_id, IMAGE);
	check_slice(answer->metadata->repository, "quay.io/team/web");
	check_slice(answer->metadata->tag, "1.2");
	check_slice(answer->metadata->digest, "sha256:beef");
	check_slice(answer->metadata->ip, "10.0.0.7");
	check_slice(answer->metadata->healthcheck, "cat /etc/passwd");
	CHECK_NUMBER(answer->metadata->is_privileged, YES);
	CHECK_NUMBER(answer->metadata->host_pid, YES);
	CHECK_NUMBER(answer->metadata->host_network, NO);
	CHECK_NUMBER(answer->metadata->host_ipc, NOT_KNOWN);
	CHECK_NUMBER(answer->metadata->created_ns, 1795528774640719163);
	CHECK_NUMBER(answer->metadata->started_ns, 0);
	CHECK_NUMBER(answer->metadata->labels.count, 1);
	CHECK_NUMBER(answer->metadata->mount_count, 3);
	runtimes_answer_free(answer);

	/* What an image is called is remembered: the second time costs one call. */
	runtimes_answer_free(ask(&setup, ID));
	CHECK_NUMBER(atomic_load(&scripts[1].asked), 2);
	CHECK_NUMBER(atomic_load(&scripts[2].asked), 1);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(an_image_that_was_listed_needs_no_call_of_its_own)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/" ID "/json", 200, INSPECT, 0 },
		{ "/images/json", 200,
			"[{\"Id\":\"sha256:" IMAGE "\",\"RepoTags\":[\"quay.io/team/web:1.2\"],"
			"\"RepoDigests\":[\"quay.io/team/web@sha256:beef\"]},{},7]",
			0 },
		{ "/images/sha256:" IMAGE "/json", 200, NULL, 0 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	check_slice(answer->metadata->digest, "sha256:beef");
	CHECK_NUMBER(atomic_load(&scripts[3].asked), 0);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", folder, name);
	_cleanup_(fclosep) FILE *file = fopen(path, "we");

	CHECK(file && fputs(text, file) >= 0);
}

/* As Docker 20.10 writes them; the container is locked, so that the daemon does not answer. */
TEST(dockers_files_tell_of_a_container_while_it_is_being_started)
{
	char root[] = "/tmp/tercel-root-XXXXXX";
	_cleanup_(freep) char *info = NULL, *folder = NULL, *command = NULL;
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/images/json", 200,
			"[{\"Id\":\"sha256:" IMAGE "\",\"RepoTags\":[\"quay.io/team/web:1.2\"],"
			"\"RepoDigests\":[\"quay.io/team/web@sha256:beef\"]}]",
			0 },
		{ "/info", 200, NULL, 0 },
		{ "/containers/", 200, NULL, 0 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	CHECK(mkdtemp(root));
	info = string_printf("{\"DockerRootDir\":\"%s\"}", root);
	folder = string_printf("%s/containers/" ID, root);
	command = string_printf("mkdir -p %s", folder);
	CHECK_NUMBER(system(command), 0);
	write_file(folder, "config.v2.json",
		"{\"ID\":\"" ID "\",\"Name\":\"/web\",\"Image\":\"sha256:" IMAGE "\","
		"\"Created\":\"2026-11-24T13:59:34.640719163Z\","
		"\"State\":{\"StartedAt\":\"0001-01-01T00:00:00Z\"},"
		"\"MountPoints\":{\"/data\":{\"Source\":\"/tmp\",\"Destination\":\"/data\","
		"\"RW\":false,\"Relabel\":\"ro\",\"Propagation\":\"rprivate\"},\"/x\":7},"
		"\"Config\":{\"Image\":\"quay.io/team/web:1.2\",\"Labels\":{\"team\":\"blue\"}}}");
	write_file(folder, "hostconfig.json", "{\"Privileged\":true,\"PidMode\":\"host\"}");
	scripts[2].body = info;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	/* Until it is known where the files are. */
	do
		CHECK_NUMBER(
			runtimes_ask(setup.runtimes, CONTAINER_DOCKER, TEXT(ID), TEXT("/docker/x")),
			0);
	while (!runtimes_wait(setup.runtimes, &answer, 1, 100) ||
		(answer->answer != ANSWER_KNOWN && (runtimes_answer_free(answer), true)));
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	CHECK(answer->metadata->is_partial);
	check_slice(answer->metadata->name, "web");
	check_slice(answer->metadata->repository, "quay.io/team/web");
	check_slice(answer->metadata->labels_text, "team:blue");
	check_slice(answer->metadata->mounts_text, "/tmp:/data:ro:false:rprivate");
	CHECK_NUMBER(answer->metadata->is_privileged, YES);
	CHECK_NUMBER(answer->metadata->host_pid, YES);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
	free(TAKE(command));
	command = string_printf("rm -r %s", root);
	CHECK_NUMBER(system(command), 0);
}

TEST(a_health_check_has_all_its_words_and_the_images_shell)
{
	static const struct {
		const char *config, *line; /* of the check */
	} checks[] = {
		{ "\"Healthcheck\":{\"Test\":[\"NONE\"]}", "NONE" },
		{ "\"Healthcheck\":{\"Test\":[]}", NULL },
		{ "\"Healthcheck\":{\"Test\":\"x\"}", NULL },
		{ "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"cat x\"]}", "/bin/sh -c cat x" },
		{ "\"Shell\":[\"/bin/bash\",\"-eu\",\"-c\"],"
		  "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"cat x\"]}",
			"/bin/bash -eu -c cat x" },
		{ "\"Shell\":[\"/bin/bash\",\"-c\"],"
		  "\"Healthcheck\":{\"Test\":[\"CMD\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
		  "\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\",\"18\"]}",
			"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18" },
	};

	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		_cleanup_(freep) char *body = string_printf(
			"{\"Id\":\"" ID "\",\"Name\":\"/web\",\"Config\":{%s}}", checks[i].config);
		struct script scripts[] = { { "/version", 200, "{\"Version\":\"20.10\"}", 0, 0 },
			{ "/containers/" ID "/json", 200, body, 0, 0 } };
		struct runtimes_answer *answer;
		struct setup setup;

		setup_begin(&setup, scripts, COUNT_OF(scripts));
		server_start(&setup.server);
		runtimes_begin(&setup);
		answer = ask(&setup, ID);
		CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
		check_slice(answer->metadata->healthcheck, checks[i].line);
		runtimes_answer_free(answer);
		server_stop(&setup.server);
		setup_end(&setup);
	}
}

TEST(what_is_known_first_is_told_first)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/" ID "/json", 200, INSPECT, 0 },
		{ "/images/", 200, NULL, 0 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	CHECK_NUMBER(
		runtimes_ask(setup.runtimes, CONTAINER_DOCKER, TEXT(ID), TEXT("/docker/x")), 0);
	do
		CHECK_NUMBER(runtimes_wait(setup.runtimes, &answer, 1, WAIT), 1);
	while (answer->answer == ANSWER_NEWS && (runtimes_answer_free(answer), true));
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	CHECK(answer->metadata->is_partial);
	check_slice(answer->metadata->repository, "quay.io/team/web");
	CHECK_NUMBER(answer->metadata->is_privileged, YES);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(a_container_that_its_runtime_learns_of_later_is_asked_for_again)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/" ID "/json", 200, INSPECT, 3 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(a_call_that_got_lost_is_repeated)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0, 0 },
		{ "/containers/" ID "/json", 200, INSPECT, 0, 1 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(a_runtime_that_fails_for_a_while_is_asked_again)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}" },
		{ "/containers/" ID "/json", 200, INSPECT, .broken = 3 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(a_container_that_nobody_knows_is_answered_too)
{
	struct script scripts[] = { { "/version", 200, "{\"Version\":\"20.10\"}", 0 } };
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	CHECK_NUMBER(answer->answer, ANSWER_UNKNOWN);
	CHECK_TEXT(answer->id, ID);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(a_runtime_that_lies_about_the_id_is_not_believed)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/", 200, INSPECT, 0 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	answer = ask(&setup, "0000d7174a242132b15cc74e3007e263710125611e6058ed1b3466619d53f526");
	CHECK_NUMBER(answer->answer, ANSWER_UNKNOWN);
	runtimes_answer_free(answer);
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(nonsense_in_place_of_json_is_survived)
{
	static const char *const bodies[] = { "", "[", "null", "[1,2]", "\"text\"", "{\"Id\":7}",
		"{\"Id\":\"" ID "\",\"Config\":[],\"Mounts\":{},\"Name\":null,\"State\":9}" };

	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct script scripts[] = {
			{ "/version", 200, "{}", 0 },
			{ "/containers/", 200, bodies[i], 0 },
		};
		struct runtimes_answer *answer;
		struct setup setup;

		setup_begin(&setup, scripts, COUNT_OF(scripts));
		server_start(&setup.server);
		runtimes_begin(&setup);
		answer = ask(&setup, ID);
		CHECK_NUMBER(
			answer->answer, i == COUNT_OF(bodies) - 1 ? ANSWER_KNOWN : ANSWER_UNKNOWN);
		runtimes_answer_free(answer);
		server_stop(&setup.server);
		setup_end(&setup);
	}
}

TEST(a_runtime_that_never_answers_costs_its_containers_their_metadata_alone)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/", 200, NULL, 0 },
	};
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	runtimes_begin(&setup);
	for (int i = 0; i < 40; i++)
		CHECK_NUMBER(runtimes_ask(setup.runtimes, CONTAINER_DOCKER, TEXT(ID), TEXT("")), 0);
	for (int i = 0; i < 40; i++) {
		struct runtimes_answer *answer = next_answer(&setup);

		CHECK_NUMBER(answer->answer, ANSWER_UNKNOWN);
		runtimes_answer_free(answer);
	}
	server_stop(&setup.server);
	setup_end(&setup);
}

TEST(a_runtime_that_comes_back_is_news_and_answers_again)
{
	struct script scripts[] = {
		{ "/version", 200, "{\"Version\":\"20.10\"}", 0 },
		{ "/containers/" ID "/json", 200, INSPECT, 0 },
	};
	struct runtimes_answer *answer;
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	runtimes_begin(&setup);
	answer = ask(&setup, ID);
	CHECK_NUMBER(answer->answer, ANSWER_UNKNOWN);
	runtimes_answer_free(answer);

	for (int i = 0; i < 2; i++) {
		server_start(&setup.server);
		CHECK_NUMBER(runtimes_wait(setup.runtimes, &answer, 1, WAIT), 1);
		CHECK_NUMBER(answer->answer, ANSWER_NEWS);
		runtimes_answer_free(answer);
		answer = ask(&setup, ID);
		CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
		runtimes_answer_free(answer);

		server_stop(&setup.server);
		answer = ask(&setup, ID);
		CHECK_NUMBER(answer->answer, ANSWER_UNKNOWN);
		runtimes_answer_free(answer);
	}
	setup_end(&setup);
}

TEST(what_is_no_id_is_not_sent_to_anyone)
{
	static const char *const texts[] = { "", "../../secrets", "a/b", "a?b", "a b", ".x",
		"a%2f" };
	struct script scripts[] = { { "/version", 200, "{}", 0 } };
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	runtimes_begin(&setup);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		CHECK_NUMBER(
			runtimes_ask(setup.runtimes, CONTAINER_DOCKER, text_of(texts[i]), TEXT("")),
			-EINVAL);
	CHECK_NUMBER(runtimes_ask(setup.runtimes, CONTAINER_LXC, TEXT("box"), TEXT("")), -EINVAL);
	setup_end(&setup);
}

TEST(a_users_own_podman_is_found_and_not_asked_about_others)
{
	struct script scripts[] = {
		{ "/v5.0.0/libpod/version", 200, "{\"Version\":\"5\"}", 0 },
		{ "/v5.0.0/libpod/containers/", 200, INSPECT, 0 },
	};
	struct runtimes_options options = { 0 };
	struct runtimes_answer *answer;
	struct setup setup;
	char path[80];

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	snprintf(path, sizeof(path), "%s/run", setup.server.folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/run/user", setup.server.folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/run/user/1000", setup.server.folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/run/user/1000/podman", setup.server.folder);
	mkdir(path, 0755);
	snprintf(setup.server.socket, sizeof(setup.server.socket), "%s/podman.sock", path);
	server_start(&setup.server);
	options.sockets.host_root = setup.server.folder;
	options.metrics = setup.metrics;
	setup.runtimes = runtimes_new(&options);

	CHECK_NUMBER(runtimes_ask(setup.runtimes, CONTAINER_PODMAN, TEXT(ID),
			     TEXT("/user.slice/user-1000.slice/user@1000.service/libpod-x.scope")),
		0);
	answer = next_answer(&setup);
	CHECK_NUMBER(answer->answer, ANSWER_KNOWN);
	runtimes_answer_free(answer);
	CHECK_NUMBER(runtimes_ask(setup.runtimes, CONTAINER_PODMAN, TEXT(ID),
			     TEXT("/machine.slice/libpod-x.scope")),
		0);
	answer = next_answer(&setup);
	CHECK_NUMBER(answer->answer, ANSWER_UNKNOWN);
	runtimes_answer_free(answer);

	server_stop(&setup.server);
	for (int i = 0; i < 4; i++) {
		rmdir(path);
		*strrchr(path, '/') = '\0';
	}
	setup_end(&setup);
}

TEST(links_to_sockets_stay_below_the_hosts_root_and_count_once)
{
	struct found_socket found[SOCKETS_MAX];
	struct sockets_options options = { 0 };
	struct setup setup;
	char path[80], link[80];

	setup_begin(&setup, NULL, 0);
	options.host_root = setup.server.folder;
	snprintf(path, sizeof(path), "%s/run", setup.server.folder);
	mkdir(path, 0755);
	snprintf(setup.server.socket, sizeof(setup.server.socket), "%s/docker.sock", path);
	server_start(&setup.server);
	snprintf(link, sizeof(link), "%s/var", setup.server.folder);
	mkdir(link, 0755);
	snprintf(link, sizeof(link), "%s/var/run", setup.server.folder);
	CHECK(!symlink("/run", link)); /* absolute, as on many hosts */

	CHECK_NUMBER(sockets_find(&options, found), 1);
	CHECK_TEXT(found[0].name, "/run/docker.sock");
	CHECK_TEXT(found[0].path, setup.server.socket);
	options.without_docker = true;
	CHECK_NUMBER(sockets_find(&options, found), 0);

	server_stop(&setup.server);
	unlink(link);
	*strrchr(link, '/') = '\0';
	rmdir(link);
	rmdir(path);
	setup_end(&setup);
}

TEST(a_look_at_the_host_says_who_answers_and_why_not)
{
	struct script scripts[] = { { "/version", 200, "{\"Version\":\"20.10\"}", 0 } };
	struct runtime_report reports[4];
	struct sockets_options options = { 0 };
	struct wanted_socket wanted[2];
	struct setup setup;

	setup_begin(&setup, scripts, COUNT_OF(scripts));
	server_start(&setup.server);
	wanted[0] = (struct wanted_socket){ &runtime_docker, setup.server.socket };
	wanted[1] = (struct wanted_socket){ &runtime_podman, "/nonexistent/podman.sock" };
	options = (struct sockets_options){
		.wanted = wanted, .wanted_count = 2, .without_cri = true
	};
	CHECK_NUMBER(runtimes_look(&options, reports, 4), 2);
	CHECK(reports[0].answers);
	CHECK_TEXT(reports[0].about, "docker 20.10");
	CHECK(!reports[1].answers);
	CHECK_TEXT(reports[1].socket, "/nonexistent/podman.sock");
	CHECK_TEXT(reports[1].about, "No such file or directory");
	server_stop(&setup.server);
	setup_end(&setup);
}
