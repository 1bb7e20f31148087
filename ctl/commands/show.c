/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/show.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/printable.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "ctl/base/print.h"

#define GAP "  "                                /* between columns */
#define MINUTES (sizeof "2026-11-20T03:00" - 1) /* bytes of a moment that say it to the minute */

/* ---- Tables ---- */

void show_table_init(struct show_table *table, size_t columns)
{
    *table = (struct show_table){.columns = columns};
}

void show_table_free(struct show_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
}

void show_table_add_str(struct show_table *table, struct str text)
{
    if (table->count == table->cap) {
        table->cap = table->cap != 0 ? 2 * table->cap : 64;
        table->cells = x_reallocarray(table->cells, table->cap, sizeof *table->cells);
    }
    struct buf cell = {0};
    printable_append(&cell, text);
    table->cells[table->count++] = x_strdup(buf_cstr(&cell));
    buf_free(&cell);
}

void show_table_add(struct show_table *table, const char *text)
{
    show_table_add_str(table, str_of(text));
}

/* Counts characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static size_t column_width(const struct show_table *table, size_t column)
{
    size_t widest = 0;
    for (size_t i = column; i < table->count; i += table->columns) {
        const size_t width = width_of(table->cells[i]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

void show_table_print(const struct show_table *table, const struct ctl *ctl)
{
    assert(table->columns != 0);
    size_t *widths = x_calloc(table->columns, sizeof *widths);
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = column_width(table, i);
    }
    for (size_t i = 0; i < table->count; i++) {
        const size_t column = i % table->columns;
        const bool last = column + 1 == table->columns;
        const char *cell = table->cells[i];
        const bool bad = strcmp(cell, "stale") == 0 || strcmp(cell, "critical") == 0;
        const char *colour = i < table->columns          ? "\033[1m"
                             : bad                       ? "\033[31m"
                             : strcmp(cell, "warn") == 0 ? "\033[33m"
                                                         : "";
        const bool coloured = ctl->colour && *colour != '\0';
        fprintf(ctl->out, "%s%s%s", coloured ? colour : "", cell, coloured ? "\033[0m" : "");
        if (!last) {
            fprintf(ctl->out, "%*s%s", (int)(widths[column] - width_of(cell)), "", GAP);
        } else {
            fputc('\n', ctl->out);
        }
    }
    free(widths);
}

/* ---- Values ---- */

char *show_age(int64_t ms, char out[SHOW_AGE_SIZE])
{
    const double s = (double)(ms > 0 ? ms : 0) / 1000;
    if (s < 1) {
        snprintf(out, SHOW_AGE_SIZE, "%lld ms", (long long)(ms > 0 ? ms : 0));
    } else if (s < 60) {
        snprintf(out, SHOW_AGE_SIZE, "%.1f s", s);
    } else if (s < 7200) {
        snprintf(out, SHOW_AGE_SIZE, "%.0f min", s / 60);
    } else if (s < 172800) {
        snprintf(out, SHOW_AGE_SIZE, "%.0f h", s / 3600);
    } else {
        snprintf(out, SHOW_AGE_SIZE, "%.0f d", s / 86400);
    }
    return out;
}

void show_number(struct buf *out, const mp_value *value)
{
    char text[JSON_NUMBER_SIZE];
    double number;
    int64_t integer;
    uint64_t large;
    if (mp_as_int(value, &integer) || mp_as_uint(value, &large)) {
        json_write_value(out, value);
    } else if (!mp_as_number(value, &number) || !isfinite(number)) {
        buf_append_text(out, "–");
    } else if (fabs(number) < 1e6 && fabs(number - trunc(number)) > 0) {
        buf_printf(out, "%.6g", number);
    } else {
        buf_append(out, text, json_number_text(number, text));
    }
}

void show_sparkline(struct buf *out, const mp_value *points, size_t width)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const size_t count = mp_is_map(points) ? mp_count(points) : 0;
    const size_t first = count > width ? count - width : 0;
    double min = INFINITY;
    double max = -INFINITY;
    for (size_t i = first; i < count; i++) {
        double number = 0;
        (void)mp_as_number(&points->via.map.ptr[i].val, &number);
        min = fmin(min, number);
        max = fmax(max, number);
    }
    for (size_t i = first; i < count; i++) {
        double number = 0;
        (void)mp_as_number(&points->via.map.ptr[i].val, &number);
        const double share = max > min ? (number - min) / (max - min) : 0.5;
        buf_append_text(out, blocks[(size_t)(share * 7.0)]);
    }
}

static void summarise_trend(struct buf *out, const mp_value *data)
{
    const mp_value *points = mp_get(data, "points");
    const size_t count = mp_is_map(points) ? mp_count(points) : 0;
    if (count == 0) {
        buf_append_text(out, "no points");
        return;
    }
    show_number(out, &points->via.map.ptr[count - 1].val);
    buf_append_char(out, ' ');
    show_sparkline(out, points, 20);
}

static void summarise_sla(struct buf *out, const mp_value *data)
{
    static const char *const names[] = {"ok", "at_risk", "breached"};
    static const char *const words[] = {" ok, ", " at risk, ", " breached"};
    for (size_t i = 0; i < 3; i++) {
        show_number(out, mp_get(data, names[i]));
        buf_append_text(out, words[i]);
    }
    if (mp_get(data, "paused") != NULL) {
        buf_append_text(out, ", ");
        show_number(out, mp_get(data, "paused"));
        buf_append_text(out, " paused");
    }
}

static void summarise_presence(struct buf *out, const mp_value *data)
{
    static const char *const names[] = {"up", "late", "missing"};
    for (size_t i = 0; i < 3; i++) {
        buf_append_text(out, i != 0 ? ", " : "");
        show_number(out, mp_get(data, names[i]));
        buf_printf(out, " %s", names[i]);
    }
}

static void summarise_latest(struct buf *out, const mp_value *data)
{
    const mp_value *rows = mp_get(data, "rows");
    const size_t count = mp_is_map(rows) ? mp_count(rows) : 0;
    buf_printf(out, "%zu row%s", count, count == 1 ? "" : "s");
}

static void summarise_top(struct buf *out, const mp_value *data)
{
    const bool some = mp_get(data, "largest") != NULL;
    show_number(out, mp_get(data, some ? "largest" : "other"));
    buf_append_text(out, " (largest), ");
    show_number(out, mp_get(data, "other"));
    buf_append_text(out, " of others");
}

static void summarise_heatmap(struct buf *out, const mp_value *data)
{
    struct str unit;
    show_number(out, mp_get(data, "largest"));
    if (mp_as_str(mp_get(data, "unit"), &unit)) {
        buf_append_char(out, ' ');
        buf_append_str(out, unit);
    }
    buf_append_text(out, " (largest)");
}

static void summarise_percentile(struct buf *out, const mp_value *data)
{
    struct str unit;
    show_number(out, mp_get(data, "p95"));
    if (mp_as_str(mp_get(data, "unit"), &unit)) {
        buf_append_char(out, ' ');
        buf_append_str(out, unit);
    }
    buf_append_text(out, " (p95)");
}

static void summarise_duration(struct buf *out, const mp_value *data)
{
    show_number(out, mp_get(data, "avg"));
    buf_append_text(out, " s, ");
    show_number(out, mp_get(data, "running"));
    buf_append_text(out, " running");
}

void show_summary(struct buf *out, const mp_value *value)
{
    const mp_value *data = mp_get(value, "data");
    struct str unit;
    if (mp_get(data, "points") != NULL) {
        summarise_trend(out, data);
    } else if (mp_get(data, "breached") != NULL) {
        summarise_sla(out, data);
    } else if (mp_get(data, "total") != NULL) {
        show_number(out, mp_get(data, "total"));
        buf_append_text(out, " open");
    } else if (mp_get(data, "missing") != NULL) {
        summarise_presence(out, data);
    } else if (mp_get(data, "running") != NULL) {
        summarise_duration(out, data);
    } else if (mp_get(data, "p95") != NULL) {
        summarise_percentile(out, data);
    } else if (mp_get(data, "other") != NULL) {
        summarise_top(out, data);
    } else if (mp_get(data, "cells") != NULL) {
        summarise_heatmap(out, data);
    } else if (mp_get(data, "show") != NULL) {
        summarise_latest(out, data);
    } else {
        show_number(out, mp_get(data, "value"));
        if (mp_as_str(mp_get(data, "unit"), &unit)) {
            buf_append_char(out, ' ');
            buf_append_str(out, unit);
        }
        if (mp_as_str(mp_get(data, "per"), &unit)) {
            buf_append_text(out, " per ");
            buf_append_str(out, unit);
        }
    }
}

bool show_building(const mp_value *value, int *percent)
{
    const mp_value *building = mp_get(value, "building");
    double progress = 0;
    (void)mp_as_number(mp_get(building, "progress"), &progress);
    *percent = (int)(100 * fmin(fmax(progress, 0), 1));
    return mp_is_map(building);
}

void show_past(struct buf *out, const mp_value *value)
{
    int percent;
    bool complete;
    struct str time;
    if (show_building(value, &percent)) {
        buf_printf(out, "building %d %%", percent);
    } else if (!mp_as_bool(mp_get(value, "complete"), &complete)) {
        buf_append_text(out, "–");
    } else if (complete) {
        buf_append_text(out, "complete");
    } else if (mp_as_str(mp_get(mp_get(value, "since"), "time"), &time) && time.len > MINUTES) {
        buf_append_text(out, "since ");
        buf_append(out, time.p, MINUTES);
        buf_append_char(out, 'Z');
    } else {
        buf_append_text(out, "incomplete");
    }
}

static void print_scalar(const struct ctl *ctl, const mp_value *value)
{
    struct buf text = {0};
    struct str string;
    if (mp_as_str(value, &string)) {
        print_text(ctl->out, string);
    } else {
        json_write_value(&text, value);
        print_json(ctl->out, buf_str(&text));
    }
    fputc('\n', ctl->out);
    buf_free(&text);
}

static void print_points(const struct ctl *ctl, const mp_value *points)
{
    struct buf line = {0};
    buf_printf(&line, "%zu ", mp_count(points));
    show_sparkline(&line, points, 60);
    fprintf(ctl->out, "%s\n", buf_cstr(&line));
    buf_free(&line);
}

static void print_member(const struct ctl *ctl, struct str name, const mp_value *value, int indent)
{
    const int width = 16 - indent - (int)name.len;
    fprintf(ctl->out, "%*s", indent, "");
    print_text(ctl->out, name);
    fprintf(ctl->out, "%*s ", width > 0 ? width : 0, "");
    if (str_is(name, "points") && mp_is_map(value)) {
        print_points(ctl, value);
    } else if (mp_is_map(value)) {
        fputc('\n', ctl->out);
        show_data(ctl, value, indent + 2);
    } else if (mp_is_array(value)) {
        fputc('\n', ctl->out);
        for (size_t i = 0; i < mp_count(value); i++) {
            fprintf(ctl->out, "%*s", indent + 2, "");
            print_scalar(ctl, mp_at(value, i));
        }
    } else {
        print_scalar(ctl, value);
    }
}

void show_data(const struct ctl *ctl, const mp_value *data, int indent)
{
    for (size_t i = 0; mp_is_map(data) && i < mp_count(data); i++) {
        struct str name;
        if (mp_as_str(&data->via.map.ptr[i].key, &name)) {
            print_member(ctl, name, &data->via.map.ptr[i].val, indent);
        }
    }
}
