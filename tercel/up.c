/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel up: sensor, forwarder and dashboard on this host, joined by unix sockets, so that each
 * knows the other by the kernel's word and nobody has to make a token. Only the sensor stays
 * root. The folder with the sockets goes away at the end; state stays in --state.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/yaml.h"
#include "sensor/sensor.h"
#include "sensor/settings.h"
#include "tercel/command.h"
#include "tercel/supervisor.h"

#define DEFAULT_STATE	  "/var/lib/tercel"
#define DEFAULT_FORWARDER "127.0.0.1:2801"
#define DEFAULT_DASHBOARD "127.0.0.1:2802"
#define DEFAULT_RESPONDER "127.0.0.1:2803"
#define RESPONDER_FILE	  "/etc/tercel/responder.yaml"
#define FORWARDER_FILE	  "/etc/tercel/forwarder.yaml"

/* Where service accounts without an entry of their own come from: systemd's dynamic users. */
#define FIRST_DYNAMIC_UID 61184
#define LAST_DYNAMIC_UID  65519

struct listen_address {
	char host[64];
	unsigned port;
};

/* A growing argv or environment, ended by NULL; all lines are freed with it. */
struct lines {
	char **items;
	size_t count;
	size_t capacity;
};

struct up {
	const char *sensor_file;
	char *state; /* absolute once the folders are there */
	struct listen_address forwarder, dashboard;
	bool has_login;
	bool is_verbose;
	struct lines rules, playbooks;
	struct listen_address responder;
	char folder[64];
	uid_t user_id;
	gid_t group_id;
	int lock;
};

static void lines_add(struct lines *lines, char *line)
{
	*ARRAY_ADD(lines->items, lines->count, lines->capacity) = line;
	*ARRAY_ADD(lines->items, lines->count, lines->capacity) = NULL;
	lines->count--;
}

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	free(lines->items);
}

static void add_each(struct lines *lines, const char *const *texts)
{
	for (; *texts; texts++)
		lines_add(lines, string_copy(*texts));
}

static int address_parse(const char *text, struct listen_address *ret_address, struct error *err)
{
	const char *colon = strrchr(text, ':');
	uint64_t port = 0;
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (!colon || !length || length >= sizeof(ret_address->host) ||
		text_to_u64(text_of(colon + 1), &port) < 0 || !port || port > 65535)
		return error_set(
			err, -EINVAL, "\"%s\" must be ADDRESS:PORT, such as 127.0.0.1:2802", text);
	memcpy(ret_address->host, text, length);
	ret_address->host[length] = '\0';
	ret_address->port = (unsigned)port;
	return 0;
}

static void print_usage(FILE *to)
{
	fputs("usage: tercel up [OPTION …]\n\n"
	      "Starts sensor, forwarder and dashboard on this host. Alerts appear here and on the\n"
	      "dashboard's page; Ctrl-C stops everything.\n\n"
	      "  -c, --config FILE          settings of the sensor (a falco.yaml works)\n"
	      "  -r, --rules FILE           rules file or folder in place of ours; repeatable\n"
	      "      --state DIR            where alerts are kept (" DEFAULT_STATE ")\n"
	      "      --forwarder ADDR:PORT  where the forwarder listens (" DEFAULT_FORWARDER ")\n"
	      "      --dashboard ADDR:PORT  where the dashboard listens (" DEFAULT_DASHBOARD ")\n"
	      "      --playbook FILE        what is done about which alert; repeatable, starts the responder\n"
	      "      --responder ADDR:PORT  where the responder listens (" DEFAULT_RESPONDER ")\n"
	      "      --no-login             the dashboard asks for no password\n"
	      "  -v, --verbose              the programs' own logs as well\n"
	      "  -h, --help\n",
		to);
}

/* 1: go on, 0: done (help), -EINVAL: said why. */
static int parse_arguments(int argc, char **argv, struct up *up, struct error *err)
{
	enum { STATE = 256, FORWARDER, DASHBOARD, PLAYBOOK, RESPONDER, NO_LOGIN };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "rules", required_argument, NULL, 'r' },
		{ "state", required_argument, NULL, STATE },
		{ "forwarder", required_argument, NULL, FORWARDER },
		{ "dashboard", required_argument, NULL, DASHBOARD },
		{ "playbook", required_argument, NULL, PLAYBOOK },
		{ "responder", required_argument, NULL, RESPONDER },
		{ "no-login", no_argument, NULL, NO_LOGIN },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, r = 0;

	while (r == 0 && (option = getopt_long(argc, argv, "c:r:vh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			up->sensor_file = optarg;
			break;
		case 'r':
			lines_add(&up->rules, string_copy(optarg));
			break;
		case 'v':
			up->is_verbose = true;
			break;
		case STATE:
			free(up->state);
			up->state = string_copy(optarg);
			break;
		case FORWARDER:
			r = address_parse(optarg, &up->forwarder, err);
			break;
		case DASHBOARD:
			r = address_parse(optarg, &up->dashboard, err);
			break;
		case PLAYBOOK:
			lines_add(&up->playbooks, string_copy(optarg));
			break;
		case RESPONDER:
			r = address_parse(optarg, &up->responder, err);
			break;
		case NO_LOGIN:
			up->has_login = false;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default: /* getopt has said it */
			return error_set(err, -EINVAL, "tercel up --help lists the options");
		}
	}
	if (r == 0 && optind < argc)
		r = error_set(err, -EINVAL, "unexpected \"%s\"; tercel up --help lists the options",
			argv[optind]);
	return r < 0 ? r : 1;
}

/*
 * Whom forwarder and dashboard run as: the user "tercel" where there is one; else whom the state
 * belongs to from an earlier run; else the first free one of systemd's dynamic range.
 */
static int choose_user(struct up *up, struct error *err)
{
	struct passwd *named = getpwnam("tercel");
	struct stat found;
	_cleanup_(freep) char *path = string_printf("%s/forwarder", up->state);

	if (named && named->pw_uid) {
		up->user_id = named->pw_uid;
		up->group_id = named->pw_gid;
		return 0;
	}
	if (stat(path, &found) == 0 && found.st_uid) {
		up->user_id = found.st_uid;
		up->group_id = found.st_gid;
		return 0;
	}
	for (uid_t id = FIRST_DYNAMIC_UID; id <= LAST_DYNAMIC_UID; id++) {
		if (getpwuid(id) || getgrgid(id))
			continue;
		up->user_id = up->group_id = id;
		return 0;
	}
	return error_set(err, -EAGAIN,
		"no free user id between %d and %d; add a system user \"tercel\"",
		FIRST_DYNAMIC_UID, LAST_DYNAMIC_UID);
}

/* A folder of the unprivileged user's own, below a folder that is root's. */
static int make_folder(const struct up *up, const char *path, mode_t mode, struct error *err)
{
	int fd;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return error_set(
			err, -errno, "the folder %s cannot be made: %s", path, strerror(errno));
	fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, up->user_id, up->group_id) < 0 || fchmod(fd, mode) < 0) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return error_set(err, r, "the folder %s cannot be given to user %u: %s", path,
			up->user_id, strerror(-r));
	}
	close(fd);
	return 0;
}

static int make_parents(const char *path, struct error *err)
{
	_cleanup_(freep) char *copy = string_copy(path);

	for (char *at = copy + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return error_set(err, -errno, "the folder %s cannot be made: %s", copy,
				strerror(errno));
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_set(
			err, -errno, "the folder %s cannot be made: %s", path, strerror(errno));
	return 0;
}

/* The programs are told of it, whatever folder they are in. */
static int make_state(struct up *up, struct error *err)
{
	int r = make_parents(up->state, err);
	char *absolute = r < 0 ? NULL : realpath(up->state, NULL);

	if (r < 0)
		return r;
	if (!absolute)
		return error_set(err, -errno, "%s: %s", up->state, strerror(errno));
	free(up->state);
	up->state = absolute;
	return 0;
}

static bool may_enter(const struct stat *folder, uid_t user_id, gid_t group_id)
{
	mode_t needed = folder->st_uid == user_id    ? S_IXUSR
			: folder->st_gid == group_id ? S_IXGRP
						     : S_IXOTH;

	return folder->st_mode & needed;
}

/* Forwarder and dashboard must be able to walk to their state; root's home is the usual mistake. */
static int check_reachable(const struct up *up, struct error *err)
{
	_cleanup_(freep) char *path = string_copy(up->state);
	struct stat folder;

	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (stat(path, &folder) < 0 || !may_enter(&folder, up->user_id, up->group_id))
			return error_set(err, -EACCES,
				"the state in %s cannot be reached by user %u, whom forwarder and dashboard run as, because %s is closed to others; choose another with --state",
				up->state, up->user_id, path);
		*at = '/';
	}
	return 0;
}

/* One `tercel up` a state folder: the lock is held until this process ends. */
static int lock_state(struct up *up, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/lock", up->state);

	up->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (up->lock < 0)
		return error_set(err, -errno, "%s cannot be opened: %s", path, strerror(errno));
	if (flock(up->lock, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, -EBUSY,
			"another tercel up is running with the state in %s; choose another with "
			"--state",
			up->state);
	return 0;
}

static int prepare_folders(struct up *up, struct error *err)
{
	static const char *const names[] = { "forwarder", "dashboard", "responder" };
	int r;

	r = make_state(up, err);
	if (r < 0 || (r = lock_state(up, err)) < 0 || (r = choose_user(up, err)) < 0 ||
		(r = check_reachable(up, err)) < 0)
		return r;
	snprintf(up->folder, sizeof(up->folder), "%s/tercel-XXXXXX",
		access("/run", W_OK) == 0 ? "/run" : "/tmp");
	if (!mkdtemp(up->folder) || chmod(up->folder, 0711) < 0)
		return error_set(err, -errno, "the folder %s cannot be made: %s", up->folder,
			strerror(errno));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		_cleanup_(freep) char *state = string_printf("%s/%s", up->state, names[i]);
		_cleanup_(freep) char *sockets = string_printf("%s/%s", up->folder, names[i]);

		if ((r = make_folder(up, state, 0700, err)) < 0 ||
			(r = make_folder(up, sockets, 0711, err)) < 0)
			return r;
	}
	return 0;
}

static void remove_folders(const struct up *up)
{
	static const char *const paths[] = { "forwarder/socket", "forwarder", "dashboard/socket",
		"dashboard/first-login", "dashboard", "responder/socket", "responder" };

	if (!*up->folder)
		return;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		_cleanup_(freep) char *path = string_printf("%s/%s", up->folder, paths[i]);

		if (unlink(path) < 0 && errno == EISDIR)
			rmdir(path);
	}
	rmdir(up->folder);
}

static int start(struct supervisor *supervisor, const char *name, struct lines *arguments,
	struct lines *environment, uid_t user_id, gid_t group_id, struct error *err)
{
	char *path = program_path(name);

	if (!path)
		return error_set(err, -ENOENT,
			"the program tercel-%s is not installed beside this one", name);
	free(arguments->items[0]);
	arguments->items[0] = path;
	return supervisor_start(supervisor,
		&(struct program){ .name = name,
			.arguments = arguments->items,
			.environment = environment->items,
			.user_id = user_id,
			.group_id = group_id },
		err);
}

static void add_rules(struct lines *arguments, const char *path)
{
	lines_add(arguments, string_copy("--rules"));
	lines_add(arguments, string_copy(path));
}

/* Those that the settings' file names. False: none. */
static bool add_rules_of_file(struct lines *arguments, const char *file)
{
	struct error err = { 0 };
	struct yaml *yaml = NULL;
	const struct yaml_node *rules = NULL;
	bool has_rules;

	/* The sensor says what is wrong with it. */
	if (file && yaml_load(file, &yaml, &err) == 0 && yaml_document_count(yaml))
		rules = yaml_get(yaml_document(yaml, 0), "rules_files");
	has_rules = rules && rules->kind == YAML_SEQUENCE && rules->count;
	for (size_t i = 0; has_rules && i < rules->count; i++)
		if (rules->items[i]->kind == YAML_SCALAR) {
			_cleanup_(freep) char *path = text_to_string(rules->items[i]->text);

			add_rules(arguments, path);
		}
	yaml_unload(yaml);
	return has_rules;
}

/* What the sensor reads, so that an event can show the text of its rule. */
static void add_rules_in_use(const struct up *up, struct lines *arguments)
{
	const char *found = access(OWN_FILE, R_OK) == 0 ? OWN_FILE : FALCOS_FILE;

	for (size_t i = 0; i < up->rules.count; i++)
		add_rules(arguments, up->rules.items[i]);
	if (!up->rules.count &&
		!add_rules_of_file(arguments, up->sensor_file ? up->sensor_file : found))
		add_rules(arguments, sensor_shipped_rules());
}

static void dashboard_lines(const struct up *up, struct lines *arguments, struct lines *environment)
{
	add_each(arguments, (const char *const[]){ "", "--listen", NULL });
	lines_add(arguments, string_printf("%s:%u", up->dashboard.host, up->dashboard.port));
	lines_add(arguments, string_copy("--state"));
	lines_add(arguments, string_printf("%s/dashboard", up->state));
	lines_add(arguments, string_copy("--socket"));
	lines_add(arguments, string_printf("%s/dashboard/socket", up->folder));
	lines_add(arguments, string_copy("--first-login-file"));
	lines_add(arguments, string_printf("%s/dashboard/first-login", up->folder));
	lines_add(arguments, string_copy("--forwarder"));
	lines_add(arguments, string_printf("http://%s:%u", up->forwarder.host, up->forwarder.port));
	lines_add(arguments, string_copy("--forwarder-socket"));
	lines_add(arguments, string_printf("%s/forwarder/socket", up->folder));
	if (up->playbooks.count) {
		lines_add(arguments, string_copy("--responder-socket"));
		lines_add(arguments, string_printf("%s/responder/socket", up->folder));
	}
	add_rules_in_use(up, arguments);
	if (!up->has_login)
		lines_add(arguments, string_copy("--no-login"));
	lines_add(environment,
		string_printf("FALCOSIDEKICK_UI_LOGLEVEL=%s", up->is_verbose ? "info" : "warning"));
}

/* Its settings' file and environment say the rest, such as where the cluster is. */
static void responder_lines(const struct up *up, struct lines *arguments, struct lines *environment)
{
	add_each(arguments, (const char *const[]){ "", NULL });
	if (access(RESPONDER_FILE, R_OK) == 0)
		add_each(arguments, (const char *const[]){ "-c", RESPONDER_FILE, NULL });
	for (size_t i = 0; i < up->playbooks.count; i++)
		add_each(arguments, (const char *const[]){ "-r", up->playbooks.items[i], NULL });
	add_each(arguments,
		(const char *const[]){ "--address", up->responder.host, "--port", NULL });
	lines_add(arguments, string_printf("%u", up->responder.port));
	lines_add(arguments, string_copy("--state"));
	lines_add(arguments, string_printf("%s/responder", up->state));
	lines_add(arguments, string_copy("--socket"));
	lines_add(arguments, string_printf("%s/responder/socket", up->folder));
	lines_add(environment, string_printf("FORWARDER_SOCKET=%s/forwarder/socket", up->folder));
	lines_add(environment, string_printf("LOG_LEVEL=%s", up->is_verbose ? "info" : "warning"));
}

static void forwarder_lines(const struct up *up, struct lines *arguments, struct lines *environment)
{
	add_each(arguments, (const char *const[]){ "", NULL });
	if (access(FORWARDER_FILE, R_OK) == 0)
		add_each(arguments, (const char *const[]){ "-c", FORWARDER_FILE, NULL });
	lines_add(arguments, string_copy("--state"));
	lines_add(arguments, string_printf("%s/forwarder", up->state));
	lines_add(environment, string_printf("LISTENADDRESS=%s", up->forwarder.host));
	lines_add(environment, string_printf("LISTENPORT=%u", up->forwarder.port));
	lines_add(environment, string_printf("LISTENSOCKET=%s/forwarder/socket", up->folder));
	lines_add(environment,
		string_printf("WEBUI_URL=http://%s:%u", up->dashboard.host, up->dashboard.port));
	lines_add(environment, string_printf("WEBUI_SOCKET=%s/dashboard/socket", up->folder));
	if (up->playbooks.count)
		lines_add(
			environment, string_printf("TALON_SOCKET=%s/responder/socket", up->folder));
	lines_add(environment, string_printf("LOGLEVEL=%s", up->is_verbose ? "info" : "warning"));
}

static void add_option(struct lines *arguments, char *option)
{
	lines_add(arguments, string_copy("-o"));
	lines_add(arguments, option);
}

static void sensor_lines(const struct up *up, struct lines *arguments, struct lines *environment)
{
	add_each(arguments, (const char *const[]){ "", NULL });
	if (up->sensor_file)
		add_each(arguments, (const char *const[]){ "-c", up->sensor_file, NULL });
	for (size_t i = 0; i < up->rules.count; i++)
		add_each(arguments, (const char *const[]){ "-r", up->rules.items[i], NULL });
	add_option(arguments, string_copy("stdout_output.enabled=true"));
	add_option(arguments, string_copy("http_output.enabled=true"));
	add_option(arguments, string_printf("http_output.url=http://%s:%u/", up->forwarder.host,
				      up->forwarder.port));
	add_option(arguments,
		string_printf("http_output.unix_socket=%s/forwarder/socket", up->folder));
	add_option(arguments, string_copy("http_output.batch=true"));
	add_option(arguments, string_copy("json_output=false"));
	add_option(arguments, string_printf("log_level=%s", up->is_verbose ? "info" : "warning"));
	/* Everything that is started from here is ours, also what starts again. */
	lines_add(environment, string_printf("TERCEL_IGNORE_PIDS=%d", (int)getpid()));
}

/* What the dashboard wrote when it made its first login: "USER PASSWORD". Read once. */
static void print_login(const struct up *up)
{
	_cleanup_(freep) char *path = string_printf("%s/dashboard/first-login", up->folder);
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char user[64], password[128];

	if (!up->has_login)
		printf("  Login      none is asked for (--no-login)\n");
	else if (file && fscanf(file, "%63s %127s", user, password) == 2)
		printf("  Login      %s / %s   (made now, shown this once)\n", user, password);
	else
		printf("  Login      as made at the first start (to make a new one: remove "
		       "%s/dashboard/users)\n",
			up->state);
	unlink(path);
}

static void print_banner(const struct up *up)
{
	printf("\nTercel watches this host. Alerts appear below and on the page.\n"
	       "  Dashboard  http://%s:%u/\n",
		up->dashboard.host, up->dashboard.port);
	print_login(up);
	if (up->playbooks.count)
		printf("  Responder  http://%s:%u/\n", up->responder.host, up->responder.port);
	printf("  Forwarder  http://%s:%u/\n"
	       "  Stop       Ctrl-C\n\n",
		up->forwarder.host, up->forwarder.port);
	fflush(stdout);
}

static int run(struct up *up, struct supervisor *supervisor, struct error *err)
{
	static const struct {
		const char *name;
		void (*lines)(const struct up *, struct lines *, struct lines *);
		bool is_root;
	} programs[] = {
		{ "dashboard", dashboard_lines, false },
		{ "responder", responder_lines, false },
		{ "forwarder", forwarder_lines, false },
		{ "sensor", sensor_lines, true },
	};
	struct lines arguments[COUNT_OF(programs)] = { 0 },
		     environments[COUNT_OF(programs)] = { 0 };
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(programs) && r == 0; i++) {
		if (programs[i].lines == responder_lines && !up->playbooks.count)
			continue;
		programs[i].lines(up, &arguments[i], &environments[i]);
		r = start(supervisor, programs[i].name, &arguments[i], &environments[i],
			programs[i].is_root ? 0 : up->user_id,
			programs[i].is_root ? 0 : up->group_id, err);
	}
	if (r == 0) {
		print_banner(up);
		supervisor_run(supervisor);
	}
	supervisor_stop(supervisor);
	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		lines_done(&arguments[i]);
		lines_done(&environments[i]);
	}
	return r == -EINTR ? 0 : r;
}

int command_up(int argc, char **argv)
{
	struct up up = { .state = string_copy(DEFAULT_STATE), .has_login = true, .lock = -1 };
	struct supervisor *supervisor = NULL;
	struct error err = { 0 };
	int r;

	address_parse(DEFAULT_FORWARDER, &up.forwarder, NULL);
	address_parse(DEFAULT_DASHBOARD, &up.dashboard, NULL);
	address_parse(DEFAULT_RESPONDER, &up.responder, NULL);
	r = parse_arguments(argc, argv, &up, &err);
	if (r > 0) {
		log_open("tercel", up.is_verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, false);
		r = geteuid() ? error_set(&err, -EPERM,
					"root is needed to load eBPF programs; try: sudo tercel up "
					"(tercel doctor tells what else this host lacks)")
			      : prepare_folders(&up, &err);
		if (r == 0)
			r = supervisor_new(up.folder, &supervisor, &err);
		if (r == 0)
			r = run(&up, supervisor, &err);
		supervisor_free(supervisor);
		remove_folders(&up);
	}
	lines_done(&up.rules);
	lines_done(&up.playbooks);
	free(up.state);
	if (r < 0)
		fprintf(stderr, "tercel up: %s\n", err.message);
	return r < 0 ? (r == -EINVAL ? 2 : 1) : 0;
}
