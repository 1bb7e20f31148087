/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/publish/publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_patch.h"
#include "common/config/partition.h"
#include "common/store/store_list.h"
#include "ingestor/publish/published_event.h"
#include "ingestor/publish/published_tile.h"

struct publisher {
    const struct config *config; /* borrowed */
    uint64_t epoch;
    uint64_t sequence[LANES_MAX]; /* of the last message on each lane */
    void (*send)(void *arg, const struct str frames[WIRE_FRAMES]);
    void *arg;                         /* of send */
    struct store *store;               /* the tiles as published, which patches are made against */
    struct eventlog *events;           /* the last events */
    uint64_t ordinal;                  /* of the last event delivered */
    uint64_t origin;                   /* that ordinals count from */
    char position[STORE_POSITION_MAX]; /* the ordinal as text */
    uint32_t mark;                     /* number of the last round: see publisher_mark */
    struct wire_clocks clocks;         /* what heartbeats say of them */
    struct lag lag;                    /* what those of lane 0 say of it */
    struct sources_up sources;         /* likewise */
    struct publisher_counters counters;

    /* Scratch, kept for its memory alone. */
    struct buf frames[WIRE_FRAMES];
    struct buf fields;
    struct buf patch;
    struct buf cut_value;
    struct mp_doc old_value;
    struct mp_doc new_value;
    struct mp_doc patch_doc;
};

struct publisher *publisher_create(const struct config *config,
                                   void (*send)(void *arg, const struct str frames[WIRE_FRAMES]),
                                   void *arg)
{
    struct publisher *p = x_calloc(1, sizeof *p);
    p->config = config;
    p->send = send;
    p->arg = arg;
    p->store = store_create(SIZE_MAX, NULL); /* the fold bounds how many tiles there are */
    p->events =
        eventlog_create(config->ingestor.events, config->ingestor.events_memory_bytes, NULL);
    memcpy(p->position, "0", 2);
    mp_doc_init(&p->old_value);
    mp_doc_init(&p->new_value);
    mp_doc_init(&p->patch_doc);
    return p;
}

void publisher_destroy(struct publisher **publisher)
{
    struct publisher *p = *publisher;
    if (p == NULL) {
        return;
    }
    store_destroy(&p->store);
    eventlog_destroy(&p->events);
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&p->frames[i]);
    }
    buf_free(&p->fields);
    buf_free(&p->patch);
    buf_free(&p->cut_value);
    mp_doc_free(&p->old_value);
    mp_doc_free(&p->new_value);
    mp_doc_free(&p->patch_doc);
    free(p);
    *publisher = NULL;
}

void publisher_begin(struct publisher *p, uint64_t epoch)
{
    p->epoch = epoch;
}

static void clear_frames(struct publisher *p)
{
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_clear(&p->frames[i]);
    }
}

static void send_frames(struct publisher *p)
{
    const struct str frames[WIRE_FRAMES] = {buf_str(&p->frames[0]), buf_str(&p->frames[1]),
                                            buf_str(&p->frames[2])};
    p->send(p->arg, frames);
}

void publisher_set_position(struct publisher *p, uint64_t ordinal, uint64_t origin)
{
    if (origin != p->origin || eventlog_origin(p->events) != origin) {
        p->origin = origin;
        eventlog_reset(p->events, origin);
    }
    p->ordinal = ordinal;
    snprintf(p->position, sizeof p->position, "%llu", (unsigned long long)ordinal);
}

/* ---- Events ---- */

static bool owns_lane(const struct publisher *p, unsigned lane)
{
    return (p->config->ingestor.own_lanes >> lane & 1) != 0;
}

void publisher_event(struct publisher *p, const struct event *event, struct moment now, bool silent)
{
    buf_clear(&p->fields);
    const bool cut = published_event_put(&p->fields, p->config, event);
    if (eventlog_append(p->events, p->origin, event->ordinal, event->id, buf_str(&p->fields),
                        event->arrival, now.wall) == NULL ||
        silent || !owns_lane(p, 0)) {
        return; /* events are sent on lane 0, by whoever owns it */
    }
    clear_frames(p);
    const struct version version = {p->epoch, ++p->sequence[0]};
    wire_encode_event(p->frames, version, now.wall, event->ordinal, p->origin, event->arrival,
                      event->event_type, buf_str(&p->fields));
    p->counters.events++;
    p->counters.events_cut += cut;
    send_frames(p);
}

/* ---- Tiles ---- */

/* Reads a new value, and shortens it if it is too large to be published. False when it is not
 * well-formed, which does not happen: the fold writes it. */
static bool read_value(struct publisher *p, struct str value)
{
    if (mp_parse(&p->new_value, value.p, value.len) != STATUS_OK) {
        return false;
    }
    if (value.len <= p->config->ingestor.limits.tile_bytes) {
        return true;
    }
    p->counters.tiles_cut++;
    buf_clear(&p->cut_value);
    published_tile_put(&p->cut_value, &p->new_value.root, p->config->ingestor.limits.tile_bytes);
    return mp_parse(&p->new_value, p->cut_value.data, p->cut_value.len) == STATUS_OK;
}

/* Whether it is time to say that the tile is as it was. Rows that change nothing of what a tile
 * shows keep it from being quiet, and must not keep it from being refreshed. */
static bool is_due(const struct tile *before, const struct wire_tile *delta, struct moment now)
{
    return now.mono.us - before->refreshed_at.us >= delta->ttl_ms * US_PER_MS / 3;
}

/*
 * Makes the delta that leads from the tile as published to the output; false when there is nothing
 * to say. version {0, 0} stands for the message's own, which publish fills in:
 *
 *   output              as published   delta                      version
 *   removed             unknown        nothing
 *   removed             known          removal                    the message's own
 *   value               unknown        keyframe                   the message's own
 *   value               the same       nothing, or, when due:
 *   value, as keyframe  the same       keyframe that refreshes    of the last change
 *   value               another        patch on what is known     the message's own
 *   value, as keyframe  another        keyframe                   the message's own
 */
static bool make_delta(struct publisher *p, const struct fold_output *output,
                       const struct tile *before, struct wire_tile *delta, struct moment now)
{
    if (output->removed) {
        delta->keyframe = true;
        delta->removed = true;
        return before != NULL;
    }
    delta->keyframe = output->keyframe;
    if (before != NULL && str_equal(blob_str(before->value), output->value)) {
        /* Mostly: tiles that nothing happens to are refreshed. What that takes, it takes of each of
         * them, so nothing is read here that need not be. */
        delta->version = before->version;
        delta->encoded = output->value;
        delta->keyframe = delta->keyframe || is_due(before, delta, now);
        return delta->keyframe;
    }
    if (!read_value(p, output->value)) {
        return false;
    }
    delta->value = &p->new_value.root;
    if (before == NULL) {
        delta->keyframe = true;
        return true;
    }
    (void)mp_parse(&p->old_value, before->value->data, before->value->len);
    buf_clear(&p->patch);
    const bool differs = mp_diff(&p->patch, &p->old_value.root, &p->new_value.root);
    if (!differs) {
        delta->version = before->version;
        delta->keyframe = delta->keyframe || is_due(before, delta, now);
        return delta->keyframe;
    }
    if (!delta->keyframe) {
        (void)mp_parse(&p->patch_doc, p->patch.data, p->patch.len);
        delta->base = before->version;
        delta->value = &p->patch_doc.root;
    }
    return true;
}

/* Gives the delta a number, sends it, and takes it into the store. */
static void publish(struct publisher *p, struct wire_tile *delta, unsigned lane, struct moment now)
{
    const struct version message = {p->epoch, ++p->sequence[lane]};
    if (delta->version.epoch == 0) {
        delta->version = message;
        p->counters.deltas++;
    } else {
        p->counters.keyframes++;
    }
    clear_frames(p);
    wire_encode_tile(p->frames, lane, message, now.wall, delta);
    (void)store_apply(p->store, delta, lane, now.wall, 0, now.mono);
    send_frames(p);
}

void publisher_tile(struct publisher *p, const struct fold_output *output, struct moment now)
{
    struct wire_tile delta = {
        .key = output->key,
        .ttl_ms = output->config->ttl_ms,
        .grace_ms = output->config->grace_ms,
        .position = str_of(p->position),
        .as_of = now.wall,
        .arrival = output->arrival,
        .source = output->source,
        .tally = output->tally,
    };
    const struct tile *before = store_get(p->store, output->key);
    const bool marked = before != NULL && before->sync_mark == p->mark;
    if (make_delta(p, output, before, &delta, now)) {
        publish(p, &delta, partition_lane_of_tile(p->config, output->config), now);
        if (!marked) {
            store_mark(p->store, output->key, p->mark);
        }
    } else {
        p->counters.unchanged++;
    }
}

uint32_t publisher_mark(struct publisher *p)
{
    return ++p->mark;
}

/* The keys of the tiles without the mark, each of which is owned, and their lanes. */
struct sweep {
    uint32_t mark;
    char **keys;
    unsigned *lanes;
    size_t count;
};

static bool collect_unmarked(void *arg, const struct tile *tile)
{
    struct sweep *sweep = arg;
    if (tile->sync_mark != sweep->mark) {
        sweep->keys = x_reallocarray(sweep->keys, sweep->count + 1, sizeof(char *));
        sweep->lanes = x_reallocarray(sweep->lanes, sweep->count + 1, sizeof *sweep->lanes);
        sweep->lanes[sweep->count] = tile->lane;
        sweep->keys[sweep->count++] = x_strdup(tile->key);
    }
    return true;
}

void publisher_sweep(struct publisher *p, uint32_t mark, struct moment now)
{
    struct sweep sweep = {.mark = mark};
    store_list(p->store, STR(""), collect_unmarked, &sweep);
    for (size_t i = 0; i < sweep.count; i++) {
        struct wire_tile delta = {.key = str_of(sweep.keys[i]),
                                  .keyframe = true,
                                  .removed = true,
                                  .ttl_ms = 1,
                                  .position = str_of(p->position),
                                  .as_of = now.wall};
        publish(p, &delta, sweep.lanes[i], now);
        free(sweep.keys[i]);
    }
    free(sweep.keys);
    free(sweep.lanes);
}

void publisher_set_clocks(struct publisher *p, const struct wire_clocks *clocks)
{
    p->clocks = *clocks;
}

void publisher_set_lag(struct publisher *p, const struct lag *lag)
{
    p->lag = *lag;
}

void publisher_set_sources(struct publisher *p, const struct sources_up *sources)
{
    p->sources = *sources;
}

void publisher_heartbeat(struct publisher *p, bool caught_up, struct moment now)
{
    struct wire_heartbeat heartbeat = {.position = str_of(p->position),
                                       .as_of = now.wall,
                                       .origin = p->origin,
                                       .ordinal = p->ordinal,
                                       .clocks = p->clocks,
                                       .caught_up = caught_up};
    for (unsigned lane = 0; lane < partition_lane_count(p->config); lane++) {
        if (owns_lane(p, lane)) {
            clear_frames(p);
            heartbeat.lag = lane == 0 && p->lag.known ? &p->lag : NULL;
            heartbeat.sources = lane == 0 && p->sources.count != 0 ? &p->sources : NULL;
            wire_encode_heartbeat(p->frames, lane, publisher_last_version(p, lane), now.wall,
                                  &heartbeat);
            send_frames(p);
        }
    }
}

/* ---- What is known ---- */

struct store *publisher_store(const struct publisher *p)
{
    return p->store;
}

struct eventlog *publisher_events(const struct publisher *p)
{
    return p->events;
}

struct version publisher_last_version(const struct publisher *p, unsigned lane)
{
    return (struct version){p->epoch, p->sequence[lane]};
}

const char *publisher_position_text(const struct publisher *p)
{
    return p->position;
}

const struct publisher_counters *publisher_counters(const struct publisher *p)
{
    return &p->counters;
}
