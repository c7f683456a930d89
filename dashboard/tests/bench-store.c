/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the store is: alerts stored a second (acknowledged after the commit, the search index
 * kept up), what an alert takes on disk, how long questions take, and the memory of it all. The
 * alerts come over 30 days, by a clock of its own. Beside the rate stands what an alert cost in CPU
 * time, which other programs on the machine change little. With 0 alerts it only asks a FOLDER that
 * was filled before.
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
#define ROUNDS	  20
#define DAYS	  30
#define CHUNK	  2000 /* alerts that are made, outside of the time, before they are stored */
#define REPORTS	  10
#define BUDGET_MS 150 /* as api-v2.c */

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_now(void)
{
	return seconds_of(CLOCK_MONOTONIC);
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

struct cost {
	double seconds, cpu;
};

static struct cost cost_now(void)
{
	return (struct cost){ seconds_now(), seconds_of(CLOCK_PROCESS_CPUTIME_ID) };
}

static void cost_add(struct cost *sum, struct cost begun)
{
	struct cost now = cost_now();

	sum->seconds += now.seconds - begun.seconds;
	sum->cpu += now.cpu - begun.cpu;
}

static void store_all(struct store *store, struct store_add **adds, int count, struct cost *cost)
{
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	struct cost begun = cost_now();

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
	cost_add(cost, begun);
}

static _Atomic int64_t present_ns;

static int64_t bench_now(void)
{
	return present_ns;
}

struct making {
	int64_t first_ns, step_ns;
	int number;
	uint32_t random;
};

static struct store_add **make_adds(struct making *making, int alerts, int *ret_count)
{
	int count = (alerts + BATCH - 1) / BATCH, left = alerts;
	struct store_add **adds = NEW_ARRAY(struct store_add *, count);

	for (int i = 0; i < count; i++) {
		adds[i] = store_add_new(MIN_OF(BATCH, left));
		left -= (int)adds[i]->count;
		for (size_t j = 0; j < adds[i]->count; j++, making->number++) {
			_cleanup_(alert_freep) struct alert *alert = make_alert(making->number,
				making->first_ns + making->number * making->step_ns,
				&making->random);

			store_event_init(&adds[i]->events[j], alert);
		}
	}
	*ret_count = count;
	return adds;
}

/* Made and stored by turns, so that what waits to be stored does not count as the store's memory.
 */
static struct cost fill(struct store *store, struct making *making, int alerts)
{
	struct cost cost = { 0 };

	for (int done = 0; done < alerts; done += CHUNK) {
		int count;
		struct store_add **adds = make_adds(making, MIN_OF(CHUNK, alerts - done), &count);

		present_ns = making->first_ns + making->number * making->step_ns;
		store_all(store, adds, count, &cost);
		free(adds);
	}
	return cost;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Median and 95th percentile of so many rounds. */
static void print_times(const char *what, const char *query, double times[ROUNDS], bool is_exact)
{
	qsort(times, ROUNDS, sizeof(*times), by_size);
	printf("  %-9s %-44s %7.1f ms, p95 %7.1f ms%s\n", what, *query ? query : "(all)",
		times[ROUNDS / 2] * 1e3, times[ROUNDS * 95 / 100] * 1e3,
		is_exact ? "" : ", a part");
}

struct question {
	struct store_reader *reader;
	struct store_scope scope;
	const char *query;
};

static bool ask_list(const struct question *question)
{
	struct store_page page;
	bool is_exact;

	store_list(
		question->reader, &question->scope, &(struct store_cursor){ 0 }, 100, &page, NULL);
	is_exact = page.extent.is_exact;
	store_page_done(&page);
	return is_exact;
}

static bool ask_tallies(const struct question *question, struct tally *tallies, size_t count)
{
	struct store_extent extent;

	store_tally(question->reader, &question->scope, tallies, count, &extent, NULL);
	for (size_t i = 0; i < count; i++)
		tally_done(&tallies[i]);
	return extent.is_exact;
}

static bool ask_histogram(const struct question *question)
{
	struct tally tally = { .by = TALLY_PRIORITY,
		.interval_ns = interval_for(question->scope.to_ns - question->scope.from_ns, 80) };

	return ask_tallies(question, &tally, 1);
}

static bool ask_facets(const struct question *question)
{
	struct tally tallies[] = { tally_of_field("priority"), tally_of_field("rule"),
		tally_of_field("hostname"), tally_of_field("k8s.ns.name"),
		tally_of_field("k8s.pod.name"), tally_of_field("tags") };

	return ask_tallies(question, tallies, COUNT_OF(tallies));
}

static const struct {
	const char *what;
	bool (*ask)(const struct question *question);
} kinds[] = {
	{ "list", ask_list },
	{ "histogram", ask_histogram },
	{ "facets", ask_facets },
};

static void ask_rounds(struct question *question, size_t kind)
{
	double times[ROUNDS];
	bool is_exact = true;

	for (int i = 0; i < ROUNDS; i++) {
		double begun = seconds_now();

		is_exact &= kinds[kind].ask(question);
		times[i] = seconds_now() - begun;
	}
	print_times(kinds[kind].what, question->query, times, is_exact);
}

static void ask_all(struct store *store, int64_t from_ns, int64_t to_ns)
{
	static const char *const queries[] = { "", "rule:\"Write below etc\" OR priority>=error",
		"hostname:node-7", "nosuchword", "\"/srv/data/0abc\"", "k8s.ns.name:ns-3 curl",
		"-proc.name:curl" };
	struct question question = { .reader = store_reader_new(store) };
	size_t column;

	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		_cleanup_(filter_freep) struct filter *filter = NULL;

		filter_parse(text_of(queries[i]), &filter, &column, NULL);
		question.query = queries[i];
		question.scope = (struct store_scope){
			.filter = filter, .from_ns = from_ns, .to_ns = to_ns, .budget_ms = BUDGET_MS
		};
		for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
			ask_rounds(&question, kind);
	}
	store_reader_free(question.reader);
}

static long memory_kb(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name));
	if (file)
		fclose(file);
	return kb;
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

static void report_filling(struct store *store, struct making *making, int alerts)
{
	struct store_status status;
	double took = 0;

	for (int i = 0; i < REPORTS; i++) {
		struct cost part = fill(store, making, alerts / REPORTS);

		took += part.seconds;
		printf("stored: %8d, the last %d at %.0f a second, %.1f us of CPU each; %ld MB of "
		       "memory\n",
			making->number, alerts / REPORTS, alerts / REPORTS / part.seconds,
			part.cpu * 1e6 / (alerts / REPORTS), memory_kb("VmRSS:") / 1024);
		fflush(stdout);
	}
	store_wait_indexed(store);
	store_status(store, &status);
	printf("stored and indexed: %.0f alerts/s in all (%d a request); %.0f bytes an alert\n",
		making->number / took, BATCH, (double)status.bytes / making->number);
}

/* Of what another run stored: its times. */
static void find_filled(struct store *store, struct making *making)
{
	struct store_status status;

	store_wait_indexed(store);
	store_status(store, &status);
	making->first_ns = status.oldest_ns;
	present_ns = status.newest_ns;
	printf("stored before: %lld\n", (long long)status.events);
}

int main(int argc, char **argv)
{
	int alerts = argc > 1 ? atoi(argv[1]) : 200000;
	char made[] = "/tmp/tercel-bench-XXXXXX";
	struct store_options options = { .folder = argc > 2 ? argv[2] : mkdtemp(made),
		.now_ns = bench_now };
	struct making making = { .first_ns = clock_ns(CLOCK_REALTIME) - DAYS * 24 * NS_PER_HOUR,
		.random = 2463534242 };
	struct store *store;
	struct error err;
	int64_t end_ns;

	log_set_level(LOG_LEVEL_WARNING);
	making.step_ns = DAYS * 24 * NS_PER_HOUR / MAX_OF(alerts, 1);
	present_ns = alerts ? making.first_ns : clock_ns(CLOCK_REALTIME);
	if (store_open(&options, &store, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	if (alerts)
		report_filling(store, &making, alerts);
	else
		find_filled(store, &making);
	end_ns = present_ns;
	printf("questions over the last 24 hours, median and p95 of %d:\n", ROUNDS);
	ask_all(store, end_ns - 24 * NS_PER_HOUR, end_ns);
	printf("questions over %d days:\n", DAYS);
	ask_all(store, making.first_ns, end_ns);
	printf("memory: %ld MB, at most %ld MB\n", memory_kb("VmRSS:") / 1024,
		memory_kb("VmHWM:") / 1024);
	store_close(store);
	if (argc <= 2)
		remove_folder(options.folder);
	return 0;
}
