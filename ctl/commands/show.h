/* SPDX-License-Identifier: Apache-2.0 */
/* How things are shown to people: aligned tables, ages, sparklines. */
#ifndef CTL_COMMANDS_SHOW_H
#define CTL_COMMANDS_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "common/codec/mp.h"
#include "ctl/base/ctl.h"
#include "ctl/peer/served.h"

/* Rows of cells, printed with columns as wide as their widest cell. */
struct show_table {
    size_t columns; /* at least 1 */
    char **cells;   /* row by row, owned */
    size_t count;   /* of cells */
    size_t cap;     /* of cells */
};

/* The first row that is added is the header. show_table_free frees the table. */
void show_table_init(struct show_table *table, size_t columns);
void show_table_free(struct show_table *table);
/* Adds the next cell, from left to right. The text is copied, with control characters as spaces. */
void show_table_add(struct show_table *table, const char *text);
void show_table_add_str(struct show_table *table, struct str text);
void show_table_print(const struct show_table *table, const struct ctl *ctl);

/* Writes an age such as "250 ms", "3.2 s", "5 min", "2 h" or "3 d" and returns out. */
#define SHOW_AGE_SIZE 32
char *show_age(int64_t ms, char out[SHOW_AGE_SIZE]);

/* Appends the number as people write it, such as 42 or 3.5; "–" for what is none. Whole numbers and
 * those of a million and more are exact; others have six digits. */
void show_number(struct buf *out, const mp_value *value);

/* Appends a block for each point of a trend, for at most `width` of the newest. */
void show_sparkline(struct buf *out, const mp_value *points, size_t width);

/* Appends what a tile's value says, in a few words. The shape of its data tells how, so that a new
 * type of tile that looks like another needs nothing here. */
void show_summary(struct buf *out, const mp_value *value);

/* Appends what a tile's value says of the past, in a few words: "building 42 %", "since
 * 2026-11-20T03:00Z" when older rows were gone before the tile was built, "complete", or "–" when
 * it says nothing. */
void show_past(struct buf *out, const mp_value *value);

/* Sets *percent to how far the tile is built. False when it is not being built. */
bool show_building(const mp_value *value, int *percent);

/* Prints all that is in a value's `data`, a line each, indented by so many spaces. */
void show_data(const struct ctl *ctl, const mp_value *data, int indent);

#endif
