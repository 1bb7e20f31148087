/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of an event: a number above 0, or a text where the ids of the source are texts
 * (`source.cursor`). On the wire it is an integer or a string, and everywhere else, in SSE, in
 * URLs and in WebSockets, the text of either.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_EVENT_ID_H
#define COMMON_WIRE_EVENT_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/mp.h"

#define EVENT_ID_OWN_MAX 280 /* bytes of a source's text: what the longest topic of Kafka needs */
#define EVENT_ID_MAX 320 /* bytes of a text, with the name of one of several sources before it */
#define EVENT_ID_NUMBER_SIZE 24 /* bytes that event_id_format needs */

/* Borrows its text. All zero: no event. */
struct event_id {
    int64_t number;  /* 0 when the id is a text */
    struct str text; /* STR_NULL when the id is a number */
    int64_t place;   /* Of the text NAME-OFFSET of a bus: the place in the stream NAME, from 1 on; 0
                      * when the source says no more than the text. */
};

static inline struct event_id event_id_of_number(int64_t number)
{
    return (struct event_id){number, STR_NULL, 0};
}

static inline struct event_id event_id_of_text(struct str text)
{
    return (struct event_id){0, text, 0};
}

/* The text NAME-OFFSET, at a place that grows with the offset. */
static inline struct event_id event_id_of_place(struct str text, int64_t place)
{
    return (struct event_id){0, text, place};
}

static inline bool event_id_equal(struct event_id a, struct event_id b)
{
    return (a.text.p != NULL) == (b.text.p != NULL) &&
           (a.text.p != NULL ? str_equal(a.text, b.text) : a.number == b.number);
}

/* Below, equal to or above 0 as a stands before, at or behind b: numbers by their size, texts by
 * their bytes, and numbers before texts. Two of a bus are ordered by their streams' names, and
 * within one by their places: as texts, orders-3-10 would stand before orders-3-9. */
int event_id_compare(struct event_id a, struct event_id b);

/* True for a text that an id can be: UTF-8 of 1 to EVENT_ID_MAX bytes, without control characters,
 * and without a blank at either end. Others cannot be told apart in a header of HTTP, or in SSE. */
bool event_id_valid(struct str text);

/* The same of what a source calls an event: EVENT_ID_OWN_MAX bytes at most. */
static inline bool event_id_valid_own(struct str text)
{
    return text.len <= EVENT_ID_OWN_MAX && event_id_valid(text);
}

/* A text that says where an event stands in a stream of several, each of which is delivered in the
 * order of its offsets: STREAM-OFFSET, as in orders-3-1042. Returns a digest of the stream's name,
 * and stores the offset; 0 when the text is none of these. Of two numbers, as in 1700000000000-12
 * of Redis, both say where in one stream without a name. */
uint64_t event_id_stream(struct str text, int64_t *offset);

/* The id as text: its own, or that of its number, which is written into `out`. */
struct str event_id_format(struct event_id id, char out[EVENT_ID_NUMBER_SIZE]);

/* Reads a number that is the whole text: 0 to INT64_MAX in decimal. */
bool event_id_parse_number(struct str text, int64_t *out);

/*
 * ID~ORDER, what a client hands back of an event that came again in another order (`redelivered`):
 * which order it was seen in. Without the order nobody knows what stood behind it.
 */
#define EVENT_ID_ORDER_SIZE (EVENT_ID_MAX + 24) /* bytes that event_id_put_order needs */

/* Writes that text into `out`; the id alone if the order is 0. */
struct str event_id_put_order(struct event_id id, uint64_t order, char out[EVENT_ID_ORDER_SIZE]);

/* Takes such a text apart. False when it is none. */
bool event_id_split_order(struct str text, struct str *id, uint64_t *order);

/* Appends the id as MessagePack; its place is left out. */
void event_id_put(struct buf *out, struct event_id id);

/* Reads what event_id_put wrote. False, when the value is neither an integer nor a valid text. */
bool event_id_read(const mp_value *value, struct event_id *out);

/* The same with the place, for what is saved. */
void event_id_save(struct buf *out, struct event_id id);
bool event_id_load(const mp_value *value, struct event_id *out);

#endif
