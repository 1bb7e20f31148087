/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/printable.h"
#include "common/base/time/clock.h"
#include "common/codec/json.h"

static struct {
    const char *program;
    enum log_level level;
    enum log_format format;
} logger = {"tilewire", LOG_LEVEL_INFO, LOG_FORMAT_TEXT};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_init(const char *program, enum log_level level, enum log_format format)
{
    logger.program = program;
    logger.level = level;
    logger.format = format;
}

int log_level_parse(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}

int log_format_parse(const char *text, enum log_format *out)
{
    if (strcmp(text, "text") == 0) {
        *out = LOG_FORMAT_TEXT;
    } else if (strcmp(text, "json") == 0) {
        *out = LOG_FORMAT_JSON;
    } else {
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* One write, so that lines of several processes on one terminal stay whole. A full or closed
 * standard error must not stop the program. */
static void put_line(const struct buf *line)
{
    const ssize_t written = write(STDERR_FILENO, line->data, line->len);
    (void)written;
}

static void begin_line(struct buf *line, enum log_level level)
{
    char time[WALL_TEXT_SIZE];
    wall_format(clock_wall(), time);
    buf_printf(line,
               logger.format == LOG_FORMAT_JSON
                   ? "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"message\":"
                   : "%s %-5s %s: ",
               time, level_names[level], logger.program);
}

static void put_quoted(struct buf *line, struct str text)
{
    struct buf json = {0};
    json_write_string(&json, text);
    printable_append_json(line, buf_str(&json));
    buf_free(&json);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level > logger.level) {
        return;
    }
    char message[2048];
    struct buf line = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    begin_line(&line, level);
    if (logger.format == LOG_FORMAT_JSON) {
        put_quoted(&line, str_of(message));
        buf_append_text(&line, "}\n");
    } else {
        printable_append(&line, str_of(message));
        buf_append_char(&line, '\n');
    }
    put_line(&line);
    buf_free(&line);
}

void log_fields(enum log_level level, const char *name, const struct log_field *fields,
                size_t count)
{
    if (level > logger.level) {
        return;
    }
    const bool json = logger.format == LOG_FORMAT_JSON;
    struct buf line = {0};
    begin_line(&line, level);
    buf_printf(&line, json ? "\"%s\"" : "%s", name);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&line, json ? ",\"%s\":" : " %s=", fields[i].name);
        put_quoted(&line, fields[i].value);
    }
    buf_append_text(&line, json ? "}\n" : "\n");
    put_line(&line);
    buf_free(&line);
}
