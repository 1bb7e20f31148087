/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several rows is the latest: the one with the greatest timestamp, and of those with equal
 * ones that with the greatest id (event_id_compare). So rows may come in any order, and the same
 * one is the latest in the end.
 */
#ifndef INGESTOR_FOLD_RANK_H
#define INGESTOR_FOLD_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "common/store/event.h"

/* The row that was the latest so far. */
struct rank {
    int64_t us;     /* its timestamp */
    int64_t number; /* its id; when that is a text, the text's place (event_id.h), or 0 */
    char *text;     /* its id, NUL-terminated and owned; NULL when that is a number */
};

/* Before all rows. */
#define RANK_NONE ((struct rank){INT64_MIN, INT64_MIN, NULL})

/* True when the event is later than the row of this rank. */
bool rank_is_before(const struct rank *rank, const struct event *event);

/* True when the id of the first row comes before that of the second. */
bool rank_id_is_before(const struct rank *first, const struct rank *second);

/* Makes it the rank of the event. It was RANK_NONE or of a row before. */
void rank_set(struct rank *rank, const struct event *event);

void rank_free(struct rank *rank);

/* Appends two values, the timestamp and the id. */
void rank_save(const struct rank *rank, struct buf *out);

/* Loads what rank_save wrote, as the elements `at` and `at + 1` of an array, into RANK_NONE or
 * zeroed memory. False when they are nothing of the kind; the rank then needs no rank_free. */
bool rank_load(struct rank *rank, const mp_value *array, size_t at);

#endif
