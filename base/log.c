/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a program. A line is built whole and written by one write(2), so that lines of
 * several threads and of several programs on one terminal do not mix.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#define LINE_MAX_BYTES 4096

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const int syslog_levels[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

static struct {
	const char *program;
	_Atomic int level;
	bool as_json;
	_Atomic bool is_silent, uses_syslog; /* not on stderr; in syslog */
} the_log = { .program = "tercel", .level = LOG_LEVEL_INFO };

void log_open(const char *program, enum log_level level, bool as_json)
{
	the_log.program = program;
	the_log.as_json = as_json;
	log_set_level(level);
}

void log_to_stderr(bool is_wanted)
{
	atomic_store(&the_log.is_silent, !is_wanted);
}

void log_to_syslog(bool is_wanted)
{
	atomic_store(&the_log.uses_syslog, is_wanted);
}

void log_set_level(enum log_level level)
{
	atomic_store(&the_log.level, (int)level);
}

bool log_writes(enum log_level level)
{
	return (int)level <= atomic_load(&the_log.level);
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{ "emergency", LOG_LEVEL_ERROR },
		{ "alert", LOG_LEVEL_ERROR },
		{ "critical", LOG_LEVEL_ERROR },
		{ "fatal", LOG_LEVEL_ERROR },
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "notice", LOG_LEVEL_INFO },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
		{ "trace", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcasecmp(name, names[i].name))
			continue;
		*ret_level = names[i].level;
		return 0;
	}
	return -EINVAL;
}

static void add_escaped(struct buffer *line, const char *message)
{
	for (const unsigned char *at = (const unsigned char *)message; *at; at++) {
		if (*at == '"' || *at == '\\')
			buffer_printf(line, "\\%c", *at);
		else if (*at == '\n')
			buffer_add_string(line, "\\n");
		else if (*at < 0x20 || *at == 0x7f)
			buffer_printf(line, "\\u%04x", *at);
		else
			buffer_add_char(line, (char)*at);
	}
}

void log_write(enum log_level level, const char *format, ...)
{
	char message[2048], when[64];
	struct buffer line;
	struct timespec now;
	struct tm utc;
	va_list arguments;

	if (!log_writes(level))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);

	if (atomic_load(&the_log.uses_syslog))
		syslog(LOG_USER | syslog_levels[level], "%s", message);
	if (atomic_load(&the_log.is_silent))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);

	buffer_init(&line, LINE_MAX_BYTES);
	buffer_printf(&line,
		the_log.as_json
			? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"program\":\"%s\",\"msg\":\""
			: "time=%s.%03ldZ level=%s program=%s msg=\"",
		when, now.tv_nsec / 1000000, level_names[level], the_log.program);
	add_escaped(&line, message);
	buffer_add_string(&line, the_log.as_json ? "\"}\n" : "\"\n");
	(void)!write(STDERR_FILENO, line.data, line.length);
	buffer_done(&line);
}
