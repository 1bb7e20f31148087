/* SPDX-License-Identifier: Apache-2.0 */
/* A history of tiles and rows, and the model of which rows each tile has to know
 * (test_histories.c). */
#ifndef TESTS_INGESTOR_FOLD_FOLD_HISTORY_H
#define TESTS_INGESTOR_FOLD_FOLD_HISTORY_H

#include "common/base/xalloc.h"
#include "ingestor/fold/fold_reload.h"
#include "ingestor/fold/saved/fold_places.h"
#include "tests/ingestor/fold/fold_saved.h"

#define ROWS_MAX 1500
#define CONFIGS_MAX 64

/* ---- What there may be ---- */

#define KEYS 8
#define VARIANTS 2

static const char *const definitions[KEYS][VARIANTS] = {
    {"key: ever, type: count", "key: ever, type: count, match: {event_type: made}"},
    {"key: window, type: count, window: 20s", "key: window, type: count, window: 40s"},
    {"key: trend, type: trend, step: 1s, length: 60, aggregate: sum, value: payload.v",
     "key: trend, type: trend, metric: m, step: 5s, length: 20, aggregate: last"},
    {"key: gauge, type: gauge, metric: m", "key: gauge, type: count, metric: m"},
    {"key: sla, type: sla_risk, opens: {event_type: made}, closes: {event_type: done}, item: "
     "target_id, within: 30s, at_risk: 10s",
     "key: sla, type: sla_risk, opens: {event_type: \"*a*e*\"}, closes: {event_type: done}, item: "
     "target_id, within: 10s, at_risk: 3s"},
    {"key: backlog, type: backlog, item: target_id, breakdown: payload.team, states: {made: open, "
     "taken: busy, done: null}",
     "key: backlog, type: backlog, item: payload.team, states: {made: open, done: null}"},
    {"key: family, type: count, group_by: payload.team, idle: 8s",
     "key: family, type: backlog, group_by: payload.team, idle: 8s, item: target_id, states: "
     "{made: open, done: null}"},
    {"key: far, type: count, match: {event_type: far}",
     "key: far, type: trend, match: {event_type: far}, step: 1s, length: 60, aggregate: count"},
};

static const char *const types[] = {"made", "taken", "done", "metrics.updated", "far"};

/* The types that each of them wants, as places in `types`. */
static const char *const wanted_by[KEYS][VARIANTS] = {
    {"01234", "0"}, {"01234", "01234"}, {"01234", "3"},  {"3", "3"},
    {"02", "0123"}, {"012", "02"},      {"01234", "02"}, {"4", "4"}};

struct row {
    wall_time timestamp;
    int type; /* its place in `types` */
    char target[8];
    char payload[96];
    bool deleted;
};

enum phase { PHASE_GONE, PHASE_NONE, PHASE_WAITING, PHASE_READING };

/* A tile, as the model sees it. */
struct believed {
    enum phase phase;
    bool knows[ROWS_MAX];
    /* What is kept of it while it is configured no more, and until it has come back. */
    bool kept;
    bool lost; /* but not in the store any more */
    size_t place;
    bool knew[ROWS_MAX];
};

/* All that a crash takes back to what was stored. */
struct world {
    wall_time reached;
    bool any; /* false: nothing was stored, or it was lost */
    size_t delivered;
    bool waits[ROWS_MAX]; /* and is kept: some tile wants it */
    struct believed tiles[KEYS][VARIANTS];
};

struct history {
    unsigned seed;
    bool long_places; /* so long that they are records of their own (fold_places.h) */
    struct row rows[ROWS_MAX];
    size_t count;
    struct world now;
    struct world saving; /* what `changes` brings the store to */
    struct world stored;
    bool under_way;
    struct state_changes changes;
    struct state_changes store;
    int variants[KEYS]; /* -1: not configured */
    struct fold_test t;
    struct config *configs[CONFIGS_MAX]; /* earlier ones of this life, which the fold may use */
    size_t config_count;
    size_t past_at; /* of the build that is under way */
    size_t past_end;
    wall_time began;
    wall_time reached; /* where the clock stood before it was set back */
    bool building;
};

static inline int chance(struct history *h, int of)
{
    return rand_r(&h->seed) % of;
}

static inline wall_time later(wall_time a, wall_time b)
{
    return a.us > b.us ? a : b;
}

/* ---- Folds ---- */

static inline void append_tiles(struct buf *text, const int variants[KEYS])
{
    for (size_t k = 0; k < KEYS; k++) {
        if (variants[k] >= 0) {
            buf_printf(text, "  - {%s}\n", definitions[k][variants[k]]);
        }
    }
}

static inline void fold_begin(struct fold_test *t, const int variants[KEYS])
{
    struct buf text = {0};
    append_tiles(&text, variants);
    fold_test_init(t, buf_cstr(&text));
    buf_free(&text);
}

static inline struct event event_of(const struct row *row, size_t i)
{
    return (struct event){.id = {.number = (int64_t)i + 1},
                          .ordinal = i + 1,
                          .timestamp = row->timestamp,
                          .arrival = row->timestamp,
                          .event_type = str_of(types[row->type]),
                          .target_id = str_of(row->target),
                          .payload = str_of(row->payload)};
}

static inline struct moment moment_of(const struct history *h)
{
    return h->t.now;
}

/* ---- The model ---- */

/* The row is kept until its time comes. Of a row that no tile wants only the table knows. */
static inline void await(struct history *h, size_t i)
{
    for (size_t k = 0; k < KEYS; k++) {
        if (h->variants[k] >= 0 && strchr(wanted_by[k][h->variants[k]], '0' + h->rows[i].type)) {
            h->now.waits[i] = h->rows[i].timestamp.us > h->t.now.wall.us;
        }
    }
}

static inline void deliver(struct history *h, size_t i)
{
    const struct event event = event_of(&h->rows[i], i);
    fold_event(h->t.fold, &event, h->t.now);
    await(h, i);
    for (size_t k = 0; k < KEYS; k++) {
        for (size_t v = 0; v < VARIANTS; v++) {
            struct believed *b = &h->now.tiles[k][v];
            if (b->phase == PHASE_NONE || b->phase == PHASE_READING) {
                b->knows[i] = true;
            }
        }
    }
}

static inline void let_due(struct history *h)
{
    for (size_t i = 0; i < h->now.delivered; i++) {
        h->now.waits[i] = h->now.waits[i] && h->rows[i].timestamp.us > h->t.now.wall.us;
    }
}

static inline void pass(struct history *h, int64_t ms)
{
    pass_ms(&h->t, ms);
    let_due(h);
    flush(&h->t);
}

/* The world as a save of now leaves it. */
static inline void note_saving(struct history *h)
{
    h->now.reached = later(h->now.reached, h->t.now.wall);
    h->saving = h->now;
    h->saving.any = true;
    for (size_t k = 0; k < KEYS; k++) {
        for (size_t v = 0; v < VARIANTS; v++) {
            struct believed *b = &h->saving.tiles[k][v];
            if (b->phase == PHASE_WAITING || b->phase == PHASE_READING) {
                b->phase = PHASE_GONE; /* nothing is saved of what is not built */
                b->kept = b->kept && !b->lost;
            }
        }
    }
}

#define PLACE_SIZE (PLACE_SHORT_MAX + 32)

/* Where the source stands when it has delivered so many rows. */
static inline void place_text(const struct history *h, size_t delivered, char place[PLACE_SIZE])
{
    snprintf(place, PLACE_SIZE, "%0*zu", h->long_places ? PLACE_SHORT_MAX + 20 : 1, delivered);
}

static inline void choose(struct history *h)
{
    for (size_t k = 0; k < KEYS; k++) {
        h->variants[k] = chance(h, 5) - 1;
        h->variants[k] = h->variants[k] >= 0 ? h->variants[k] % VARIANTS : -1;
    }
}

/* The tile is configured, and has to be built. */
static inline void await_build(struct believed *b)
{
    b->phase = PHASE_WAITING;
    if (b->kept) {
        memcpy(b->knows, b->knew, sizeof b->knows);
    } else {
        memset(b->knows, 0, sizeof b->knows);
    }
}

/* The tile is not configured any more. What is kept of one that had just come back is as it was.
 * Rows that wait are among those that it knows. */
static inline void retire(const struct history *h, struct believed *b)
{
    if (b->phase == PHASE_NONE) {
        b->kept = true;
        b->place = h->now.delivered;
        memcpy(b->knew, b->knows, sizeof b->knew);
    } else {
        b->kept = b->kept && !b->lost;
    }
    b->phase = PHASE_GONE;
    b->lost = false;
}

/* What becomes of what was stored, with the tiles that are configured now. */
static inline void take_over(struct history *h)
{
    h->now = h->stored;
    for (size_t k = 0; k < KEYS; k++) {
        for (int v = 0; v < VARIANTS; v++) {
            struct believed *b = &h->now.tiles[k][v];
            const bool wanted = h->variants[k] == v;
            b->lost = false;
            if (wanted && b->phase == PHASE_NONE) {
                continue;
            }
            if (wanted) {
                await_build(b);
            } else if (b->phase == PHASE_NONE) {
                retire(h, b);
            }
        }
    }
}

/* All that is there is delivered again. */
static inline void begin_anew(struct history *h)
{
    const size_t delivered = h->count;
    memset(&h->now, 0, sizeof h->now);
    for (size_t k = 0; k < KEYS; k++) {
        for (int v = 0; v < VARIANTS; v++) {
            h->now.tiles[k][v].phase = h->variants[k] == v ? PHASE_NONE : PHASE_GONE;
        }
    }
    for (size_t i = 0; i < delivered; i++) {
        h->now.delivered = i + 1;
        if (!h->rows[i].deleted) {
            deliver(h, i);
        }
    }
}

static inline void deliver_new(struct history *h)
{
    while (h->now.delivered < h->count) {
        const size_t i = h->now.delivered++;
        if (!h->rows[i].deleted) {
            deliver(h, i);
        }
    }
}

#endif
