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

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
