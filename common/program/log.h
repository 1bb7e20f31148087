/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging to standard error, one line a message, as text or as JSON.
 *
 *   2026-11-23T05:12:01.220Z info  ingestor: source connected uri=sqlite:events.db
 *   {"time":"…","level":"info","program":"ingestor","message":"…"}
 *
 * The program's name, the level and the format are the only global state of the programs. They are
 * set once, by log_init, before threads start; after that any thread may log. A line is one write,
 * so that lines of several threads or processes do not mix.
 */
#ifndef COMMON_PROGRAM_LOG_H
#define COMMON_PROGRAM_LOG_H

#include <stddef.h>

#include "common/base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Messages above `level` are dropped. `program` is shown in each line; the caller keeps it valid
 * for as long as the process lives. */
void log_init(const char *program, enum log_level level, enum log_format format);

/* Reads "error", "warn", "info" or "debug". STATUS_INVALID, and *out left alone, for another word.
 */
int log_level_parse(const char *text, enum log_level *out);

/* Reads "text" or "json". STATUS_INVALID, and *out left alone, for another word. */
int log_format_parse(const char *text, enum log_format *out);

/* Writes one line; a message longer than 2047 bytes is cut. Line breaks and control characters in
 * it do no harm: they become blanks, or are escaped in JSON. A standard error that is full or
 * closed loses the line, and does not stop the program. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A member of a line that programs read. */
struct log_field {
    const char *name; /* a word, borrowed */
    struct str value; /* borrowed */
};

/* Writes one line about what happened, with the values in quotes: `audit who="ada" verdict="200"`.
 * Quotes and control characters in them are escaped, so that none can look like another member. As
 * JSON, the message is the name, and each field a member. */
void log_fields(enum log_level level, const char *name, const struct log_field *fields,
                size_t count);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
