/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_build.h"

#include <stdlib.h>
#include <string.h>

#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/fold/fold_rows.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/saved/fold_records.h"

#define SPOILED_US (60 * US_PER_S) /* see clock_steps.h */

static struct family *next_in(const struct fold *fold, enum build_phase phase, size_t *i)
{
    for (; *i < fold->config->tile_count; ++*i) {
        if (fold->families[*i].build == phase) {
            return &fold->families[(*i)++];
        }
    }
    return NULL;
}

size_t fold_builds(const struct fold *fold)
{
    size_t count = 0;
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        count += fold->families[i].build != BUILD_NONE;
    }
    return count;
}

/* ---- Rows that wait ---- */

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Notes which rows wait now, but for those that have to be read again. */
static void note_waiting(struct fold *fold)
{
    const size_t count = waiting_count(&fold->waiting);
    buf_clear(&fold->build_waits);
    for (size_t i = 0; i < count; i++) {
        struct heap_item *item = fold->waiting.soonest.slots[i].item;
        const struct waiting_row *row = heap_entry(item, struct waiting_row, soonest);
        const int64_t id = tally_id(row->event.id);
        if (!row->lacking) {
            buf_append(&fold->build_waits, &id, sizeof id);
        }
    }
    if (fold->build_waits.len != 0) {
        qsort(fold->build_waits.data, fold->build_waits.len / sizeof(int64_t), sizeof(int64_t),
              compare_ids);
    }
}

/* True when the row waited when the build began. */
static bool waited(const struct fold *fold, const struct event *event)
{
    const int64_t id = tally_id(event->id);
    return event->timestamp.us > fold->build_began.us && fold->build_waits.len != 0 &&
           bsearch(&id, fold->build_waits.data, fold->build_waits.len / sizeof id, sizeof id,
                   compare_ids) != NULL;
}

/* ---- Building ---- */

/* Folds the rows that waited when the tile went, and came to the others while it was away. Those
 * that wait still come to all together; and one that does not, and whose time has not come, was
 * dropped. */
static void fold_missed(struct fold *fold, struct family *family, struct moment now)
{
    struct mp_doc doc;
    struct waiting then = {0};
    struct waiting_row *row;
    mp_doc_init(&doc);
    if (mp_parse(&doc, family->build_rows.data, family->build_rows.len) == STATUS_OK) {
        (void)waiting_load(&then, &fold->config->source, NULL, &doc.root);
        waiting_find_sources(&then, fold->config);
    }
    family->build = BUILD_READING;
    const wall_time until = now.wall.us > fold->reached.us ? now.wall : fold->reached;
    while ((row = waiting_take(&then, until)) != NULL) {
        struct moment at = now;
        at.wall.us = row->event.timestamp.us > at.wall.us ? row->event.timestamp.us : at.wall.us;
        if (!waited(fold, &row->event)) {
            fold_row(fold, &row->event, FOLD_ROW_PAST, at);
        }
        free(row);
    }
    family->build = BUILD_WAITING;
    waiting_finish(&then);
    mp_doc_free(&doc);
}

bool fold_build_next(struct fold *fold, struct moment now, struct str *from)
{
    size_t i = 0;
    struct family *first = next_in(fold, BUILD_WAITING, &i);
    if (first == NULL) {
        return false;
    }
    fold_due(fold, now);
    fold->build_began = now.wall;
    note_waiting(fold);
    memset(fold->build_since, 0, sizeof fold->build_since);
    size_t k = 0;
    for (struct family *f; (f = next_in(fold, BUILD_WAITING, &k)) != NULL;) {
        if (f->build_rows.len != 0 && f->build_from == first->build_from) {
            fold_missed(fold, f, now);
        }
    }
    for (struct family *f = first; f != NULL; f = next_in(fold, BUILD_WAITING, &i)) {
        if (f->build_from == first->build_from) {
            f->build = BUILD_READING;
            f->build_permille = 0;
            family_mark_dirty(fold, f, now.mono);
        }
    }
    *from = first->build_from != NULL ? first->build_from->bytes : STR("");
    return true;
}

void fold_build_event(struct fold *fold, const struct event *event, struct moment now)
{
    struct fold_since *since = &fold->build_since[event->source];
    if (!since->known) {
        *since = fold_since_row(event);
    }
    const int64_t ahead_us = event->timestamp.us - now.wall.us;
    fold_reach(fold, now.wall);
    if (waited(fold, event) || waiting_puts_off(&fold->waiting, event->timestamp)) {
        return;
    }
    if (waiting_complete(&fold->waiting, event)) {
        fold_waiting_trim(fold, now);
        return;
    }
    if (ahead_us > 0 && event->timestamp.us > fold->reached.us) {
        fold_wait_for(fold, event, now); /* no tile asked for it when it came */
        return;
    }
    if (ahead_us > SPOILED_US) {
        return; /* the clock was ahead by so much that others may have lost their rows by it */
    }
    if (ahead_us > 0) {
        now.wall = event->timestamp; /* the clock was set back since others folded it */
    }
    struct event past = *event;
    past.arrival = (wall_time){0}; /* it is no news */
    fold_row(fold, &past, FOLD_ROW_PAST, now);
}

void fold_build_progress(struct fold *fold, double done, struct moment now)
{
    const int permille = done > 0.999 ? 999 : (int)(done * 1000);
    struct family *f;
    for (size_t i = 0; (f = next_in(fold, BUILD_READING, &i)) != NULL;) {
        if (f->build_permille != permille) {
            f->build_permille = permille;
            family_mark_dirty(fold, f, now.mono);
        }
    }
}

/* Since when a tile counts that has seen no row yet. */
static struct fold_since since_now(struct moment now)
{
    return (struct fold_since){.known = true, .position = "0", .time = now.wall};
}

/* The earliest of what the sources of the tiles began with. */
static struct fold_since built_since(const struct fold *fold, const struct family *family,
                                     struct moment now)
{
    struct fold_since first = {0};
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        const struct fold_since *since = &fold->build_since[i];
        if (since->known && family_counts(family, UINT64_C(1) << i) &&
            (!first.known || since->time.us < first.time.us)) {
            first = *since;
        }
    }
    return first.known ? first : since_now(now);
}

void fold_build_end(struct fold *fold, uint64_t gone, struct moment now)
{
    struct family *f;
    for (size_t i = 0; (f = next_in(fold, BUILD_READING, &i)) != NULL;) {
        if (f->build_from == NULL) {
            f->since = built_since(fold, f, now);
            f->complete = !family_counts(f, gone);
        }
        f->build = BUILD_NONE;
        f->recorded = false;
        fold_place_leave(&fold->places, &f->build_from);
        buf_free(&f->build_rows);
        family_mark_dirty(fold, f, now.mono);
    }
    buf_free(&fold->build_waits);
}

static void forget(struct fold *fold, struct family *family)
{
    if (family->number != 0) {
        state_gone(&fold->carried, STATE_TILE_GONE, (struct state_id){.tile = family->number});
    }
    family_begin_anew(fold, family);
}

void fold_build_anew(struct fold *fold)
{
    struct family *f;
    for (size_t i = 0; (f = next_in(fold, BUILD_READING, &i)) != NULL;) {
        forget(fold, f);
    }
}

void fold_built(struct fold *fold, uint64_t gone, struct moment now)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *f = &fold->families[i];
        if (!f->since.known) {
            f->since = since_now(now);
        }
        f->complete = !family_counts(f, gone);
        f->recorded = false;
    }
    fold->since_wanted = false;
}

/* ---- Several sources ---- */

void fold_sources_anew(struct fold *fold, uint64_t sources)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *f = &fold->families[i];
        if (fold->folded[i] && family_counts(f, sources)) {
            forget(fold, f);
        }
    }
    /* Those that are away could not go on either, and nobody knows any more which sources they
     * counted. */
    for (const struct retired *r = fold->retired; r != NULL; r = r->next) {
        state_gone(&fold->carried, STATE_TILE_GONE, (struct state_id){.tile = r->number});
    }
    fold_retired_free_all(fold);
    waiting_drop_sources(&fold->waiting, sources);
    fold_put_off_sources_anew(fold, sources);
    fold->waiting_unsaved = true;
}

void fold_sources_gone(struct fold *fold, uint64_t sources, struct moment now)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *f = &fold->families[i];
        if (f->complete && family_counts(f, sources)) {
            f->complete = false;
            f->recorded = false;
            family_mark_dirty(fold, f, now.mono);
        }
    }
}
