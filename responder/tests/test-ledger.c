/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what is added once, taken in turn, and found again.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "responder/ledger.h"
#include "tests/test.h"

static struct ledger *ledger_new(char *folder)
{
	struct ledger *ledger = NULL;
	struct error err = { 0 };

	memcpy(folder, "/tmp/tercel-ledger-XXXXXX", 26);
	CHECK(mkdtemp(folder) != NULL);
	CHECK_NUMBER(ledger_open(folder, &ledger, &err), 0);
	CHECK_TEXT(err.message, "");
	return ledger;
}

static void ledger_end(struct ledger *ledger, const char *folder)
{
	static const char *const files[] = { "responses.db", "responses.db-wal",
		"responses.db-shm" };

	ledger_close(ledger);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		_cleanup_(freep) char *path = string_printf("%s/%s", folder, files[i]);

		unlink(path);
	}
	rmdir(folder);
}

static int add(struct ledger *ledger, const char *uuid, const char *target, const char *workload,
	int64_t at_ms)
{
	struct response response = { .rule = string_copy("r"),
		.alert_uuid = string_copy(uuid),
		.alert = string_copy("{}"),
		.target = string_copy(target),
		.workload = string_copy(workload),
		.window_ms = 1000,
		.state = RESPONSE_PENDING,
		.created_ms = at_ms,
		.next_ms = at_ms };
	int r = ledger_add(ledger, &response, 3, NULL);

	response_done(&response);
	return r;
}

TEST(one_response_a_target_and_window_and_one_an_alert)
{
	char folder[32];
	struct ledger *ledger = ledger_new(folder);

	CHECK_NUMBER(add(ledger, "a", "pod/1", "w", 10000), 0);
	CHECK_NUMBER(add(ledger, "b", "pod/1", "w", 10500), -EEXIST);
	CHECK_NUMBER(add(ledger, "b", "pod/2", "w", 10500), 0);
	CHECK_NUMBER(add(ledger, "a", "pod/3", "w", 90000), -EEXIST);
	CHECK_NUMBER(add(ledger, "c", "pod/1", "w", 11001), 0);
	CHECK_NUMBER(add(ledger, "d", "pod/4", "w", 11001), -ENOSPC);
	ledger_end(ledger, folder);
}

TEST(a_busy_workload_lets_others_pass)
{
	static const char *const busy[] = { "slow" };
	char folder[32];
	struct ledger *ledger = ledger_new(folder);
	struct response response = { 0 };
	int64_t next_ms = 0;

	CHECK_NUMBER(add(ledger, "a", "pod/1", "slow", 100), 0);
	CHECK_NUMBER(add(ledger, "b", "pod/2", "quick", 200), 0);
	CHECK_NUMBER(ledger_take(ledger, 50, NULL, 0, &response, &next_ms, NULL), 0);
	CHECK_NUMBER(next_ms, 100);
	CHECK_NUMBER(ledger_take(ledger, 300, busy, 1, &response, &next_ms, NULL), 1);
	CHECK_TEXT(response.workload, "quick");
	CHECK_NUMBER(response.state, RESPONSE_RUNNING);
	response_done(&response);
	CHECK_NUMBER(ledger_take(ledger, 300, busy, 1, &response, &next_ms, NULL), 0);
	ledger_end(ledger, folder);
}

TEST(a_choice_is_made_once)
{
	const struct decision reject = { .from = 1 << RESPONSE_PENDING, .to = RESPONSE_REJECTED };
	const struct decided decided = { "somebody", 5, 6 };
	char folder[32];
	struct ledger *ledger = ledger_new(folder);
	struct error err = { 0 };

	CHECK_NUMBER(add(ledger, "a", "pod/1", "w", 100), 0);
	CHECK_NUMBER(ledger_decide(ledger, 100000, &reject, &decided, &err), 0);
	CHECK_NUMBER(ledger_decide(ledger, 100000, &reject, &decided, &err), -EBUSY);
	CHECK_TEXT(err.message, "response 100000 is rejected");
	CHECK_NUMBER(ledger_decide(ledger, 2, &reject, &decided, &err), -ENOENT);
	ledger_end(ledger, folder);
}
