/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the events table as the oracle sees them: for each row its id, its time, and the
 * fields that any tile asks for. Each different value is kept once, and rows hold its index.
 *
 *   values   [0 absent] [1 "order.created"] [2 "eu"] [3 19.5] …
 *   cells     row 0:  1 2 3      one index into values for each field
 *             row 1:  1 2 0
 *
 * Memory: 52 bytes and 4 for each field a row, and about 150 bytes for each different value.
 */
#ifndef CTL_ORACLE_ROWS_H
#define CTL_ORACLE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/store/event.h"
#include "ctl/oracle/values.h"

struct oracle_rows;

/* config is borrowed, and outlives the rows; its tiles say which fields matter. The caller frees
 * the rows with oracle_rows_destroy. */
struct oracle_rows *oracle_rows_create(const struct config *config);
void oracle_rows_destroy(struct oracle_rows **rows);

/* The same for the rows of one of `sources`, whose ids are NAME-ID. source is borrowed. */
struct oracle_rows *oracle_rows_create_of(const struct config *config,
                                          const struct config_source *source);

/* Adds copies of all rows of another table of the same configuration, in their order, with ids
 * that go on behind those that are there. */
void oracle_rows_join(struct oracle_rows *rows, const struct oracle_rows *more);

/* Forgets all rows but the first `count`; values stay known. count is at most how many there are.
 */
void oracle_rows_cut(struct oracle_rows *rows, size_t count);

/* Forgets all rows; values stay known. */
void oracle_rows_clear(struct oracle_rows *rows);

/* Adds a row, whose id is above those of the rows before. What it points to is copied. Where ids
 * are texts, the row's id here is its place among them, in the order of their bytes. */
void oracle_rows_add(struct oracle_rows *rows, const struct event *event);

/* Sets the id of the row added last as the source has it, where that is a text: by it the row is
 * found in a log of events. */
void oracle_rows_set_text(struct oracle_rows *rows, struct str id);

/* Sets where the row added last stands in a source of several streams, each of which is delivered
 * in its order: which of them, not 0, and how far in it. */
void oracle_rows_set_place(struct oracle_rows *rows, uint64_t stream, int64_t offset);

/* Sets in which partition of a topic the row added last stands. */
void oracle_rows_set_partition(struct oracle_rows *rows, int32_t partition);

/* Puts all rows into another order: what was row order[i] becomes row i, with the id i + 1. */
void oracle_rows_arrange(struct oracle_rows *rows, const size_t *order);

const struct config *oracle_rows_config(const struct oracle_rows *rows);
size_t oracle_rows_count(const struct oracle_rows *rows);
int64_t oracle_rows_last_id(const struct oracle_rows *rows); /* 0 when there is none */

int64_t oracle_row_id(const struct oracle_rows *rows, size_t row);

/* The row's id as the source has it, as text, which may stand in `out`. Only where a tile shows ids
 * (`show`); valid until rows are added. */
struct str oracle_row_name(const struct oracle_rows *rows, size_t row,
                           char out[EVENT_ID_NUMBER_SIZE]);

int64_t oracle_row_key(const struct oracle_rows *rows, size_t row);
uint64_t oracle_row_stream(const struct oracle_rows *rows, size_t row); /* 0: there are none */
int64_t oracle_row_offset(const struct oracle_rows *rows, size_t row);
int32_t oracle_row_partition(const struct oracle_rows *rows, size_t row); /* -1: it is in none */
int64_t oracle_row_us(const struct oracle_rows *rows, size_t row);
unsigned oracle_row_source(const struct oracle_rows *rows, size_t row); /* number in `sources` */

/* Index of the field, which has to be one that a tile of the configuration mentions, or one of
 * those below. */
size_t oracle_field(const struct oracle_rows *rows, const struct tile_field *field);

/* True when the field, which a condition of the configuration asks for `exists` or `absent`, is
 * there and not null; a map and a list are, too. */
bool oracle_row_has(const struct oracle_rows *rows, size_t row, const struct tile_field *field);

/* The fields that all tiles with a metric ask for. */
extern const struct tile_field oracle_field_type;   /* event_type */
extern const struct tile_field oracle_field_metric; /* payload.metric */
extern const struct tile_field oracle_field_value;  /* payload.value */

/* The row's value of a field, as an index into the values. */
uint32_t oracle_cell(const struct oracle_rows *rows, size_t row, size_t field);

/* The value with an index that is below the number of values. Valid until rows are added. */
const struct oracle_value *oracle_value(const struct oracle_rows *rows, uint32_t index);

#endif
