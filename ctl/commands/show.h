/* SPDX-License-Identifier: Apache-2.0 */
/* Showing things to people: aligned tables, ages, sparklines. */
#ifndef CTL_COMMANDS_SHOW_H
#define CTL_COMMANDS_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "common/codec/mp.h"
#include "ctl/base/ctl.h"
#include "ctl/peer/served.h"

/* Rows of cells, printed with columns as wide as their widest cell. */
struct show_table {
    size_t columns;
    char **cells;
    size_t count;
    size_t cap;
};

/* The first row is the header. */
void show_table_init(struct show_table *table, size_t columns);
void show_table_free(struct show_table *table);
/* The next cell, from left to right. Control characters are shown as spaces. */
void show_table_add(struct show_table *table, const char *text);
void show_table_add_str(struct show_table *table, struct str text);
void show_table_print(const struct show_table *table, const struct ctl *ctl);

/* "250 ms", "3.2 s", "5 min", "2 h", "3 d". */
#define AGE_TEXT_SIZE 32
char *show_age(int64_t ms, char out[AGE_TEXT_SIZE]);

/* The number as people write it: 42, 3.5. */
void show_number(struct buf *out, const mp_value *value);

/* A line of blocks for the points of a trend, at most `width` of the newest. */
void show_sparkline(struct buf *out, const mp_value *points, size_t width);

/* What a tile says, in a few words. */
void show_summary(struct buf *out, const mp_value *value);

/* All that is in a value's `data`, a line each, indented. */
void show_data(const struct ctl *ctl, const mp_value *data, int indent);

#endif
