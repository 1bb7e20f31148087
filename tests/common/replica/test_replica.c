/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/common/replica/replica_stream.h"

#include "common/store/store_list.h"

#define OPERATIONS 150
#define RUNS 400

/* ---- What must hold at any moment ---- */

/* A value is that of the version that the tile says it has. */
static bool check_tile(void *arg, const struct tile *tile)
{
    (void)arg;
    struct mp_doc doc;
    uint64_t epoch = 0;
    uint64_t seq = 0;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, tile->value->data, tile->value->len), STATUS_OK);
    assert_true(mp_as_uint(mp_get(&doc.root, "epoch"), &epoch) &&
                mp_as_uint(mp_get(&doc.root, "seq"), &seq));
    assert_int_equal(epoch, tile->version.epoch);
    assert_int_equal(seq, tile->version.seq);
    mp_doc_free(&doc);
    return true;
}

/* ---- The passing of time ---- */

static void arrive(struct world *w, struct flight *flight)
{
    struct node *to = &w->nodes[flight->to];
    const struct str frames[WIRE_FRAMES] = {
        buf_str(&flight->frames[0]), buf_str(&flight->frames[1]), buf_str(&flight->frames[2])};
    if (!to->up || to->life != flight->to_life) {
        return;
    }
    if (flight->kind == FLIGHT_MESSAGE) {
        replica_message(to->replica, frames, w->now);
    } else if (flight->kind == FLIGHT_REQUEST) {
        answer(w, flight);
    } else {
        replica_reply(to->replica, to->upstreams[1] == flight->from && to->upstream_count == 2,
                      flight->tag, frames[0], w->now);
    }
    if (flight->to == GATEWAY) {
        read_stream(w);
    }
}

static void tick(struct node *node)
{
    struct world *w = node->world;
    if (node->replica != NULL) {
        replica_tick(node->replica, w->now);
        store_expire(node->store, w->now);
        return;
    }
    if (w->now.us >= node->refresh_at.us) {
        node->refresh_at = mono_add_ms(w->now, REFRESH_MS);
        for (int key = 0; key < KEYS; key++) {
            if (owner_of(w, key) == node && !w->quiet) {
                publish_tile(w, key, AS_REFRESH);
            }
        }
    }
    if (w->now.us >= node->heartbeat_at.us) {
        node->heartbeat_at = mono_add_ms(w->now, HEARTBEAT_MS);
        if (node->index == INGESTOR_A) {
            tell_rows(node, w->row_count);
        }
        send_heartbeat(node);
    }
}

/* When the node has something to do. It must not ask for being woken at once for ever. */
static mono_time next_tick(struct node *node)
{
    const struct world *w = node->world;
    if (node->replica == NULL) {
        return node->heartbeat_at.us < node->refresh_at.us ? node->heartbeat_at : node->refresh_at;
    }
    const mono_time expiry = store_next_expiry(node->store);
    const mono_time due = mono_add_ms(w->now, replica_wait_ms(node->replica, w->now));
    node->idle_wakeups = due.us <= w->now.us ? node->idle_wakeups + 1 : 0;
    assert_true(node->idle_wakeups < 5);
    return expiry.us < due.us ? expiry : due;
}

static void run_until(struct world *w, mono_time end)
{
    for (;;) {
        mono_time next = end;
        for (int i = 0; i < NODES; i++) {
            if (w->nodes[i].up) {
                const mono_time at = next_tick(&w->nodes[i]);
                next = at.us < next.us ? at : next;
            } else if (w->nodes[i].present && w->nodes[i].down_until.us < next.us) {
                next = w->nodes[i].down_until;
            }
        }
        struct heap_item *top = heap_top(&w->flights);
        if (top != NULL && top->key < next.us) {
            next.us = top->key;
        }
        if (next.us >= end.us) {
            w->now = end;
            return;
        }
        w->now.us = next.us > w->now.us ? next.us : w->now.us;
        while ((top = heap_top(&w->flights)) != NULL && top->key <= w->now.us) {
            struct flight *flight = heap_entry(top, struct flight, due);
            heap_remove(&w->flights, top);
            arrive(w, flight);
            flight_free(flight);
        }
        for (int i = 0; i < NODES; i++) {
            struct node *node = &w->nodes[i];
            if (node->present && !node->up && w->now.us >= node->down_until.us) {
                start(node);
            } else if (node->up) {
                tick(node);
            }
        }
    }
}

/* ---- What happens in it ---- */

static void add_row(struct world *w, uint64_t skipped)
{
    if (w->row_count == HISTORY_MAX) {
        return;
    }
    struct row *row = &w->rows[w->row_count];
    const uint64_t last = w->row_count != 0 ? row[-1].ordinal : 0;
    row->ordinal = last + 1 + skipped;
    row->id = (int64_t)(row->ordinal * 2);
    row->history = w->history;
    w->row_count++;
}

static void new_row(struct world *w)
{
    if (w->nodes[INGESTOR_A].up) {
        add_row(w, chance(w, 5) == 0 ? chance(w, 3) : 0);
        tell_rows(&w->nodes[INGESTOR_A], w->row_count);
    }
}

/* The database fails over to a standby that lacks the newest rows, or is restored from a backup:
 * its checkpoint is older than what it lacks. New rows come before anybody looks, at the same ids
 * or behind them. */
static void lose_rows(struct world *w)
{
    const uint64_t lost = chance(w, 4) == 0 ? chance(w, 60) : chance(w, 8);
    if (w->row_count == 0) {
        return;
    }
    stop(&w->nodes[INGESTOR_A]);
    w->nodes[INGESTOR_A].down_until = mono_add_ms(w->now, (int64_t)chance(w, 1500));
    w->row_count -= lost < w->row_count ? lost : w->row_count - 1;
    if (lost != 0) {
        w->history++;
        w->whole_since = 0;
    }
    const uint64_t kept = w->rows[w->row_count - 1].ordinal;
    w->seen_lost = w->seen_lost || w->seen > kept;
    w->saved_max = w->row_count < w->saved_max ? w->row_count : w->saved_max;
    for (uint64_t left = chance(w, 3) == 0 ? 0 : chance(w, lost * 2 + 1); left > 0; left--) {
        add_row(w, chance(w, 10) == 0 ? chance(w, 32) : 0);
    }
}

/* Another table: its events are numbered from 1 again. */
static void new_table(struct world *w)
{
    struct node *node = &w->nodes[INGESTOR_A];
    if (node->up) {
        w->origin += 5;
        w->row_count = 0;
        w->told = 0;
        eventlog_reset(node->events, w->origin);
    }
}

static void change_tile(struct world *w)
{
    const int key = (int)chance(w, KEYS);
    struct truth *truth = &w->tiles[key];
    if (!owner_of(w, key)->up) {
        return;
    }
    if (truth->live && chance(w, 12) == 0) {
        truth->live = false;
        publish_tile(w, key, AS_REMOVAL);
        return;
    }
    truth->live = true;
    truth->value++;
    truth->members[chance(w, MEMBERS)] = (int64_t)chance(w, 3);
    publish_tile(w, key, chance(w, 6) == 0 ? AS_KEYFRAME : AS_PATCH);
}

static void cut(struct world *w)
{
    const struct node *to = &w->nodes[CACHE_A + (int)chance(w, 3)];
    if (!to->present) {
        return;
    }
    const int from = to->upstreams[chance(w, to->upstream_count)];
    struct wire_link *link = &w->links[from][to->index];
    const mono_time until =
        mono_add_ms(w->now, (int64_t)chance(w, chance(w, 4) == 0 ? 14000 : 700));
    const uint64_t which = 1 + chance(w, 3);
    link->half_open = chance(w, 2) == 0;
    link->cut_until = (which & 1) != 0 ? until : link->cut_until;
    link->query_cut_until = (which & 2) != 0 ? until : link->query_cut_until;
}

static void crash(struct world *w)
{
    struct node *node = &w->nodes[chance(w, NODES)];
    if (node->up) {
        stop(node);
        node->down_until =
            mono_add_ms(w->now, (int64_t)chance(w, chance(w, 4) == 0 ? 14000 : 1500));
    }
}

static void happen(struct world *w)
{
    const uint64_t dice = chance(w, 100);
    if (dice < 60) {
        change_tile(w);
    } else if (dice < 90) {
        for (uint64_t left = chance(w, 20) == 0 ? 60 : chance(w, 4); left > 0; left--) {
            new_row(w);
        }
    } else if (dice < 96) {
        cut(w);
    } else if (dice < 99) {
        crash(w);
    } else if (chance(w, 3) == 0) {
        new_table(w);
    } else {
        lose_rows(w);
    }
}

/* ---- A run ---- */

static void present(struct world *w, int index, int upstream_a, int upstream_b)
{
    struct node *node = &w->nodes[index];
    node->present = true;
    node->upstream_count = (unsigned)(upstream_a >= 0) + (unsigned)(upstream_b >= 0);
    node->upstreams[0] = upstream_a;
    node->upstreams[1] = upstream_b;
}

static void build(struct world *w, uint64_t seed)
{
    w->random = seed;
    w->now.us = 1000000;
    w->last_epoch = 100;
    w->saved_max = SIZE_MAX;
    w->lanes = 1 + (unsigned)chance(w, 4);
    w->harsh = chance(w, 2) == 0;
    w->quiet = chance(w, 3) == 0;
    const bool two = w->lanes > 1 && chance(w, 2) == 0;
    for (int i = 0; i < NODES; i++) {
        w->nodes[i].world = w;
        w->nodes[i].index = i;
    }
    const uint64_t all = (UINT64_C(1) << w->lanes) - 1;
    w->nodes[INGESTOR_A].lanes_owned = two ? 1 | (chance(w, all + 1) & all) : all;
    w->nodes[INGESTOR_B].lanes_owned = all & ~w->nodes[INGESTOR_A].lanes_owned;
    present(w, INGESTOR_A, -1, -1);
    if (two) {
        present(w, INGESTOR_B, -1, -1);
    }
    const int other = two ? INGESTOR_B : -1;
    const uint64_t caches = chance(w, 3);
    if (caches > 0) {
        present(w, CACHE_A, INGESTOR_A, other);
    }
    if (caches > 1) {
        present(w, CACHE_B, INGESTOR_A, other);
    }
    if (caches > 0) {
        present(w, GATEWAY, CACHE_A, caches > 1 ? CACHE_B : -1);
    } else {
        present(w, GATEWAY, INGESTOR_A, other);
    }
    for (int i = 0; i < NODES; i++) {
        if (w->nodes[i].present) {
            start(&w->nodes[i]);
        }
    }
}

static void heal(struct world *w)
{
    w->calm = true;
    for (int a = 0; a < NODES; a++) {
        for (int b = 0; b < NODES; b++) {
            w->links[a][b].cut_until = (mono_time){0};
            w->links[a][b].query_cut_until = (mono_time){0};
        }
        if (w->nodes[a].present && !w->nodes[a].up) {
            start(&w->nodes[a]);
        }
    }
}

static void check_tiles(struct world *w, const struct node *node)
{
    size_t live = 0;
    for (int key = 0; key < KEYS; key++) {
        char name[24];
        key_name(key, name);
        const struct tile *truth = store_get(owner_of(w, key)->store, str_of(name));
        const struct tile *here = store_get(node->store, str_of(name));
        assert_int_equal(truth != NULL, w->tiles[key].live);
        assert_int_equal(here != NULL, truth != NULL);
        if (truth != NULL) {
            live++;
            struct mp_doc docs[2];
            for (int i = 0; i < 2; i++) {
                const struct blob *value = i == 0 ? truth->value : here->value;
                mp_doc_init(&docs[i]);
                assert_int_equal(mp_parse(&docs[i], value->data, value->len), STATUS_OK);
            }
            assert_true(mp_equal(&docs[0].root, &docs[1].root, 0));
            assert_int_equal(version_compare(truth->version, here->version), 0);
            assert_false(here->stale);
            mp_doc_free(&docs[0]);
            mp_doc_free(&docs[1]);
        }
    }
    assert_int_equal(store_count(node->store), live);
}

static void check_events(const struct world *w, const struct node *node)
{
    const struct eventlog *truth = w->nodes[INGESTOR_A].events;
    assert_int_equal(eventlog_origin(node->events), w->origin);
    assert_int_equal(eventlog_last(node->events), eventlog_last(truth));
    size_t index = w->row_count - eventlog_count(node->events);
    for (size_t i = 0; i < eventlog_count(node->events); i++, index++) {
        const struct eventlog_entry *entry = eventlog_at(node->events, i);
        assert_int_equal(entry->ordinal, w->rows[index].ordinal);
        assert_ptr_equal(row_of(w, entry), &w->rows[index]);
    }
}

static void check_all(struct world *w)
{
    for (int i = 0; i < NODES; i++) {
        const struct node *node = &w->nodes[i];
        if (node->replica == NULL) {
            continue;
        }
        const char *reason = "";
        if (!replica_fresh(node->replica, w->now, &reason)) {
            fail_msg("node %d is not fresh: %s", i, reason);
        }
        assert_true(replica_ready(node->replica));
        check_tiles(w, node);
        check_events(w, node);
    }
}

static void destroy(struct world *w)
{
    for (int i = 0; i < NODES; i++) {
        stop(&w->nodes[i]);
    }
    struct heap_item *top;
    while ((top = heap_top(&w->flights)) != NULL) {
        heap_remove(&w->flights, top);
        flight_free(heap_entry(top, struct flight, due));
    }
    heap_free(&w->flights);
}

static void live_through(uint64_t seed, struct replica_counters *sum)
{
    struct world *w = x_calloc(1, sizeof *w);
    build(w, seed);
    for (int i = 0; i < OPERATIONS; i++) {
        happen(w);
        run_until(w, mono_add_ms(w->now, (int64_t)chance(w, chance(w, 10) == 0 ? 1500 : 60)));
        for (int k = 0; k < NODES; k++) {
            if (w->nodes[k].up) {
                store_list(w->nodes[k].store, STR(""), check_tile, NULL);
            }
        }
    }
    heal(w);
    run_until(w, mono_add_ms(w->now, 6000));
    check_all(w);
    destroy(w);
    add_counters(sum, &w->sum);
    free(w);
}

static void test_random_histories_converge(void **state)
{
    (void)state;
    const uint64_t first = seed_of_run();
    const uint64_t runs = runs_of_run(RUNS);
    struct replica_counters sum = {0};
    for (uint64_t i = 0; i < runs; i++) {
        fprintf(stderr, "\rTILEWIRE_SEED=%llu ", (unsigned long long)(first + i));
        live_through(first + i, &sum);
    }
    fprintf(stderr, "\n");
    /* Each of the ways out of trouble was taken. */
    if (runs >= RUNS) {
        print_message("gaps %llu, healed %llu, snapshots %llu, retries %llu, outdated %llu, "
                      "duplicates %llu, mismatches %llu, event resets %llu\n",
                      (unsigned long long)sum.gaps, (unsigned long long)sum.healed,
                      (unsigned long long)sum.snapshots, (unsigned long long)sum.retries,
                      (unsigned long long)sum.outdated, (unsigned long long)sum.duplicates,
                      (unsigned long long)sum.mismatches, (unsigned long long)sum.event_resets);
        assert_true(sum.duplicates > 0 && sum.gaps > 0 && sum.healed > 0);
        assert_true(sum.snapshots > 0 && sum.retries > 0 && sum.event_resets > 0);
        assert_int_equal(sum.malformed, 0);
        assert_int_equal(sum.refused, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories_converge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
