/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/order.h"

#include <stdlib.h>

#include "common/base/fnv.h"
#include "common/base/table.h"
#include "common/base/xalloc.h"
#include "common/replica/answer.h"

uint64_t order_number(struct str position)
{
    char text[32] = "";
    for (size_t i = 0; i < position.len && i < sizeof text - 1; i++) {
        text[i] = position.p[i];
    }
    return strtoull(text, NULL, 10);
}

/* An event whose place is known. */
struct place {
    int64_t id;
    uint64_t ordinal;
    uint64_t row; /* digest of what the event says of its row */
    bool whole;   /* False: some of that was cut. */
    UT_hash_handle by_id;
};

struct order {
    struct place *places; /* uthash by id */
    uint64_t origin;
    uint64_t floor;
    uint64_t last;
    int64_t least_id;    /* of the places; INT64_MAX when there is none */
    int64_t greatest_id; /* of the places; 0 when there is none */
    int64_t newest;      /* rows with ids above that were not delivered up to the floor */
    bool whole;          /* the log was read to its end since it was forgotten last */
    bool begun;          /* True when something was read since it was forgotten last. */
    unsigned generation;
};

struct order *order_create(void)
{
    struct order *order = x_calloc(1, sizeof *order);
    order->least_id = INT64_MAX;
    return order;
}

static void forget(struct order *order)
{
    struct place *place;
    struct place *next;
    HASH_ITER(by_id, order->places, place, next)
    {
        HASH_DELETE(by_id, order->places, place);
        free(place);
    }
    order->begun = false;
    order->last = 0;
    order->least_id = INT64_MAX;
    order->greatest_id = 0;
    order->whole = false;
    order->generation++;
}

void order_destroy(struct order **order)
{
    if (*order != NULL) {
        forget(*order);
        free(*order);
        *order = NULL;
    }
}

/* Digest of a row by what events tell of it. */
static uint64_t digest(struct str timestamp, struct str event_type)
{
    return fnv1a(fnv1a(FNV_BEGIN, timestamp), event_type);
}

static void add(struct order *order, const struct answer_event *event)
{
    struct place *place;
    struct str timestamp = STR("");
    const int64_t id = event->id.number;
    (void)mp_as_str(mp_get(event->fields.parsed, "timestamp"), &timestamp);
    HASH_FIND(by_id, order->places, &id, sizeof id, place);
    if (place == NULL) {
        place = x_calloc(1, sizeof *place);
        place->id = id;
        HASH_ADD(by_id, order->places, id, sizeof place->id, place);
    }
    place->ordinal = event->ordinal;
    place->whole = mp_get(event->fields.parsed, "truncated") == NULL;
    place->row = digest(timestamp, event->event_type);
    order->last = event->ordinal;
    order->least_id = id < order->least_id ? id : order->least_id;
    order->greatest_id = id > order->greatest_id ? id : order->greatest_id;
}

/* The ordinal up to which nothing is known one by one. It is that of the server's log; but a log
 * that was emptied since, as when a new numbering begins, knows nothing of what was delivered
 * before its first event. */
static uint64_t first_floor(const struct answer_events *page)
{
    struct answer_event first;
    uint64_t before;
    if (answer_read_event(mp_at(page->events, 0), &first)) {
        before = first.ordinal - 1;
    } else {
        const uint64_t position = order_number(page->standing.position);
        before = position > page->standing.ordinal ? position : page->standing.ordinal;
    }
    return before > page->floor ? before : page->floor;
}

/* Takes a page that was asked for with `after` = order->last. False when it does not continue what
 * is here. */
static bool take_page(struct order *order, const struct answer_events *page)
{
    if (order->begun && (page->standing.origin != order->origin || page->floor > order->last)) {
        return false;
    }
    if (!order->begun) {
        order->begun = true;
        order->origin = page->standing.origin;
        order->floor = first_floor(page);
        order->last = order->floor;
    }
    for (size_t i = 0; i < mp_count(page->events); i++) {
        struct answer_event event;
        if (answer_read_event(mp_at(page->events, i), &event) && event.ordinal > order->last) {
            add(order, &event);
        }
    }
    return true;
}

int order_read(struct order *order, struct peer *peer, int64_t newest_id, struct error *err)
{
    struct answer_events page = {.more = true};
    while (page.more) {
        struct query_request request;
        const mp_value *reply;
        query_request_begin(&request, QUERY_OP_EVENTS);
        query_request_uint(&request, QUERY_ARG_AFTER, order->last);
        const int status = peer_ask(peer, &request, &reply, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (!answer_read_events(reply, &page)) {
            return error_set(err, STATUS_INVALID,
                             "the server's events cannot be read; is it of another version?");
        }
        if (!take_page(order, &page)) {
            forget(order);
            page.more = true;
        }
    }
    if (!order->whole) {
        order->whole = true;
        order->newest = order->greatest_id > newest_id ? order->greatest_id : newest_id;
    }
    return STATUS_OK;
}

unsigned order_generation(const struct order *order)
{
    return order->generation;
}

uint64_t order_floor(const struct order *order)
{
    return order->floor;
}

/* The place of the event with that id, or NULL. */
static const struct place *find(const struct order *order, int64_t id)
{
    const struct place *place = NULL;
    if (id >= order->least_id) {
        HASH_FIND(by_id, order->places, &id, sizeof id, place);
    }
    return place;
}

bool order_is_of(const struct order *order, int64_t id, wall_time timestamp, struct str event_type)
{
    char text[WALL_TEXT_SIZE];
    const struct place *place = find(order, id);
    return place == NULL || !place->whole ||
           place->row == digest(str_of(wall_format(timestamp, text)), event_type);
}

uint64_t order_of(const struct order *order, int64_t id)
{
    const struct place *place = find(order, id);
    if (place != NULL) {
        return place->ordinal;
    }
    return id > order->newest ? ORDER_NOT_DELIVERED : 0;
}

size_t order_count(const struct order *order, uint64_t after, uint64_t last)
{
    size_t count = 0;
    for (const struct place *place = order->places; place != NULL; place = place->by_id.next) {
        count += place->ordinal > after && place->ordinal <= last;
    }
    return count;
}
