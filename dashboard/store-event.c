/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert made ready for the store: everything that needs its JSON as a tree is taken out here,
 * in the receiver's thread, so that the one that writes only writes.
 */
#include "base/memory.h"
#include "dashboard/store.h"

/* Longer values are counted as "other". */
#define FACET_VALUE_MAX 256
/* Longer rules, sources and hostnames are cut for filters and counts, not in the alert itself. */
#define WORD_MAX 1024
#define TAGS_MAX 4096

static const char *const facet_fields[FACET_END] = {
	[FACET_CONTAINER] = "container.id",
	[FACET_CONTAINER_NAME] = "container.name",
	[FACET_IMAGE] = "container.image.repository",
	[FACET_NAMESPACE] = "k8s.ns.name",
	[FACET_POD] = "k8s.pod.name",
	[FACET_USER] = "user.name",
	[FACET_PROCESS] = "proc.name",
	[FACET_PARENT] = "proc.pname",
	[FACET_FILE] = "fd.name",
};

const char *facet_field(enum facet facet)
{
	return facet_fields[facet];
}

enum facet facet_of_field(const char *field)
{
	for (int facet = 1; facet < FACET_END; facet++)
		if (facet_fields[facet] && !strcmp(facet_fields[facet], field))
			return (enum facet)facet;
	return (enum facet)0;
}

static char *facet_value(const struct alert *alert, enum facet facet)
{
	struct text value = json_get_text(alert->fields, facet_fields[facet]);
	struct buffer clean;

	if (!value.length)
		return NULL;
	if (value.length > FACET_VALUE_MAX)
		return string_copy("");
	buffer_init(&clean, FACET_VALUE_MAX * 3);
	buffer_add_utf8(&clean, value);
	return buffer_take(&clean);
}

/* Without the half of a character at its end. */
static char *take_cut(struct buffer *buffer)
{
	while (buffer->is_cut && buffer->length &&
		(buffer->data[buffer->length - 1] & 0xc0) == 0x80)
		buffer->length--;
	if (buffer->is_cut && buffer->length && buffer->data[buffer->length - 1] & 0x80)
		buffer->length--;
	if (buffer->data)
		buffer->data[buffer->length] = '\0';
	return buffer_take(buffer);
}

static char *make_word(const char *text)
{
	struct buffer word;

	buffer_init(&word, WORD_MAX);
	buffer_add_string(&word, text ? text : "");
	return take_cut(&word);
}

static char *join_tags(const struct alert *alert)
{
	struct buffer tags;

	buffer_init(&tags, TAGS_MAX);
	for (size_t i = 0; i < alert->tag_count; i++) {
		if (i)
			buffer_add_char(&tags, '\n');
		buffer_add_utf8(&tags, text_of(alert->tags[i]));
	}
	return take_cut(&tags);
}

void store_event_init(struct store_event *event, const struct alert *alert)
{
	struct buffer json;

	*event = (struct store_event){ .time_ns = alert->time_ns, .priority = alert->priority };
	memcpy(event->uuid, alert->uuid, sizeof(event->uuid));
	event->words[WORD_RULE] = make_word(alert->rule);
	event->words[WORD_SOURCE] = make_word(alert->source);
	event->words[WORD_HOSTNAME] = make_word(alert->hostname);
	event->tags = join_tags(alert);
	buffer_init(&json, ALERT_MAX * 4);
	alert_write(alert, &json);
	event->json_length = json.length;
	event->json = buffer_take(&json);
	for (int facet = 1; facet < FACET_END; facet++)
		if (facet_fields[facet] && alert->fields)
			event->facets[facet] = facet_value(alert, (enum facet)facet);
}

static void store_event_done(struct store_event *event)
{
	for (size_t i = 0; i < COUNT_OF(event->words); i++)
		free(event->words[i]);
	for (int facet = 1; facet < FACET_END; facet++)
		free(event->facets[facet]);
	free(event->tags);
	free(event->json);
}

struct store_add *store_add_new(size_t count)
{
	struct store_add *add = NEW(struct store_add);

	add->events = NEW_ARRAY(struct store_event, count);
	add->count = count;
	return add;
}

void store_add_free(struct store_add *add)
{
	if (!add)
		return;
	for (size_t i = 0; i < add->count; i++)
		store_event_done(&add->events[i]);
	free(add->events);
	free(add);
}
