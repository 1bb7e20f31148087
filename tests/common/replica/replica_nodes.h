/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in the world of replica_world.h: ingestors, and the starts and ends of all programs.
 * Only included by test_replica.c. */
#ifndef TESTS_COMMON_REPLICA_REPLICA_NODES_H
#define TESTS_COMMON_REPLICA_REPLICA_NODES_H

#include "tests/common/replica/replica_world.h"

/* ---- Ingestors ---- */

static void key_name(int key, char out[24])
{
    snprintf(out, 24, "tile.%d", key);
}

static void tile_value(const struct world *w, int key, struct version version, struct buf *out)
{
    const struct truth *truth = &w->tiles[key];
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "epoch");
    mp_put_uint(out, version.epoch);
    mp_put_text(out, "seq");
    mp_put_uint(out, version.seq);
    mp_put_text(out, "value");
    mp_put_int(out, truth->value);
    map.count = 3;
    for (int i = 0; i < MEMBERS; i++) {
        if (truth->members[i] != 0) {
            char name[16];
            snprintf(name, sizeof name, "m%d", i);
            mp_put_text(out, name);
            mp_put_int(out, truth->members[i]);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static struct node *owner_of(struct world *w, int key)
{
    const unsigned lane = (unsigned)key % w->lanes;
    return &w->nodes[(w->nodes[INGESTOR_A].lanes_owned >> lane & 1) != 0 ? INGESTOR_A : INGESTOR_B];
}

static void publish_delta(struct node *node, struct wire_tile *delta, unsigned lane,
                          struct version message)
{
    struct world *w = node->world;
    struct buf out[WIRE_FRAMES] = {{0}};
    wire_encode_tile(out, lane, message, world_wall(w), delta);
    assert_int_equal(store_apply(node->store, delta, lane, world_wall(w), 0, w->now), STATUS_OK);
    const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]), buf_str(&out[2])};
    publish(node, frames);
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&out[i]);
    }
}

enum how { AS_PATCH, AS_KEYFRAME, AS_REFRESH, AS_REMOVAL };

static void publish_tile(struct world *w, int key, enum how how)
{
    struct node *node = owner_of(w, key);
    const unsigned lane = (unsigned)key % w->lanes;
    char name[24];
    key_name(key, name);
    const struct tile *before = store_get(node->store, str_of(name));
    if (!node->up || (before == NULL && (how == AS_REFRESH || how == AS_REMOVAL))) {
        return;
    }
    const struct version message = {node->epoch, ++node->seq[lane]};
    struct wire_tile delta = {.key = str_of(name),
                              .version = message,
                              .ttl_ms = w->quiet ? QUIET_TTL_MS : TTL_MS,
                              .grace_ms = GRACE_MS,
                              .position = STR("1"),
                              .as_of = world_wall(w),
                              .keyframe = how != AS_PATCH || before == NULL,
                              .removed = how == AS_REMOVAL};
    struct buf value = {0};
    struct buf patch = {0};
    struct mp_doc docs[2];
    mp_doc_init(&docs[0]);
    mp_doc_init(&docs[1]);
    if (how == AS_REFRESH) {
        delta.version = before->version;
        buf_append_str(&value, blob_str(before->value));
    } else {
        tile_value(w, key, message, &value);
    }
    assert_int_equal(mp_parse(&docs[0], value.data, value.len), STATUS_OK);
    delta.value = delta.removed ? NULL : &docs[0].root;
    if (!delta.keyframe) {
        delta.base = before->version;
        assert_int_equal(mp_parse(&docs[1], before->value->data, before->value->len), STATUS_OK);
        assert_true(mp_diff(&patch, &docs[1].root, &docs[0].root));
        assert_int_equal(mp_parse(&docs[1], patch.data, patch.len), STATUS_OK);
        delta.value = &docs[1].root;
    }
    publish_delta(node, &delta, lane, message);
    mp_doc_free(&docs[0]);
    mp_doc_free(&docs[1]);
    buf_free(&value);
    buf_free(&patch);
}

/* silent: only into its log, as history. */
static void deliver_row(struct node *node, const struct row *row, bool silent)
{
    struct world *w = node->world;
    struct buf fields = {0};
    mp_put_map(&fields, 3);
    mp_put_text(&fields, "id");
    mp_put_int(&fields, row->id);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "test.happened");
    mp_put_text(&fields, "timestamp");
    mp_put_uint(&fields, row->history);
    if (eventlog_append(node->events, w->origin, row->ordinal, event_id_of_number(row->id),
                        buf_str(&fields), world_wall(w), world_wall(w)) != NULL &&
        !silent) {
        struct buf out[WIRE_FRAMES] = {{0}};
        const struct version version = {node->epoch, ++node->seq[0]};
        wire_encode_event(out, version, world_wall(w), row->ordinal, w->origin, world_wall(w),
                          STR("test.happened"), buf_str(&fields));
        const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]),
                                                buf_str(&out[2])};
        publish(node, frames);
        for (size_t i = 0; i < WIRE_FRAMES; i++) {
            buf_free(&out[i]);
        }
    }
    buf_free(&fields);
}

static void send_heartbeat(struct node *node)
{
    struct world *w = node->world;
    const struct wire_heartbeat heartbeat = {.position = STR("1"),
                                             .as_of = world_wall(w),
                                             .origin = w->origin,
                                             .ordinal = eventlog_last(node->events),
                                             .caught_up = w->told == w->row_count};
    for (unsigned lane = 0; lane < w->lanes; lane++) {
        if ((node->lanes_owned >> lane & 1) == 0) {
            continue;
        }
        struct buf out[WIRE_FRAMES] = {{0}};
        wire_encode_heartbeat(out, lane, (struct version){node->epoch, node->seq[lane]},
                              world_wall(w), &heartbeat);
        const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]),
                                                buf_str(&out[2])};
        publish(node, frames);
        for (size_t i = 0; i < WIRE_FRAMES; i++) {
            buf_free(&out[i]);
        }
    }
}

static void republish(struct node *node)
{
    struct world *w = node->world;
    for (int key = 0; key < KEYS; key++) {
        if (owner_of(w, key) == node && w->tiles[key].live) {
            publish_tile(w, key, AS_KEYFRAME);
        }
    }
}

static void tell_rows(struct node *node, size_t until)
{
    struct world *w = node->world;
    for (; w->told < until; w->told++) {
        deliver_row(node, &w->rows[w->told], false);
    }
}

/* An ingestor goes on from a checkpoint that may be some rows old: those it delivers again. Its
 * configuration may have changed: then it no longer makes some tiles. */
static void start_ingestor(struct node *node)
{
    struct world *w = node->world;
    for (int key = 0; key < KEYS; key++) {
        if (owner_of(w, key) == node && chance(w, 8) == 0) {
            w->tiles[key].live = false;
        }
    }
    node->epoch = ++w->last_epoch;
    memset(node->seq, 0, sizeof node->seq);
    node->heartbeat_at = w->now;
    node->refresh_at = mono_add_ms(w->now, REFRESH_MS);
    const size_t behind = chance(w, 12);
    const size_t saved = w->row_count < w->saved_max ? w->row_count : w->saved_max;
    const size_t done = behind < saved ? saved - behind : 0;
    eventlog_reset(node->events, w->origin);
    const size_t kept = 25;
    const size_t first = done > kept ? done - kept : 0;
    if (first != 0) {
        eventlog_skip_to(node->events, w->rows[first - 1].ordinal);
    }
    for (size_t i = first; i < done; i++) {
        deliver_row(node, &w->rows[i], true);
    }
    republish(node);
    if (node->index == INGESTOR_A) {
        w->told = done;
        const bool whole = w->whole_since != 0 && chance(w, 2) == 0;
        w->continues = whole ? w->whole_since : 0;
        w->whole_since = w->whole_since != 0 ? w->whole_since : node->epoch;
        w->saved_max = SIZE_MAX;
        tell_rows(node, done + chance(w, w->row_count - done + 1));
        send_heartbeat(node); /* perhaps it has not caught up yet */
    }
}

/* ---- Nodes ---- */

static void add_counters(struct replica_counters *sum, const struct replica_counters *more)
{
    const uint64_t *from = (const uint64_t *)more;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += from[i];
    }
}

static void stop(struct node *node)
{
    if (!node->up) {
        return;
    }
    node->up = false;
    if (node->replica != NULL) {
        add_counters(&node->world->sum, replica_counters(node->replica));
    }
    replica_destroy(&node->replica);
    query_free(&node->query);
    store_destroy(&node->store);
    eventlog_destroy(&node->events);
}

static void start(struct node *node)
{
    node->up = true;
    node->life++;
    snprintf(node->instance, sizeof node->instance, "%d-%u", node->index, node->life);
    node->store = store_create(SIZE_MAX, NULL);
    node->events = eventlog_create(30, SIZE_MAX, NULL);
    node->query = (struct query){
        .store = node->store, .events = node->events, .state = describe, .arg = node};
    query_init(&node->query);
    if (node->upstream_count != 0) {
        const struct replica_ops ops = {send_query, node, forward, node};
        node->replica = replica_create(node->upstream_count, 20, node->store, node->events, &ops);
    } else {
        start_ingestor(node);
    }
    if (node->index == GATEWAY) {
        node->world->seen_generation = eventlog_generation(node->events);
        node->world->seen = 0;
        node->world->seen_lost = false;
    }
}

#endif
