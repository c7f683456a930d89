/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at this very process, whose descriptors and sockets the test makes. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/sources/look.h"
#include "tests/test.h"

static struct event event_of_us(struct process *process)
{
	*process = (struct process){ .pid = getpid() };
	return (struct event){ .process = process, .thread_id = getpid() };
}

static const struct event_fd *seen(struct look *look, int64_t number)
{
	static const struct event_fd none;
	const struct event_fd *fd = look_descriptor(look, LOOK_DESCRIPTORS, number);

	CHECK(fd != NULL);
	return fd ? fd : &none;
}

TEST(a_descriptor_is_what_its_link_says)
{
	struct looks *looks = looks_new(NULL);
	struct process us;
	struct event event = event_of_us(&us);
	struct look *look = looks_begin(looks, &event);
	int file = open("/etc/passwd", O_RDONLY), folder = open("/tmp", O_RDONLY | O_DIRECTORY);
	int counter = eventfd(0, 0), ends[2];

	CHECK_NUMBER(pipe(ends), 0);
	CHECK_NUMBER(seen(look, file)->type, FD_FILE);
	CHECK(text_is(seen(look, file)->name, "/etc/passwd"));
	CHECK_NUMBER(seen(look, folder)->type, FD_DIRECTORY);
	CHECK_NUMBER(seen(look, counter)->type, FD_EVENT);
	CHECK_NUMBER(seen(look, ends[0])->type, FD_PIPE);
	CHECK(text_starts_with(seen(look, ends[0])->name, TEXT("pipe:[")));
	CHECK(look_descriptor(look, LOOK_DESCRIPTORS, 4000) == NULL);
	CHECK(look_descriptor(look, LOOK_STANDARD, 1) != NULL);
	CHECK(look_descriptor(look, LOOK_STANDARD, file) == NULL);
	close(file);
	close(folder);
	close(counter);
	close(ends[0]);
	close(ends[1]);
	looks_free(looks);
}

TEST(a_socket_is_named_by_its_ends_the_clients_first)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(here);
	struct looks *looks = looks_new(NULL);
	struct process us;
	struct event event = event_of_us(&us);
	struct look *look;
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int pair[2], accepted;
	char *name;

	CHECK_NUMBER(bind(server, (void *)&here, sizeof(here)), 0);
	CHECK_NUMBER(listen(server, 1), 0);
	CHECK_NUMBER(getsockname(server, (void *)&here, &size), 0);
	CHECK_NUMBER(connect(client, (void *)&here, sizeof(here)), 0);
	accepted = accept(server, NULL, NULL);
	CHECK(accepted >= 0);
	CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	look = looks_begin(looks, &event);
	CHECK_NUMBER(seen(look, client)->type, FD_IPV4);
	CHECK_NUMBER(seen(look, client)->remote_port, ntohs(here.sin_port));
	CHECK(!seen(look, client)->is_server && seen(look, client)->is_connected);
	CHECK(seen(look, accepted)->is_server);
	CHECK(text_equal(seen(look, client)->name, seen(look, accepted)->name));
	name = string_printf("127.0.0.1:%u", ntohs(here.sin_port));
	CHECK(text_is(seen(look, server)->name, name));
	CHECK(text_ends_with(seen(look, client)->name, text_of(name)));
	CHECK_NUMBER(seen(look, pair[0])->type, FD_UNIX);
	free(name);
	close(pair[0]);
	close(pair[1]);
	close(accepted);
	close(client);
	close(server);
	looks_free(looks);
}

TEST(what_is_polled_is_in_the_callers_memory)
{
	struct looks *looks = looks_new(NULL);
	struct process us;
	struct event event = event_of_us(&us);
	struct look *look;
	int ends[2];
	struct pollfd polled[3] = { { .fd = 900 } };

	CHECK_NUMBER(pipe(ends), 0);
	polled[1].fd = ends[1];
	polled[2].fd = ends[0];
	look = looks_begin(looks, &event);
	CHECK(look_descriptors(look, LOOK_POLLED) == NULL);
	look = looks_begin(looks, &event);
	look_set_polled(look, (uint64_t)(uintptr_t)polled, 3);
	CHECK_NUMBER(look_descriptors(look, LOOK_POLLED)->count, 3);
	CHECK_NUMBER(look_descriptors(look, LOOK_POLLED)->items[0].number, 900);
	CHECK_NUMBER(look_descriptors(look, LOOK_POLLED)->items[0].type, FD_NONE);
	CHECK_NUMBER(look_descriptors(look, LOOK_POLLED)->items[1].number, ends[1]);
	CHECK_NUMBER(look_descriptors(look, LOOK_POLLED)->items[2].type, FD_PIPE);
	look = looks_begin(looks, &event);
	look_set_polled(look, 4096, 3);
	CHECK(look_descriptors(look, LOOK_POLLED) == NULL);
	close(ends[0]);
	close(ends[1]);
	looks_free(looks);
}

static void *wait_for_end(void *argument)
{
	char byte;

	CHECK_NUMBER(read(*(int *)argument, &byte, 1), 0);
	return NULL;
}

TEST(threads_memory_and_groups_of_a_process_are_there)
{
	struct looks *looks = looks_new(NULL);
	struct process us;
	struct event event = event_of_us(&us);
	struct look *look = looks_begin(looks, &event);
	pthread_t thread;
	int ends[2];

	CHECK_NUMBER(pipe(ends), 0);
	CHECK_NUMBER(pthread_create(&thread, NULL, wait_for_end, &ends[0]), 0);
	CHECK_NUMBER(look_usage(look)->threads, 2);
	CHECK(look_usage(look)->vm_rss_kb > 100);
	CHECK(look_usage(look)->vm_size_kb >= look_usage(look)->vm_rss_kb);
	CHECK(look_usage(look)->run_ns > 0 && look_usage(look)->minor_faults > 0);
	CHECK(look_usage(look)->fd_limit > 2);
	CHECK(text_contains(*look_cgroups(look), TEXT(":/")));
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);
	looks_free(looks);
}

TEST(who_is_gone_or_another_has_nothing)
{
	struct looks *looks = looks_new(NULL);
	struct process us;
	struct event event = event_of_us(&us);

	us.start_ns = 1; /* of a process that started with the machine */
	CHECK(look_usage(looks_begin(looks, &event)) == NULL);
	us = (struct process){ .pid = 999999999 };
	CHECK(look_descriptors(looks_begin(looks, &event), LOOK_STANDARD) == NULL);
	event.process = NULL;
	CHECK(look_cgroups(looks_begin(looks, &event)) == NULL);
	CHECK(look_cgroups(NULL) == NULL);
	looks_free(looks);
}

static void count_part(void *context, const struct look *look, enum look_part part)
{
	++*(int *)context;
}

TEST(a_part_is_looked_at_once_and_a_held_look_stays)
{
	struct looks *looks = looks_new(NULL);
	struct process us;
	struct event event = event_of_us(&us);
	struct look *look = looks_begin(looks, &event);
	int told = 0;

	looks_set_witness(looks, count_part, &told);
	(void)look_usage(look);
	(void)look_usage(look);
	CHECK_NUMBER(told, 1);
	look_complete(look);
	CHECK_NUMBER(told, LOOK_PARTS - 1); /* it is no poll */
	look_hold(look);
	CHECK(looks_begin(looks, &event) != look);
	looks_free(looks);
	CHECK(look_usage(look) && look_cgroups(look));
	CHECK_NUMBER(told, LOOK_PARTS - 1);
	look_release(look);
}
