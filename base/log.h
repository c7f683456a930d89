/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a program: logfmt lines on stderr, JSON by a setting; in syslog the message alone.
 * Only programs log; libraries return errors. Never hand it a secret. Control characters come out
 * escaped.
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* To be called once, early in main(). `program` is kept by reference. */
void log_open(const char *program, enum log_level level, bool as_json);
/* Where lines go: the standard error output (as at the start), syslog (facility user), or both. */
void log_to_stderr(bool is_wanted);
void log_to_syslog(bool is_wanted);
void log_set_level(enum log_level level);
/* Whether lines of the level come out: for what is costly to find out. */
bool log_writes(enum log_level level);
/* "error", "warning", "info", "debug" and Falco's other level names; -EINVAL for anything else. */
int log_level_parse(const char *name, enum log_level *ret_level);

/* One line; thread safe. The message is a sentence without a final dot. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
