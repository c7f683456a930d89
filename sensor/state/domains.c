/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain names and their addresses. The thread shares the table with its owner by a count of
 * references: a lookup may hang longer than anyone wants to wait for it. What it finds the owner
 * takes over when it suits.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/state/domains.h"

#define REFRESH_SECONDS 60

struct addresses {
	struct address items[DOMAIN_ADDRESSES_MAX];
	size_t count;
};

struct domain {
	char *name;
	struct addresses found; /* by the thread, under the lock */
	struct addresses known; /* the owner's */
};

struct domains {
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	unsigned references; /* the owner's and the thread's */
	bool is_stopping;
	bool is_news; /* something was found since domains_update() */
	struct domain *items;
	size_t count;
};

static void release(struct domains *domains)
{
	bool is_last;

	pthread_mutex_lock(&domains->lock);
	is_last = !--domains->references;
	pthread_mutex_unlock(&domains->lock);
	if (!is_last)
		return;
	for (size_t i = 0; i < domains->count; i++)
		free(domains->items[i].name);
	free(domains->items);
	pthread_cond_destroy(&domains->stopped);
	pthread_mutex_destroy(&domains->lock);
	free(domains);
}

static struct address address_of(const struct addrinfo *found)
{
	struct address address = {};

	if (found->ai_family == AF_INET) {
		const struct sockaddr_in *socket = (const void *)found->ai_addr;

		address.family = 4;
		memcpy(address.bytes, &socket->sin_addr, 4);
	} else if (found->ai_family == AF_INET6) {
		const struct sockaddr_in6 *socket = (const void *)found->ai_addr;

		address.family = 6;
		memcpy(address.bytes, &socket->sin6_addr, 16);
	}
	return address;
}

/* While a name does not resolve, what it last resolved to stays. */
static void look_up(struct domains *domains, struct domain *domain)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct addresses made = {};

	if (getaddrinfo(domain->name, NULL, &hints, &found))
		return;
	for (const struct addrinfo *one = found; one && made.count < DOMAIN_ADDRESSES_MAX;
		one = one->ai_next)
		made.items[made.count++] = address_of(one);
	freeaddrinfo(found);
	pthread_mutex_lock(&domains->lock);
	domains->is_news |= domain->found.count != made.count ||
			    memcmp(domain->found.items, made.items, sizeof(made.items)) != 0;
	domain->found = made;
	pthread_mutex_unlock(&domains->lock);
}

/* Until the next turn; false when there is none. */
static bool wait_for_turn(struct domains *domains)
{
	struct timespec until = clock_after(CLOCK_REALTIME, REFRESH_SECONDS * 1000);
	bool goes_on;

	pthread_mutex_lock(&domains->lock);
	while (!domains->is_stopping &&
		pthread_cond_timedwait(&domains->stopped, &domains->lock, &until) != ETIMEDOUT)
		;
	goes_on = !domains->is_stopping;
	pthread_mutex_unlock(&domains->lock);
	return goes_on;
}

static bool is_stopping(struct domains *domains)
{
	bool is_stopping;

	pthread_mutex_lock(&domains->lock);
	is_stopping = domains->is_stopping;
	pthread_mutex_unlock(&domains->lock);
	return is_stopping;
}

static void *run(void *argument)
{
	struct domains *domains = argument;

	do {
		for (size_t i = 0; i < domains->count && !is_stopping(domains); i++)
			look_up(domains, &domains->items[i]);
	} while (wait_for_turn(domains));
	release(domains);
	return NULL;
}

static struct domains *new (size_t capacity)
{
	struct domains *domains = NEW(struct domains);

	pthread_mutex_init(&domains->lock, NULL);
	pthread_cond_init(&domains->stopped, NULL);
	domains->items = NEW_ARRAY(struct domain, capacity);
	domains->references = 1;
	return domains;
}

struct domains *domains_new(const struct text *names, size_t count)
{
	struct domains *domains;
	pthread_t thread;

	if (!count)
		return NULL;
	count = MIN_OF(count, DOMAINS_MAX);
	domains = new (count);
	for (; domains->count < count; domains->count++)
		domains->items[domains->count].name = text_to_string(names[domains->count]);
	domains->references = 2;
	if (pthread_create(&thread, NULL, run, domains))
		domains->references = 1;
	else
		pthread_detach(thread);
	return domains;
}

struct domains *domains_new_told(void)
{
	return new (DOMAINS_MAX);
}

void domains_free(struct domains *domains)
{
	if (!domains)
		return;
	pthread_mutex_lock(&domains->lock);
	domains->is_stopping = true;
	pthread_cond_signal(&domains->stopped);
	pthread_mutex_unlock(&domains->lock);
	release(domains);
}

bool domains_update(struct domains *domains)
{
	bool is_news;

	if (!domains)
		return false;
	pthread_mutex_lock(&domains->lock);
	is_news = domains->is_news;
	domains->is_news = false;
	for (size_t i = 0; is_news && i < domains->count; i++)
		domains->items[i].known = domains->items[i].found;
	pthread_mutex_unlock(&domains->lock);
	return is_news;
}

static bool leads_to(const struct addresses *known, const struct address *address)
{
	size_t length = address->family == 4 ? 4 : 16;

	for (size_t i = 0; i < known->count; i++)
		if (known->items[i].family == address->family &&
			!memcmp(known->items[i].bytes, address->bytes, length))
			return true;
	return false;
}

size_t domains_of(struct domains *domains, const struct address *address, struct text *ret_names,
	size_t limit)
{
	size_t found = 0;

	if (!domains || !address->family)
		return 0;
	for (size_t i = 0; i < domains->count && found < limit; i++)
		if (leads_to(&domains->items[i].known, address))
			ret_names[found++] = text_of(domains->items[i].name);
	return found;
}

size_t domains_count(const struct domains *domains)
{
	return domains ? domains->count : 0;
}

void domains_visit(const struct domains *domains, domains_visitor *visit, void *context)
{
	for (size_t i = 0; i < domains_count(domains); i++)
		visit(context, text_of(domains->items[i].name), domains->items[i].known.items,
			domains->items[i].known.count);
}

int domains_tell(
	struct domains *domains, struct text name, const struct address *addresses, size_t count)
{
	struct domain *domain;

	if (domains->count == DOMAINS_MAX || count > DOMAIN_ADDRESSES_MAX)
		return -ENOSPC;
	domain = &domains->items[domains->count++];
	*domain = (struct domain){ .name = text_to_string(name) };
	memcpy(domain->known.items, addresses, count * sizeof(*addresses));
	domain->known.count = count;
	return 0;
}

void domains_forget(struct domains *domains)
{
	for (size_t i = 0; i < domains->count; i++)
		free(domains->items[i].name);
	domains->count = 0;
}
