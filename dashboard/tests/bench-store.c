/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the store is: alerts stored a second (acknowledged after the commit), what an alert
 * takes on disk, and how long questions take, without and with the search index.
 *
 * usage: bench-store [ALERTS [FOLDER]]
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dashboard/scope.h"
#include "dashboard/store.h"

#define BATCH	  64 /* alerts of one request */
#define IN_FLIGHT 64 /* requests that wait for their commit */
#define ROUNDS	  5

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static const char *const rules[] = { "Terminal shell in container", "Read sensitive file untrusted",
	"Contact K8S API Server From Container", "Write below etc", "Create files below dev",
	"Launch Suspicious Network Tool in Container",
	"Netcat Remote Code Execution in Container" };
static const char *const programs[] = { "bash", "cat", "nginx", "python3", "curl", "sh", "java" };

static void set_field(struct alert *alert, const char *name, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_object_object_add(alert->fields, name, json_object_new_string(text));
}

/* As long and as varied as the alerts of Falco's stable rules: about 1.3 KB. */
static struct alert *make_alert(int number, int64_t time_ns, uint32_t *random)
{
	uint32_t rule = next_random(random) % COUNT_OF(rules);
	const char *program = programs[next_random(random) % COUNT_OF(programs)];
	uint32_t container = next_random(random) % 400, pid = next_random(random) % 30000;
	struct alert *alert = alert_new();

	uuid_make(alert->uuid);
	alert->output = string_printf(
		"10:00:00.%09d: Notice %s | file=/srv/data/%08x/part-%u gparent=containerd-shim "
		"ggparent=systemd evt_type=openat user=root user_uid=0 user_loginuid=-1 process=%s "
		"proc_exepath=/usr/bin/%s parent=bash command=%s --run %u /srv/data/%08x "
		"terminal=0 "
		"container_id=%012x container_name=app-%u k8s_pod_name=app-%u-x7k2p "
		"k8s_ns_name=ns-%u",
		number % 1000000000, rules[rule], next_random(random), pid % 100, program, program,
		program, pid, next_random(random), container * 7919777, container, container,
		container % 12);
	alert->priority = (enum priority)(PRIORITY_CRITICAL + rule % 4);
	alert->rule = string_copy(rules[rule]);
	alert->time_ns = time_ns;
	alert->source = string_copy("syscall");
	alert->hostname = string_printf("node-%u", container % 20);
	alert->fields = json_object_new_object();
	set_field(alert, "container.id", "%012x", container * 7919777);
	set_field(alert, "container.name", "app-%u", container);
	set_field(alert, "container.image.repository", "registry.example/app-%u", container % 30);
	set_field(alert, "k8s.ns.name", "ns-%u", container % 12);
	set_field(alert, "k8s.pod.name", "app-%u-x7k2p", container);
	set_field(alert, "proc.name", "%s", program);
	set_field(alert, "proc.pname", "bash");
	set_field(alert, "proc.cmdline", "%s --run %u /srv/data/%08x", program, pid,
		number * 2654435);
	set_field(alert, "proc.exepath", "/usr/bin/%s", program);
	set_field(alert, "user.name", "root");
	set_field(alert, "fd.name", "/srv/data/%08x/part-%u", number * 2654435, pid % 100);
	json_object_object_add(alert->fields, "evt.time", json_object_new_int64(time_ns));
	alert_add_tag(alert, "container");
	alert_add_tag(alert, "mitre_execution");
	alert_add_tag(alert, rule % 2 ? "T1059" : "T1555");
	return alert;
}

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int in_flight;
};

static void on_done(struct store_add *add, int error)
{
	struct gate *gate = add->context;

	store_add_free(add);
	pthread_mutex_lock(&gate->lock);
	gate->in_flight--;
	pthread_cond_signal(&gate->moved);
	pthread_mutex_unlock(&gate->lock);
	if (error)
		abort();
}

static void wait_below(struct gate *gate, int limit)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->in_flight >= limit)
		pthread_cond_wait(&gate->moved, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static double store_all(struct store *store, struct store_add **adds, int count)
{
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	double begun = seconds_now();

	for (int i = 0; i < count; i++) {
		wait_below(&gate, IN_FLIGHT);
		pthread_mutex_lock(&gate.lock);
		gate.in_flight++;
		pthread_mutex_unlock(&gate.lock);
		adds[i]->done = on_done;
		adds[i]->context = &gate;
		if (store_add(store, adds[i]) < 0)
			abort();
	}
	wait_below(&gate, 1);
	return seconds_now() - begun;
}

static struct store_add **make_adds(int alerts, int *ret_count)
{
	int count = (alerts + BATCH - 1) / BATCH, number = 0;
	struct store_add **adds = NEW_ARRAY(struct store_add *, count);
	int64_t begin_ns = clock_ns(CLOCK_REALTIME) - 12 * NS_PER_HOUR;
	uint32_t random = 2463534242;

	for (int i = 0; i < count; i++) {
		adds[i] = store_add_new(MIN_OF(BATCH, alerts - number));
		for (size_t j = 0; j < adds[i]->count; j++, number++) {
			int64_t time_ns = begin_ns + (int64_t)number * (12 * NS_PER_HOUR / alerts);
			_cleanup_(alert_freep) struct alert *alert =
				make_alert(number, time_ns, &random);

			store_event_init(&adds[i]->events[j], alert);
		}
	}
	*ret_count = count;
	return adds;
}

static void list_once(struct store_reader *reader, const char *query, int64_t budget_ms)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct store_page page;
	double begun, best = 1e9;
	size_t column;

	filter_parse(text_of(query), &filter, &column, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		struct store_scope scope = { filter, clock_ns(CLOCK_REALTIME) - 24 * NS_PER_HOUR,
			clock_ns(CLOCK_REALTIME), budget_ms };

		begun = seconds_now();
		store_list(reader, &scope, &(struct store_cursor){ 0 }, 100, &page, NULL);
		best = MIN_OF(best, seconds_now() - begun);
		if (i < ROUNDS - 1)
			store_page_done(&page);
	}
	printf("  list %-34s %8.2f ms, %llu%s matches, %zu rows\n", *query ? query : "(all)",
		best * 1e3, (unsigned long long)page.total, page.extent.is_exact ? "" : "+",
		page.count);
	store_page_done(&page);
}

static void tally_once(struct store_reader *reader, const char *query, int64_t budget_ms)
{
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct store_extent extent;
	double begun, best = 1e9;
	size_t column;

	filter_parse(text_of(query), &filter, &column, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		struct store_scope scope = { filter, clock_ns(CLOCK_REALTIME) - 24 * NS_PER_HOUR,
			clock_ns(CLOCK_REALTIME), budget_ms };
		struct tally tallies[] = {
			{ .by = TALLY_PRIORITY, .interval_ns = interval_for(24 * NS_PER_HOUR, 80) },
			{ .by = TALLY_RULE },
			{ .by = TALLY_FACET, .facet = FACET_HOSTNAME },
			{ .by = TALLY_FACET, .facet = FACET_CONTAINER },
			{ .by = TALLY_FACET, .facet = FACET_TAG },
		};

		begun = seconds_now();
		store_tally(reader, &scope, tallies, COUNT_OF(tallies), &extent, NULL);
		best = MIN_OF(best, seconds_now() - begun);
		for (size_t j = 0; j < COUNT_OF(tallies); j++)
			tally_done(&tallies[j]);
	}
	printf("  overview %-30s %8.2f ms%s\n", *query ? query : "(all)", best * 1e3,
		extent.is_exact ? "" : ", cut by the budget");
}

static void ask_all(struct store *store, int64_t budget_ms)
{
	static const char *const lists[] = { "", "rule:\"Write below etc\"", "priority>=error",
		"hostname:node-7", "container", "nosuchword", "\"/srv/data/0abc\"",
		"container.id:00000078d8a1", "proc.name:curl k8s.ns.name:ns-3", "-proc.name:curl" };
	static const char *const tallies[] = { "", "priority>=error", "hostname:node-7", "curl" };
	struct store_reader *reader = store_reader_new(store);

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		list_once(reader, lists[i], budget_ms);
	for (size_t i = 0; i < COUNT_OF(tallies); i++)
		tally_once(reader, tallies[i], budget_ms);
	store_reader_free(reader);
}

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		_cleanup_(freep) char *path = string_printf("%s/%s", folder, entry->d_name);

		unlink(path);
	}
	closedir(dir);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	int alerts = argc > 1 ? atoi(argv[1]) : 200000, count;
	char made[] = "/tmp/tercel-bench-XXXXXX";
	struct store_options options = { .folder = argc > 2 ? argv[2] : mkdtemp(made) };
	struct store_add **adds = make_adds(alerts, &count);
	struct store_status status;
	struct error err;
	struct store *store;
	double begun, took;

	log_set_level(LOG_LEVEL_WARNING);
	if (store_open(&options, &store, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	begun = seconds_now();
	took = store_all(store, adds, count);
	printf("stored: %.0f alerts/s (%d in %.2f s, %d a request)\n", alerts / took, alerts, took,
		BATCH);
	store_wait_indexed(store);
	store_status(store, &status);
	printf("indexed: %.0f alerts/s in all; %.0f bytes an alert\n",
		alerts / (seconds_now() - begun), (double)status.bytes / alerts);
	printf("questions, best of %d:\n", ROUNDS);
	ask_all(store, 0);
	store_close(store);
	free(adds);
	if (argc <= 2)
		remove_folder(options.folder);
	return 0;
}
