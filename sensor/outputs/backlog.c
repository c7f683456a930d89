/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts that wait for one output. */
#include "base/memory.h"
#include "sensor/outputs/backlog.h"

static size_t alert_bytes(const struct sensor_alert *alert)
{
	return sizeof(struct backlog_item) + sizeof(*alert) + alert->text.length +
	       alert->json.length;
}

void backlog_init(struct backlog *backlog, size_t count_limit, size_t byte_limit)
{
	*backlog = (struct backlog){ .count_limit = count_limit, .byte_limit = byte_limit };
	for (int i = 0; i <= PRIORITY_NONE; i++)
		backlog->end[i] = &backlog->first[i];
}

void backlog_set_limits(struct backlog *backlog, size_t count_limit, size_t byte_limit)
{
	backlog->count_limit = count_limit;
	backlog->byte_limit = byte_limit;
}

static struct sensor_alert *take_first(struct backlog *backlog, int priority)
{
	struct backlog_item *item = backlog->first[priority];
	struct sensor_alert *alert = item->alert;

	backlog->first[priority] = item->next;
	if (!item->next)
		backlog->end[priority] = &backlog->first[priority];
	backlog->count--;
	free(item);
	return alert;
}

static bool is_over(const struct backlog *backlog)
{
	return (backlog->count_limit && backlog->count > backlog->count_limit) ||
	       (backlog->byte_limit && backlog->bytes > backlog->byte_limit);
}

static int lowest_priority(const struct backlog *backlog)
{
	int priority = PRIORITY_NONE;

	while (priority > 0 && !backlog->first[priority])
		priority--;
	return priority;
}

size_t backlog_push(struct backlog *backlog, struct sensor_alert *alert)
{
	struct backlog_item *item = NEW(struct backlog_item);
	size_t dropped = 0;

	*item = (struct backlog_item){ sensor_alert_hold(alert), backlog->pushed++, NULL };
	*backlog->end[alert->priority] = item;
	backlog->end[alert->priority] = &item->next;
	backlog->count++;
	backlog->bytes += alert_bytes(alert);
	for (; backlog->count && is_over(backlog); dropped++) {
		struct sensor_alert *victim = take_first(backlog, lowest_priority(backlog));

		backlog->bytes -= alert_bytes(victim);
		sensor_alert_release(victim);
	}
	backlog->dropped += dropped;
	return dropped;
}

static int oldest_priority(const struct backlog *backlog)
{
	int oldest = -1;

	for (int i = 0; i <= PRIORITY_NONE; i++)
		if (backlog->first[i] &&
			(oldest < 0 || backlog->first[i]->number < backlog->first[oldest]->number))
			oldest = i;
	return oldest;
}

size_t backlog_take(struct backlog *backlog, struct sensor_alert **ret_alerts, size_t limit)
{
	size_t count = 0;

	while (count < limit && backlog->count)
		ret_alerts[count++] = take_first(backlog, oldest_priority(backlog));
	return count;
}

void backlog_settle(struct backlog *backlog, struct sensor_alert **alerts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		backlog->bytes -= alert_bytes(alerts[i]);
		sensor_alert_release(alerts[i]);
	}
}

size_t backlog_clear(struct backlog *backlog)
{
	size_t count = 0;

	for (; backlog->count; count++) {
		struct sensor_alert *alert = take_first(backlog, oldest_priority(backlog));

		backlog->bytes -= alert_bytes(alert);
		sensor_alert_release(alert);
	}
	return count;
}
