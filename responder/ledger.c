/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger in SQLite: WAL and synchronous=NORMAL, so that what was answered survives a crash of
 * the program. One connection under one lock; every statement is made once.
 */
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/memory.h"
#include "responder/ledger.h"

#define POSTS_MAX 20000
#define LIST_MAX  1000

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=NORMAL;"
	"PRAGMA busy_timeout=5000;"
	"CREATE TABLE IF NOT EXISTS responses("
	" id INTEGER PRIMARY KEY, rule TEXT NOT NULL, alert_uuid TEXT NOT NULL,"
	" alert TEXT NOT NULL, target TEXT NOT NULL, workload TEXT NOT NULL,"
	" name_space TEXT, pod TEXT, uid TEXT, node TEXT, hostname TEXT,"
	" state INTEGER NOT NULL, why TEXT, created_ms INTEGER NOT NULL,"
	" next_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, acted_ms INTEGER NOT NULL,"
	" finished_ms INTEGER NOT NULL, undo_ms INTEGER NOT NULL, step INTEGER NOT NULL,"
	" tries INTEGER NOT NULL, steps TEXT, repeats INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX IF NOT EXISTS by_alert ON responses(rule, alert_uuid);"
	"CREATE INDEX IF NOT EXISTS by_target ON responses(rule, target, created_ms);"
	"CREATE INDEX IF NOT EXISTS by_uid ON responses(rule, uid, created_ms);"
	"CREATE INDEX IF NOT EXISTS by_due ON responses(next_ms) WHERE state = 1;"
	"CREATE INDEX IF NOT EXISTS by_undo ON responses(undo_ms) WHERE undo_ms > 0;"
	"CREATE INDEX IF NOT EXISTS by_wait ON responses(deadline_ms) WHERE state = 0;"
	"CREATE INDEX IF NOT EXISTS by_acted ON responses(acted_ms);"
	"CREATE TABLE IF NOT EXISTS posts("
	" id INTEGER PRIMARY KEY, receiver TEXT NOT NULL, body TEXT NOT NULL,"
	" next_ms INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0);";

/* Columns that came later; each is there already where the file is new enough. */
static const char *const later[] = { "ALTER TABLE responses ADD COLUMN decided_by TEXT",
	"ALTER TABLE responses ADD COLUMN version TEXT" };

#define COLUMNS                                                                                 \
	"id, rule, alert_uuid, alert, target, workload, name_space, pod, uid, node, hostname, " \
	"state, why, created_ms, next_ms, deadline_ms, acted_ms, finished_ms, undo_ms, step, "  \
	"tries, steps, decided_by, version"

#define ALL_VALUES                                                                           \
	" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18," \
	" ?19, ?20, ?21, ?22, ?23, ?24)"
/* Waiting, pending, running, undoing, or done or failed and to be undone. */
#define IS_OPEN "state IN (0, 1, 2, 8) OR (undo_ms > 0 AND state IN (3, 4))"

enum statement {
	SAME_ALERT,
	SAME_TARGET,
	OPEN_COUNT,
	ADD,
	SAVE,
	DUE,
	DUE_TIMES,
	GET,
	OTHER,
	ACTED,
	INTERRUPTED,
	OVERDUE,
	LAST_ID,
	LIST,
	FORGET,
	REMOVE,
	SET_VERSION,
	OPEN,
	SHARED,
	MARK_SHARED,
	IMPORT,
	DROP_MARKED,
	CLEAR_MARKED,
	POST,
	POST_COUNT,
	POST_NEXT,
	POST_DONE,
	POST_LATER,
	STATEMENT_COUNT,
};

static const char *const statements[STATEMENT_COUNT] = {
	[SAME_ALERT] = "UPDATE responses SET repeats = repeats + 1"
		       " WHERE rule = ?1 AND alert_uuid = ?2",
	[SAME_TARGET] = "UPDATE responses SET repeats = repeats + 1 WHERE id ="
			" (SELECT id FROM responses WHERE rule = ?1 AND target = ?2"
			" AND created_ms > ?3 ORDER BY created_ms DESC LIMIT 1)",
	[OPEN_COUNT] = "SELECT count(*) FROM responses WHERE state IN (0, 1)",
	[ADD] = "INSERT INTO responses(" COLUMNS ") VALUES" ALL_VALUES,
	[SAVE] = "UPDATE responses SET target = ?5, workload = ?6, uid = ?9, node = ?10,"
		 " state = ?12, why = ?13, next_ms = ?15, deadline_ms = ?16, acted_ms = ?17,"
		 " finished_ms = ?18, undo_ms = ?19, step = ?20, tries = ?21, steps = ?22,"
		 " decided_by = ?23, version = ?24"
		 " WHERE id = ?1",
	[DUE] = "SELECT " COLUMNS " FROM responses WHERE (state = 1 AND next_ms <= ?1)"
		" OR (undo_ms > 0 AND undo_ms <= ?1 AND state IN (3, 4, 8)"
		" AND next_ms <= ?1) ORDER BY id LIMIT 500",
	[DUE_TIMES] = "SELECT min(CASE WHEN state = 1 THEN next_ms"
		      " WHEN undo_ms > 0 THEN max(undo_ms, next_ms) END) FROM responses"
		      " WHERE state = 1 OR (undo_ms > 0 AND state IN (3, 4, 8))",
	[GET] = "SELECT " COLUMNS " FROM responses WHERE id = ?1",
	[OTHER] = "SELECT count(*) FROM responses WHERE rule = ?1 AND uid = ?2"
		  " AND created_ms > ?3 AND id <> ?4 AND state IN (1, 2, 3, 4, 8, 9)"
		  " AND acted_ms > 0",
	[ACTED] = "SELECT count(*) FROM responses WHERE acted_ms > ?1"
		  " AND (?2 IS NULL OR rule = ?2) AND (?3 IS NULL OR workload = ?3)",
	[INTERRUPTED] = "SELECT " COLUMNS " FROM responses WHERE state IN (2, 8)",
	[OVERDUE] = "SELECT " COLUMNS " FROM responses WHERE state = 0 AND deadline_ms <= ?1",
	[LAST_ID] = "SELECT max(id) FROM responses",
	[LIST] = "SELECT " COLUMNS " FROM responses WHERE (?1 < 0 OR state = ?1)"
		 " AND (?2 = 0 OR id < ?2) AND (?4 = '' OR name_space = ?4)"
		 " AND (?5 = '' OR pod = ?5) ORDER BY id DESC LIMIT ?3",
	[FORGET] = "DELETE FROM responses WHERE finished_ms > 0 AND finished_ms < ?1"
		   " AND (undo_ms = 0 OR state = 9)",
	[REMOVE] = "DELETE FROM responses WHERE id = ?1",
	[SET_VERSION] = "UPDATE responses SET version = ?2 WHERE id = ?1",
	[OPEN] = "SELECT " COLUMNS " FROM responses WHERE " IS_OPEN,
	[SHARED] = "SELECT " COLUMNS " FROM responses WHERE version IS NOT NULL AND NOT (" IS_OPEN
		   ") AND finished_ms > 0 AND finished_ms < ?1",
	[MARK_SHARED] = "UPDATE responses SET version = 'gone' WHERE version IS NOT NULL",
	[IMPORT] = "INSERT OR REPLACE INTO responses(" COLUMNS ") VALUES" ALL_VALUES,
	[DROP_MARKED] = "DELETE FROM responses WHERE version = 'gone' AND (" IS_OPEN ")",
	[CLEAR_MARKED] = "UPDATE responses SET version = NULL WHERE version = 'gone'",
	[POST] = "INSERT INTO posts(receiver, body) VALUES (?1, ?2)",
	[POST_COUNT] = "SELECT count(*) FROM posts",
	[POST_NEXT] = "SELECT id, receiver, body, tries FROM posts WHERE next_ms <= ?1"
		      " ORDER BY id LIMIT 1",
	[POST_DONE] = "DELETE FROM posts WHERE id = ?1",
	[POST_LATER] = "UPDATE posts SET next_ms = ?2, tries = tries + 1 WHERE id = ?1",
};

struct ledger {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *prepared[STATEMENT_COUNT];
	int64_t last_id;
};

static int failed(struct ledger *ledger, struct error *err)
{
	return error_set(err, -EIO, "the ledger: %s", sqlite3_errmsg(ledger->db));
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(ledger->prepared[i]);
	sqlite3_close(ledger->db);
	pthread_mutex_destroy(&ledger->lock);
	free(ledger);
}

static int64_t ask_number(sqlite3_stmt *statement, int64_t none)
{
	int64_t number = none;

	if (sqlite3_step(statement) == SQLITE_ROW &&
		sqlite3_column_type(statement, 0) != SQLITE_NULL)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return number;
}

static int prepare_all(struct ledger *ledger, struct error *err)
{
	if (sqlite3_exec(ledger->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return failed(ledger, err);
	for (size_t i = 0; i < COUNT_OF(later); i++)
		(void)sqlite3_exec(ledger->db, later[i], NULL, NULL, NULL);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v2(ledger->db, statements[i], -1, &ledger->prepared[i], NULL) !=
			SQLITE_OK)
			return failed(ledger, err);
	return 0;
}

int ledger_open(const char *folder, struct ledger **ret_ledger, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/responses.db", folder);
	struct ledger *ledger = NEW(struct ledger);
	int r;

	pthread_mutex_init(&ledger->lock, NULL);
	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		r = error_set(err, -errno, "%s cannot be made: %s", folder, strerror(errno));
		ledger_close(ledger);
		return r;
	}
	if (sqlite3_open(path, &ledger->db) != SQLITE_OK)
		r = error_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(ledger->db));
	else
		r = prepare_all(ledger, err);
	if (r < 0) {
		ledger_close(ledger);
		return r;
	}
	ledger->last_id = ask_number(ledger->prepared[LAST_ID], 0);
	*ret_ledger = ledger;
	return 0;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, at);
}

static int finish(struct ledger *ledger, sqlite3_stmt *statement, struct error *err)
{
	int r = sqlite3_step(statement) == SQLITE_DONE ? 0 : failed(ledger, err);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return r;
}

static void bind_response(sqlite3_stmt *statement, const struct response *response)
{
	const char *const texts[] = { response->rule, response->alert_uuid, response->alert,
		response->target, response->workload, response->name_space, response->pod,
		response->uid, response->node, response->hostname };
	const int64_t numbers[] = { response->created_ms, response->next_ms, response->deadline_ms,
		response->acted_ms, response->finished_ms, response->undo_ms, response->step,
		response->tries };
	int at = 2;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		bind_text(statement, at++, texts[i]);
	sqlite3_bind_int(statement, at++, response->state);
	bind_text(statement, at++, response->why);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sqlite3_bind_int64(statement, at++, numbers[i]);
	bind_text(statement, at++, response->steps);
	bind_text(statement, at++, response->decided_by);
	bind_text(statement, at, response->version);
}

static char *column_text(sqlite3_stmt *statement, int at)
{
	return string_copy((const char *)sqlite3_column_text(statement, at));
}

static void read_response(sqlite3_stmt *statement, struct response *ret_response)
{
	struct response r = { .id = sqlite3_column_int64(statement, 0) };
	char **const texts[] = { &r.rule, &r.alert_uuid, &r.alert, &r.target, &r.workload,
		&r.name_space, &r.pod, &r.uid, &r.node, &r.hostname };
	int64_t *const numbers[] = { &r.created_ms, &r.next_ms, &r.deadline_ms, &r.acted_ms,
		&r.finished_ms, &r.undo_ms, &r.step, &r.tries };
	int at = 1;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = column_text(statement, at++);
	r.state = (enum response_state)sqlite3_column_int(statement, at++);
	r.why = column_text(statement, at++);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		*numbers[i] = sqlite3_column_int64(statement, at++);
	r.steps = column_text(statement, at++);
	r.decided_by = column_text(statement, at++);
	r.version = column_text(statement, at);
	*ret_response = r;
}

/* Counted where it is known already. */
static bool is_known(struct ledger *ledger, const struct response *response, struct error *err)
{
	sqlite3_stmt *alert = ledger->prepared[SAME_ALERT];
	sqlite3_stmt *target = ledger->prepared[SAME_TARGET];

	bind_text(alert, 1, response->rule);
	bind_text(alert, 2, response->alert_uuid);
	if (finish(ledger, alert, err) == 0 && sqlite3_changes(ledger->db) > 0)
		return true;
	bind_text(target, 1, response->rule);
	bind_text(target, 2, response->target);
	sqlite3_bind_int64(target, 3, response->created_ms - response->window_ms);
	return finish(ledger, target, err) == 0 && sqlite3_changes(ledger->db) > 0;
}

int ledger_add(
	struct ledger *ledger, struct response *response, int64_t waiting_max, struct error *err)
{
	sqlite3_stmt *add = ledger->prepared[ADD];
	int r;

	pthread_mutex_lock(&ledger->lock);
	if (is_known(ledger, response, err)) {
		r = -EEXIST;
	} else if (ask_number(ledger->prepared[OPEN_COUNT], 0) >= waiting_max) {
		r = error_set(err, -ENOSPC, "%lld responses wait already", (long long)waiting_max);
	} else {
		response->id = MAX_OF(response->created_ms * 1000, ledger->last_id + 1);
		ledger->last_id = response->id;
		bind_response(add, response);
		sqlite3_bind_int64(add, 1, response->id);
		r = finish(ledger, add, err);
	}
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

static int save(struct ledger *ledger, const struct response *response, struct error *err)
{
	sqlite3_stmt *statement = ledger->prepared[SAVE];

	bind_response(statement, response);
	sqlite3_bind_int64(statement, 1, response->id);
	return finish(ledger, statement, err);
}

int ledger_save(struct ledger *ledger, const struct response *response, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	r = save(ledger, response, err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

static bool is_busy(const char *workload, const char *const *busy, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(workload, busy[i]))
			return true;
	return false;
}

static int take(struct ledger *ledger, int64_t now_ms, const char *const *busy, size_t busy_count,
	struct response *ret_response, struct error *err)
{
	sqlite3_stmt *due = ledger->prepared[DUE];
	int found = 0;

	sqlite3_bind_int64(due, 1, now_ms);
	while (!found && sqlite3_step(due) == SQLITE_ROW) {
		if (is_busy((const char *)sqlite3_column_text(due, 5), busy, busy_count))
			continue;
		read_response(due, ret_response);
		found = 1;
	}
	sqlite3_reset(due);
	if (!found)
		return 0;
	ret_response->state =
		ret_response->state == RESPONSE_PENDING ? RESPONSE_RUNNING : RESPONSE_UNDOING;
	if (save(ledger, ret_response, err) == 0)
		return 1;
	response_done(ret_response);
	return err->code;
}

int ledger_take(struct ledger *ledger, int64_t now_ms, const char *const *busy, size_t busy_count,
	struct response *ret_response, int64_t *ret_next_ms, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	r = take(ledger, now_ms, busy, busy_count, ret_response, err);
	if (!r)
		*ret_next_ms = ask_number(ledger->prepared[DUE_TIMES], INT64_MAX);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

static int get(struct ledger *ledger, int64_t id, struct response *ret_response, struct error *err)
{
	sqlite3_stmt *statement = ledger->prepared[GET];
	int r = 0;

	sqlite3_bind_int64(statement, 1, id);
	if (sqlite3_step(statement) == SQLITE_ROW)
		read_response(statement, ret_response);
	else
		r = error_set(err, -ENOENT, "there is no response %lld", (long long)id);
	sqlite3_reset(statement);
	return r;
}

int ledger_get(struct ledger *ledger, int64_t id, struct response *ret_response, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	r = get(ledger, id, ret_response, err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_has_other(struct ledger *ledger, const struct response *response, int64_t since_ms)
{
	sqlite3_stmt *other = ledger->prepared[OTHER];
	int64_t count;

	pthread_mutex_lock(&ledger->lock);
	bind_text(other, 1, response->rule);
	bind_text(other, 2, response->uid);
	sqlite3_bind_int64(other, 3, since_ms);
	sqlite3_bind_int64(other, 4, response->id);
	count = ask_number(other, 0);
	pthread_mutex_unlock(&ledger->lock);
	return count > 0;
}

int64_t ledger_count_acted(
	struct ledger *ledger, const char *rule, const char *workload, int64_t since_ms)
{
	sqlite3_stmt *acted = ledger->prepared[ACTED];
	int64_t count;

	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int64(acted, 1, since_ms);
	bind_text(acted, 2, rule);
	bind_text(acted, 3, workload);
	count = ask_number(acted, 0);
	pthread_mutex_unlock(&ledger->lock);
	return count;
}

static int decide(struct ledger *ledger, struct response *response, const struct decision *decision,
	const struct decided *decided, struct error *err)
{
	if (!decision_fits(decision, response))
		return error_set(err, -EBUSY, "response %lld is %s%s", (long long)response->id,
			response_state_name(response->state),
			decision->to == RESPONSE_UNDOING ? ", and nothing of it is to be undone"
							 : "");
	response->state = decision->to;
	response->next_ms = decided->now_ms;
	response->deadline_ms = decided->deadline_ms;
	response->tries = 0;
	free(response->decided_by);
	response->decided_by = string_copy(decided->by);
	if (decision->to == RESPONSE_REJECTED)
		response->finished_ms = decided->now_ms;
	if (decision->to == RESPONSE_UNDOING)
		response->undo_ms = decided->now_ms;
	return save(ledger, response, err);
}

int ledger_decide(struct ledger *ledger, int64_t id, const struct decision *decision,
	const struct decided *decided, struct error *err)
{
	struct response response = { 0 };
	int r;

	pthread_mutex_lock(&ledger->lock);
	r = get(ledger, id, &response, err);
	if (!r)
		r = decide(ledger, &response, decision, decided, err);
	pthread_mutex_unlock(&ledger->lock);
	response_done(&response);
	return r;
}

/* Rows are read before they are told, so that `see` may call the ledger. */
static int each(struct ledger *ledger, enum statement which, int64_t argument,
	void (*see)(void *context, struct response *response), void *context)
{
	sqlite3_stmt *statement = ledger->prepared[which];
	struct response *rows = NULL;
	size_t count = 0, capacity = 0;

	pthread_mutex_lock(&ledger->lock);
	if (sqlite3_bind_parameter_count(statement))
		sqlite3_bind_int64(statement, 1, argument);
	while (sqlite3_step(statement) == SQLITE_ROW)
		read_response(statement, ARRAY_ADD(rows, count, capacity));
	sqlite3_reset(statement);
	pthread_mutex_unlock(&ledger->lock);
	for (size_t i = 0; i < count; i++) {
		see(context, &rows[i]);
		response_done(&rows[i]);
	}
	free(rows);
	return 0;
}

int ledger_each_interrupted(struct ledger *ledger,
	void (*see)(void *context, struct response *response), void *context, struct error *err)
{
	(void)err;
	return each(ledger, INTERRUPTED, 0, see, context);
}

int ledger_expire(struct ledger *ledger, int64_t now_ms,
	void (*see)(void *context, struct response *response), void *context, struct error *err)
{
	(void)err;
	return each(ledger, OVERDUE, now_ms, see, context);
}

int ledger_each_open(struct ledger *ledger, void (*see)(void *context, struct response *response),
	void *context, struct error *err)
{
	(void)err;
	return each(ledger, OPEN, 0, see, context);
}

int ledger_each_shared(struct ledger *ledger, int64_t before_ms,
	void (*see)(void *context, struct response *response), void *context, struct error *err)
{
	(void)err;
	return each(ledger, SHARED, before_ms, see, context);
}

static int run_statement(struct ledger *ledger, enum statement which, int64_t id, struct error *err)
{
	sqlite3_stmt *statement = ledger->prepared[which];
	int r;

	pthread_mutex_lock(&ledger->lock);
	if (sqlite3_bind_parameter_count(statement))
		sqlite3_bind_int64(statement, 1, id);
	r = finish(ledger, statement, err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_remove(struct ledger *ledger, int64_t id, struct error *err)
{
	return run_statement(ledger, REMOVE, id, err);
}

int ledger_set_version(struct ledger *ledger, const struct response *response, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int64(ledger->prepared[SET_VERSION], 1, response->id);
	bind_text(ledger->prepared[SET_VERSION], 2, response->version);
	r = finish(ledger, ledger->prepared[SET_VERSION], err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_import_begin(struct ledger *ledger, struct error *err)
{
	return run_statement(ledger, MARK_SHARED, 0, err);
}

int ledger_import(struct ledger *ledger, const struct response *response, struct error *err)
{
	sqlite3_stmt *statement = ledger->prepared[IMPORT];
	int r;

	pthread_mutex_lock(&ledger->lock);
	ledger->last_id = MAX_OF(ledger->last_id, response->id);
	bind_response(statement, response);
	sqlite3_bind_int64(statement, 1, response->id);
	r = finish(ledger, statement, err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_import_end(struct ledger *ledger, struct error *err)
{
	int r = run_statement(ledger, DROP_MARKED, 0, err);

	return r < 0 ? r : run_statement(ledger, CLEAR_MARKED, 0, err);
}

static void bind_slice(sqlite3_stmt *statement, int at, struct text text)
{
	sqlite3_bind_text(
		statement, at, text.data ? text.data : "", (int)text.length, SQLITE_STATIC);
}

int ledger_list(struct ledger *ledger, const struct ledger_scope *scope, struct json_writer *json,
	struct error *err)
{
	sqlite3_stmt *list = ledger->prepared[LIST];

	(void)err;
	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int(list, 1, scope->state);
	sqlite3_bind_int64(list, 2, scope->before);
	sqlite3_bind_int64(list, 3, scope->limit < 1 ? 100 : MIN_OF(scope->limit, LIST_MAX));
	bind_slice(list, 4, scope->name_space);
	bind_slice(list, 5, scope->pod);
	json_begin_array(json);
	while (sqlite3_step(list) == SQLITE_ROW) {
		struct response response;

		read_response(list, &response);
		response_write(&response, json);
		response_done(&response);
	}
	json_end(json);
	sqlite3_reset(list);
	pthread_mutex_unlock(&ledger->lock);
	return 0;
}

int ledger_forget(struct ledger *ledger, int64_t before_ms, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int64(ledger->prepared[FORGET], 1, before_ms);
	r = finish(ledger, ledger->prepared[FORGET], err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_post(struct ledger *ledger, const char *to, struct text body, struct error *err)
{
	sqlite3_stmt *post = ledger->prepared[POST];
	int r;

	pthread_mutex_lock(&ledger->lock);
	if (ask_number(ledger->prepared[POST_COUNT], 0) >= POSTS_MAX) {
		r = error_set(err, -ENOSPC, "%d messages wait to be sent; this one is dropped",
			POSTS_MAX);
	} else {
		bind_text(post, 1, to);
		sqlite3_bind_text(post, 2, body.data, (int)body.length, SQLITE_STATIC);
		r = finish(ledger, post, err);
	}
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_next_post(struct ledger *ledger, int64_t now_ms, int64_t *ret_id, char **ret_to,
	char **ret_body, int64_t *ret_tries, struct error *err)
{
	sqlite3_stmt *next = ledger->prepared[POST_NEXT];
	int found = 0;

	(void)err;
	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int64(next, 1, now_ms);
	if (sqlite3_step(next) == SQLITE_ROW) {
		*ret_id = sqlite3_column_int64(next, 0);
		*ret_to = column_text(next, 1);
		*ret_body = column_text(next, 2);
		*ret_tries = sqlite3_column_int64(next, 3);
		found = 1;
	}
	sqlite3_reset(next);
	pthread_mutex_unlock(&ledger->lock);
	return found;
}

int ledger_posted(struct ledger *ledger, int64_t id, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int64(ledger->prepared[POST_DONE], 1, id);
	r = finish(ledger, ledger->prepared[POST_DONE], err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}

int ledger_post_later(struct ledger *ledger, int64_t id, int64_t next_ms, struct error *err)
{
	int r;

	pthread_mutex_lock(&ledger->lock);
	sqlite3_bind_int64(ledger->prepared[POST_LATER], 1, id);
	sqlite3_bind_int64(ledger->prepared[POST_LATER], 2, next_ms);
	r = finish(ledger, ledger->prepared[POST_LATER], err);
	pthread_mutex_unlock(&ledger->lock);
	return r;
}
