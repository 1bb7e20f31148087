/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging to standard error, one line a message, as text or as JSON.
 *
 *   2026-11-23T05:12:01.220Z info  ingestor: source connected uri=sqlite:events.db
 *   {"time":"…","level":"info","program":"ingestor","message":"…"}
 *
 * The level and the format are the one global state of the programs; set them once before threads
 * start.
 */
#ifndef COMMON_PROGRAM_LOG_H
#define COMMON_PROGRAM_LOG_H

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* program is shown in each line and must stay valid. */
void log_init(const char *program, enum log_level level, enum log_format format);

/* "error", "warn", "info" or "debug". 0, or STATUS_INVALID for another word. */
int log_level_parse(const char *text, enum log_level *out);
int log_format_parse(const char *text, enum log_format *out);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LEVEL_DEBUG, __VA_ARGS__)

#endif
