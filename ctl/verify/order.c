/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/order.h"

#include <stdlib.h>

#include "common/base/fnv.h"
#include "common/base/table.h"
#include "common/base/xalloc.h"
#include "common/replica/answer.h"
#include "common/wire/tally.h"
#include "common/wire/wire.h"
#include "ctl/oracle/named.h"

#define FIRST_EVENTS 10

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
    int64_t key; /* tally_id of its id */
    uint64_t ordinal;
    uint64_t row; /* digest of what the event says of its row */
    bool whole;   /* False: some of that was cut. */
    UT_hash_handle by_key;
};

/* The events of a stream that are here. */
struct stream {
    uint64_t name; /* event_id_stream of their ids */
    int64_t first; /* the least offset */
    int64_t last;  /* the greatest offset */
    int64_t known; /* the greatest when the log was read to its end first; 0: there was none */
    UT_hash_handle by_name;
};

/* The first events of a source, by whose texts nothing is told. */
struct begin {
    int64_t first_us; /* the greatest timestamp of the first events */
    size_t count;     /* how many there are, as far as that matters */
};

struct order {
    const struct config *config; /* NULL: there are no `sources` */
    struct stream *streams;      /* uthash by name */
    struct place *places;        /* uthash by key */
    uint64_t origin;
    uint64_t log; /* the generation of the server's log, which grows when that is emptied */
    uint64_t floor;
    uint64_t last;
    uint64_t position;    /* what the server had delivered or passed over when it was asked last */
    bool texts;           /* Ids are texts, and keys are in no order. */
    int64_t least_key;    /* of the places; INT64_MAX when there is none */
    int64_t greatest_key; /* of the places; 0 when there is none */
    int64_t newest;       /* rows with ids above that were not delivered up to the floor */
    struct begin begins[CONFIG_SOURCES_MAX]; /* by source; without `sources` the first alone */
    struct there there; /* rows that were in the table when it was read first behind the log */
    bool there_known;   /* it was */
    bool whole;         /* the log was read to its end since it was forgotten last */
    bool begun;         /* True when something was read since it was forgotten last. */
    unsigned generation;
};

static void forget_begins(struct order *order)
{
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        order->begins[i] = (struct begin){.first_us = INT64_MIN};
    }
}

struct order *order_create(bool texts, const struct config *config)
{
    struct order *order = x_calloc(1, sizeof *order);
    order->texts = texts;
    order->config = config != NULL && oracle_has_names(config) ? config : NULL;
    order->least_key = INT64_MAX;
    forget_begins(order);
    return order;
}

static void forget(struct order *order)
{
    struct place *place;
    struct place *next;
    HASH_ITER(by_key, order->places, place, next)
    {
        HASH_DELETE(by_key, order->places, place);
        free(place);
    }
    struct stream *stream;
    struct stream *other;
    HASH_ITER(by_name, order->streams, stream, other)
    {
        HASH_DELETE(by_name, order->streams, stream);
        free(stream);
    }
    order->begun = false;
    order->last = 0;
    forget_begins(order);
    there_free(&order->there);
    order->there_known = false;
    order->least_key = INT64_MAX;
    order->greatest_key = 0;
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

/* What came in order before the first events is not younger than the youngest of some of them: one
 * alone may have come late. */
static void note_first(struct begin *begin, const struct answer_event *event)
{
    const int64_t us = wire_event_timestamp(event->fields.parsed).us;
    if (begin->count++ < FIRST_EVENTS && us > begin->first_us) {
        begin->first_us = us;
    }
}

/* The stream that an id is of, as oracle_rows has them; 0: of none. */
static uint64_t stream_of_id(const struct order *order, size_t source, struct str id,
                             int64_t *offset)
{
    if (order->config == NULL) {
        return event_id_stream(id, offset);
    }
    const char *name = order->config->sources[source].name;
    if (event_id_parse_number(id, offset)) {
        return oracle_named_stream(name, 0);
    }
    const uint64_t stream = event_id_stream(id, offset);
    return stream != 0 ? oracle_named_stream(name, stream) : 0;
}

static void note_stream(struct order *order, size_t source, struct str id)
{
    int64_t offset;
    const uint64_t name = id.p != NULL ? stream_of_id(order, source, id, &offset) : 0;
    struct stream *stream;
    if (name == 0) {
        return;
    }
    HASH_FIND(by_name, order->streams, &name, sizeof name, stream);
    if (stream == NULL) {
        stream = x_calloc(1, sizeof *stream);
        stream->name = name;
        stream->first = offset;
        stream->last = offset;
        HASH_ADD(by_name, order->streams, name, sizeof stream->name, stream);
    }
    stream->first = offset < stream->first ? offset : stream->first;
    stream->last = offset > stream->last ? offset : stream->last;
}

static size_t source_of(const struct order *order, struct event_id id, struct str *rest)
{
    return id.text.p != NULL ? oracle_named_source(order->config, id.text, rest) : SIZE_MAX;
}

static void note_known(struct order *order)
{
    for (struct stream *stream = order->streams; stream != NULL; stream = stream->by_name.next) {
        stream->known = stream->last;
    }
}

static void add(struct order *order, const struct answer_event *event)
{
    struct place *place;
    struct str id = event->id.text;
    struct str timestamp = STR("");
    const int64_t key = tally_id(event->id);
    (void)mp_as_str(mp_get(event->fields.parsed, "timestamp"), &timestamp);
    HASH_FIND(by_key, order->places, &key, sizeof key, place);
    if (place == NULL) {
        place = x_calloc(1, sizeof *place);
        place->key = key;
        HASH_ADD(by_key, order->places, key, sizeof place->key, place);
    }
    place->ordinal = event->ordinal;
    place->whole = mp_get(event->fields.parsed, "truncated") == NULL;
    place->row = digest(timestamp, event->event_type);
    order->last = event->ordinal;
    order->least_key = key < order->least_key ? key : order->least_key;
    order->greatest_key = key > order->greatest_key ? key : order->greatest_key;
    const size_t source = order->config == NULL ? 0 : source_of(order, event->id, &id);
    if (source != SIZE_MAX) {
        note_first(&order->begins[source], event);
        note_stream(order, source, id);
    }
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
    if (order->begun && (page->standing.origin != order->origin || page->generation != order->log ||
                         page->floor > order->last)) {
        return false;
    }
    if (!order->begun) {
        order->begun = true;
        order->origin = page->standing.origin;
        order->log = page->generation;
        order->floor = first_floor(page);
        order->last = order->floor;
    }
    for (size_t i = 0; i < mp_count(page->events); i++) {
        struct answer_event event;
        if (answer_read_event(mp_at(page->events, i), &event) && event.ordinal > order->last) {
            add(order, &event);
        }
    }
    order->position = order_number(page->standing.position);
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
        note_known(order);
        order->newest = order->greatest_key > newest_id ? order->greatest_key : newest_id;
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

/* The place of the event with that key, or NULL. */
static const struct place *find(const struct order *order, int64_t key)
{
    const struct place *place = NULL;
    if (key >= order->least_key) {
        HASH_FIND(by_key, order->places, &key, sizeof key, place);
    }
    return place;
}

bool order_is_of(const struct order *order, int64_t key, wall_time timestamp, struct str event_type)
{
    char text[WALL_TEXT_SIZE];
    const struct place *place = find(order, key);
    return place == NULL || !place->whole ||
           place->row == digest(str_of(wall_format(timestamp, text)), event_type);
}

/* NULL: no event of the row's stream is here. */
static const struct stream *stream_of(const struct order *order, const struct order_row *row)
{
    const struct stream *stream;
    HASH_FIND(by_name, order->streams, &row->stream, sizeof row->stream, stream);
    return stream;
}

/* True when an event is here that stands before the row in its stream. */
static bool is_behind(const struct order *order, const struct order_row *row)
{
    const struct stream *stream = stream_of(order, row);
    return stream != NULL && row->offset > (row->any_order ? stream->known : stream->first);
}

bool order_has_passed(const struct order *order, const struct order_row *row)
{
    const struct stream *stream = row->stream != 0 ? stream_of(order, row) : NULL;
    return stream != NULL && find(order, row->key) == NULL &&
           (row->offset < stream->last || order->position > order->last);
}

/* True for a row of a table read by its cursor that came into it when the log was there. */
static bool came_since(const struct order *order, const struct order_row *row)
{
    const struct begin *begin = &order->begins[row->source];
    return order->there_known ? !there_has(&order->there, row->key)
                              : begin->count != 0 && row->timestamp.us > begin->first_us;
}

bool order_knows_there(const struct order *order)
{
    return order->there_known;
}

void order_note_there(struct order *order, const struct there *there)
{
    if (order->whole && !order->there_known) {
        there_copy(&order->there, there);
        order->there_known = true;
    }
}

uint64_t order_of(const struct order *order, const struct order_row *row)
{
    const struct place *place = find(order, row->key);
    if (place != NULL) {
        return place->ordinal;
    }
    if (!order->texts) {
        return row->key > order->newest ? ORDER_NOT_DELIVERED : 0;
    }
    const bool not_yet = row->stream != 0 ? is_behind(order, row) : came_since(order, row);
    return order->floor == 0 || not_yet ? ORDER_NOT_DELIVERED : 0;
}

size_t order_count(const struct order *order, uint64_t after, uint64_t last)
{
    size_t count = 0;
    for (const struct place *place = order->places; place != NULL; place = place->by_key.next) {
        count += place->ordinal > after && place->ordinal <= last;
    }
    return count;
}
