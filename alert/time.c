/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3339 times with nanoseconds, between 1970 and 2262 (where 63 bits of nanoseconds end).
 */
#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "alert/alert.h"
#include "base/clock.h"

#define LAST_SECOND (INT64_MAX / NS_PER_SECOND - 1)

/* Takes exactly `width` digits off the front. */
static int take_digits(struct text *rest, size_t width, int *ret_number)
{
	int number = 0;

	if (rest->length < width)
		return -EINVAL;
	for (size_t i = 0; i < width; i++) {
		if (!isdigit((unsigned char)rest->data[i]))
			return -EINVAL;
		number = number * 10 + (rest->data[i] - '0');
	}
	*rest = text_slice(*rest, width, rest->length);
	*ret_number = number;
	return 0;
}

static int take_char(struct text *rest, const char *any_of)
{
	char c;

	if (!rest->length || !strchr(any_of, rest->data[0]) || !rest->data[0])
		return -EINVAL;
	c = rest->data[0];
	*rest = text_slice(*rest, 1, rest->length);
	return c;
}

static int take_fraction(struct text *rest, int64_t *ret_ns)
{
	int64_t ns = 0, unit = NS_PER_SECOND / 10;
	size_t digits = 0;

	while (digits < rest->length && isdigit((unsigned char)rest->data[digits])) {
		ns += (rest->data[digits++] - '0') * unit;
		unit /= 10;
	}
	*rest = text_slice(*rest, digits, rest->length);
	*ret_ns = ns;
	return digits ? 0 : -EINVAL;
}

/* "Z" or "+hh:mm" (Falco's ISO form "+0000" has no colon). */
static int take_offset(struct text *rest, int *ret_seconds)
{
	int sign = take_char(rest, "Zz+-"), hours, minutes;

	if (sign < 0)
		return -EINVAL;
	*ret_seconds = 0;
	if (sign == 'Z' || sign == 'z')
		return 0;
	if (take_digits(rest, 2, &hours) < 0)
		return -EINVAL;
	if (rest->length && rest->data[0] == ':')
		take_char(rest, ":");
	if (take_digits(rest, 2, &minutes) < 0 || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return 0;
}

int time_parse(struct text text, int64_t *ret_time_ns)
{
	struct tm tm = { 0 }, given;
	int64_t ns = 0;
	time_t seconds;
	int offset;

	if (take_digits(&text, 4, &tm.tm_year) < 0 || take_char(&text, "-") < 0 ||
		take_digits(&text, 2, &tm.tm_mon) < 0 || take_char(&text, "-") < 0 ||
		take_digits(&text, 2, &tm.tm_mday) < 0 || take_char(&text, "Tt ") < 0 ||
		take_digits(&text, 2, &tm.tm_hour) < 0 || take_char(&text, ":") < 0 ||
		take_digits(&text, 2, &tm.tm_min) < 0 || take_char(&text, ":") < 0 ||
		take_digits(&text, 2, &tm.tm_sec) < 0)
		return -EINVAL;
	if (text.length && text.data[0] == '.') {
		take_char(&text, ".");
		if (take_fraction(&text, &ns) < 0)
			return -EINVAL;
	}
	if (take_offset(&text, &offset) < 0 || text.length)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	given = tm;
	seconds = timegm(&tm); /* normalises 31 April to 1 May: refuse what it changed */
	if (tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday ||
		tm.tm_hour != given.tm_hour || tm.tm_min != given.tm_min)
		return -EINVAL;
	seconds -= offset;
	if (seconds < 0 || seconds > LAST_SECOND)
		return -EINVAL;
	*ret_time_ns = seconds * NS_PER_SECOND + ns;
	return 0;
}

void time_write(struct buffer *out, int64_t time_ns)
{
	time_t seconds = time_ns / NS_PER_SECOND;
	char text[64], fraction[16];
	struct tm utc;
	size_t digits = 9;

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	buffer_add_string(out, text);
	snprintf(fraction, sizeof(fraction), "%09d", (int)(time_ns % NS_PER_SECOND));
	while (digits && fraction[digits - 1] == '0')
		digits--;
	if (digits)
		buffer_printf(out, ".%.*s", (int)digits, fraction);
	buffer_add_char(out, 'Z');
}
