/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/deliveries.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ctl/oracle/named.h"

#define UPSTREAM_TIMEOUT_MS 1000

/* A server whose event log is read: the one that verify asks, or an upstream. */
struct log {
    struct ctl ctl; /* with the address of the server */
    struct peer *peer;
    struct order *order;
    unsigned generation; /* of the order when the rows began to be read */
    uint64_t lanes;      /* bit i: its order is that of lane i */
    bool answers;
    struct delivery delivery;
    uint64_t *ordinals;
    bool *replaced;
    bool *no_news; /* NULL without source.dedupe */
    struct oracle_duplicates duplicates;
};

struct deliveries {
    const struct ctl *ctl;
    bool by_id;
    int64_t newest_id;
    int64_t newest_us;  /* with texts: the greatest timestamp of the rows that were there first */
    bool begun;         /* newest_us is known */
    struct there there; /* of source.cursor: for orders that do not know yet */
    struct log main;
    struct log *upstreams; /* those of the cache that may own lanes */
    size_t count;
    struct delivery unsure; /* that of main, for lanes of which no owner answers */
};

/* By source.cursor, on a bus, and where sources have names. */
static bool ids_are_texts(const struct config *config)
{
    return oracle_has_names(config) || config->source.cursor != NULL ||
           config->source.kind == SOURCE_KAFKA || config->source.kind == SOURCE_REDIS;
}

/* True where rows are read by a cursor, so that neither ids nor offsets tell of their order. */
static bool has_cursor(const struct config *config)
{
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].cursor != NULL) {
            return true;
        }
    }
    return false;
}

struct deliveries *deliveries_create(const struct ctl *ctl, struct peer *peer, bool by_id,
                                     int64_t newest_id)
{
    struct deliveries *d = x_calloc(1, sizeof *d);
    d->ctl = ctl;
    d->by_id = by_id;
    d->newest_id = newest_id;
    d->newest_us = INT64_MIN;
    d->main = (struct log){.ctl = *ctl,
                           .peer = peer,
                           .order = order_create(ids_are_texts(ctl->config), ctl->config),
                           .answers = true};
    return d;
}

static void free_log(struct log *log)
{
    order_destroy(&log->order);
    free(log->ordinals);
    free(log->replaced);
    free(log->no_news);
    oracle_duplicates_free(&log->duplicates);
}

void deliveries_destroy(struct deliveries **deliveries)
{
    struct deliveries *d = *deliveries;
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        peer_destroy(&d->upstreams[i].peer);
        free_log(&d->upstreams[i]);
    }
    free(d->upstreams);
    free_log(&d->main);
    there_free(&d->there);
    free(d);
    *deliveries = NULL;
}

/* ---- Whose order is that of which lane ---- */

/* The lanes whose order the server itself tells: those of lane 0's owner, whose events a cache
 * copies, as far as the configuration tells them; an ingestor's own. */
static uint64_t lanes_of_server(const struct deliveries *d, const struct answer_ping *ping)
{
    const uint64_t own = d->ctl->config->ingestor.own_lanes;
    if (d->by_id || ping->standing.lanes <= 1) {
        return UINT64_MAX;
    }
    if (str_is(ping->role, "ingestor")) {
        return ping->standing.lanes_owned;
    }
    return (own & 1) != 0 ? own : 1;
}

/* Connects to all upstreams of the cache. One that cannot be connected to is left out. */
static void open_upstreams(struct deliveries *d)
{
    const struct config_upstreams *upstreams = &d->ctl->config->cache.upstreams;
    d->upstreams = x_calloc(upstreams->count + 1, sizeof *d->upstreams);
    for (size_t i = 0; i < upstreams->count; i++) {
        struct log *log = &d->upstreams[d->count];
        struct error err;
        *log = (struct log){.ctl = *d->ctl};
        log->ctl.query = upstreams->list[i].query;
        log->ctl.server = upstreams->list[i].server;
        log->ctl.timeout_ms = UPSTREAM_TIMEOUT_MS;
        if (peer_create(&log->ctl, &log->peer, &err) == STATUS_OK) {
            log->order = order_create(ids_are_texts(d->ctl->config), d->ctl->config);
            log->answers = true;
            d->count++;
        }
    }
}

/* Reads an upstream's log if it is an ingestor that owns lanes. One that does not answer is not
 * asked again. */
static void read_upstream(const struct deliveries *d, struct log *log)
{
    struct query_request request;
    const mp_value *reply;
    struct answer_ping ping;
    struct error err;
    log->lanes = 0;
    if (!log->answers) {
        return;
    }
    query_request_begin(&request, QUERY_OP_PING);
    log->answers = peer_ask(log->peer, &request, &reply, &err) == STATUS_OK;
    if (log->answers && answer_read_ping(reply, &ping) && ping.serving &&
        str_is(ping.role, "ingestor")) {
        const uint64_t lanes = ping.standing.lanes_owned;
        log->lanes = order_read(log->order, log->peer, d->newest_id, &err) == STATUS_OK ? lanes : 0;
        log->generation = order_generation(log->order);
    }
}

int deliveries_read(struct deliveries *d, const struct answer_ping *ping, struct error *err)
{
    const uint64_t all =
        ping->standing.lanes >= 64 ? UINT64_MAX : (UINT64_C(1) << ping->standing.lanes) - 1;
    d->main.lanes = lanes_of_server(d, ping);
    if ((all & ping->standing.lanes_owned & ~d->main.lanes) != 0) {
        if (d->upstreams == NULL) {
            open_upstreams(d);
        }
        for (size_t i = 0; i < d->count; i++) {
            read_upstream(d, &d->upstreams[i]);
        }
    }
    const int status = order_read(d->main.order, d->main.peer, d->newest_id, err);
    d->main.generation = order_generation(d->main.order);
    return status;
}

void deliveries_read_on(struct deliveries *d)
{
    struct error err;
    (void)order_read(d->main.order, d->main.peer, d->newest_id, &err);
    for (size_t i = 0; i < d->count; i++) {
        if (d->upstreams[i].lanes != 0) {
            (void)order_read(d->upstreams[i].order, d->upstreams[i].peer, d->newest_id, &err);
        }
    }
}

unsigned deliveries_lane_of_row(const struct config *config, const struct oracle_rows *rows,
                                size_t row)
{
    const struct config_ingestor *ingestor = &config->ingestor;
    return ingestor->lanes + (unsigned)oracle_row_partition(rows, row) % ingestor->partitions;
}

/* ---- Which rows ---- */

/* True for a row that was in the table when verifying began. Texts do not tell: a row of those
 * counts that is not younger than all that were. */
static bool was_there(const struct deliveries *d, const struct oracle_rows *rows, size_t row)
{
    return ids_are_texts(d->ctl->config) ? oracle_row_us(rows, row) <= d->newest_us
                                         : oracle_row_id(rows, row) <= d->newest_id;
}

static void note_newest(struct deliveries *d, const struct oracle_rows *rows)
{
    for (size_t i = 0; i < oracle_rows_count(rows) && !d->begun; i++) {
        const int64_t us = oracle_row_us(rows, i);
        d->newest_us = us > d->newest_us ? us : d->newest_us;
    }
    d->begun = true;
}

/* True where rows commit in another order than that of their numbers. */
static bool has_any_order(const struct oracle_rows *rows, size_t row)
{
    const struct config *config = oracle_rows_config(rows);
    const struct config_source *source = &config->sources[oracle_row_source(rows, row)];
    return oracle_has_names(config) && source->kind == SOURCE_POSTGRESQL;
}

static struct order_row row_of(const struct oracle_rows *rows, size_t row)
{
    return (struct order_row){.key = oracle_row_key(rows, row),
                              .timestamp = {oracle_row_us(rows, row)},
                              .stream = oracle_row_stream(rows, row),
                              .offset = oracle_row_offset(rows, row),
                              .source = oracle_row_source(rows, row),
                              .any_order = has_any_order(rows, row)};
}

/* Which rows are duplicates, or may be: of a row that is gone, so that nothing else tells. */
static void find_duplicates(const struct deliveries *d, struct log *log,
                            const struct oracle_rows *rows)
{
    const size_t count = oracle_rows_count(rows);
    oracle_duplicates_free(&log->duplicates);
    free(log->no_news);
    log->no_news = NULL;
    log->duplicates = oracle_duplicates_find(rows, log->ordinals, d->by_id);
    if (log->duplicates.left_out == NULL) {
        return;
    }
    log->no_news = x_calloc(count + 1, sizeof *log->no_news);
    for (size_t i = 0; i < count; i++) {
        const struct order_row row = row_of(rows, i);
        log->no_news[i] = log->duplicates.left_out[i] ||
                          (log->duplicates.named[i] && order_has_passed(log->order, &row));
    }
}

/* True when the ingestor whose log it is reads partitions, and not the row's. That it has not
 * delivered the row says nothing, then: a tile of its that the row belongs to lacks it. */
static bool is_foreign(const struct deliveries *d, const struct log *log,
                       const struct oracle_rows *rows, size_t row)
{
    const struct config_ingestor *ingestor = &d->ctl->config->ingestor;
    const int32_t partition = oracle_row_partition(rows, row);
    if (ingestor->partitions == 0 || partition < 0 || log->lanes == UINT64_MAX) {
        return false;
    }
    for (unsigned lane = 0; lane < ingestor->lanes; lane++) {
        if ((log->lanes >> lane & 1) != 0) {
            return false; /* for these lanes all rows are read */
        }
    }
    return (log->lanes >> deliveries_lane_of_row(d->ctl->config, rows, row) & 1) == 0;
}

static void place(const struct deliveries *d, struct log *log, const struct oracle_rows *rows)
{
    const size_t count = oracle_rows_count(rows);
    const size_t type = oracle_field(rows, &oracle_field_type);
    if (log->generation == order_generation(log->order)) {
        order_note_there(log->order, &d->there);
    }
    free(log->ordinals);
    free(log->replaced);
    log->ordinals = x_calloc(count + 1, sizeof *log->ordinals);
    log->replaced = x_calloc(count + 1, sizeof *log->replaced);
    log->delivery.target = 0;
    for (size_t i = 0; i < count; i++) {
        const struct order_row row = row_of(rows, i);
        const uint64_t delivered = d->by_id ? (uint64_t)row.key : order_of(log->order, &row);
        const uint64_t ordinal = is_foreign(d, log, rows, i) ? 0 : delivered;
        log->ordinals[i] = ordinal;
        if (was_there(d, rows, i) && ordinal > log->delivery.target) {
            log->delivery.target = ordinal;
        }
        log->replaced[i] = !order_is_of(log->order, row.key, row.timestamp,
                                        oracle_value(rows, oracle_cell(rows, i, type))->text);
    }
    find_duplicates(d, log, rows);
    log->delivery.duplicates = log->duplicates;
    log->delivery.no_news = log->no_news;
    log->delivery.ordinals = log->ordinals;
    log->delivery.replaced = log->replaced;
    log->delivery.order = log->order;
    log->delivery.by_id = d->by_id;
    log->delivery.sure = true;
    log->delivery.floor = d->by_id ? 0 : order_floor(log->order);
}

/* False while an order is to be told which rows are there. */
static bool know_there(const struct deliveries *d)
{
    bool know = order_knows_there(d->main.order);
    for (size_t i = 0; i < d->count; i++) {
        know = know && order_knows_there(d->upstreams[i].order);
    }
    return know;
}

void deliveries_place(struct deliveries *d, const struct oracle_rows *rows)
{
    note_newest(d, rows);
    if (has_cursor(d->ctl->config) && !know_there(d)) {
        there_note(&d->there, rows);
    }
    place(d, &d->main, rows);
    for (size_t i = 0; i < d->count; i++) {
        if (d->upstreams[i].lanes != 0) {
            place(d, &d->upstreams[i], rows);
        }
    }
    d->unsure = d->main.delivery;
    d->unsure.sure = false;
}

const struct delivery *deliveries_of(const struct deliveries *d, unsigned lane)
{
    if ((d->main.lanes >> lane & 1) != 0) {
        return &d->main.delivery;
    }
    for (size_t i = 0; i < d->count; i++) {
        if ((d->upstreams[i].lanes >> lane & 1) != 0) {
            return &d->upstreams[i].delivery;
        }
    }
    return &d->unsure;
}
