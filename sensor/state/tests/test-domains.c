/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "sensor/state/domains.h"
#include "tests/test.h"

static const struct address loopback = { 4, { 127, 0, 0, 1 } };
static const struct address elsewhere = { 4, { 203, 0, 113, 7 } };

TEST(a_name_leads_to_its_addresses_once_it_is_looked_up)
{
	const struct text names[] = { TEXT("no-such-name.invalid"), TEXT("localhost") };
	struct domains *domains = domains_new(names, 2);
	struct text found[2] = {};

	/* The suite's time limit ends a wait in vain. */
	while (!domains_update(domains) || !domains_of(domains, &loopback, found, 2))
		sched_yield();
	CHECK(text_is(found[0], "localhost"));
	CHECK_NUMBER(domains_of(domains, &loopback, found, 2), 1);
	CHECK_NUMBER(domains_of(domains, &elsewhere, found, 2), 0);
	domains_free(domains);
}

TEST(without_names_nothing_is_looked_up)
{
	struct text found[1];

	CHECK(domains_new(NULL, 0) == NULL);
	CHECK_NUMBER(domains_of(NULL, &loopback, found, 1), 0);
	domains_free(NULL);
}

static void count_domain(
	void *context, struct text name, const struct address *addresses, size_t count)
{
	struct text *seen = context;

	CHECK_NUMBER(count, 1);
	CHECK_NUMBER(addresses[0].bytes[0], 127);
	*seen = name;
}

TEST(a_replay_is_told_the_addresses)
{
	struct domains *domains = domains_new_told();
	struct text found[2] = {}, seen = {};

	CHECK_NUMBER(domains_tell(domains, TEXT("api.test"), &loopback, 1), 0);
	CHECK(!domains_update(domains));
	CHECK_NUMBER(domains_of(domains, &loopback, found, 2), 1);
	CHECK(text_is(found[0], "api.test"));
	domains_visit(domains, count_domain, &seen);
	CHECK(text_is(seen, "api.test"));
	domains_forget(domains);
	CHECK_NUMBER(domains_count(domains), 0);
	CHECK_NUMBER(domains_of(domains, &loopback, found, 2), 0);
	domains_free(domains);
}
