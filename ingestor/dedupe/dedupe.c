/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/dedupe/dedupe.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/dedupe/dedupe_one.h"
#include "ingestor/dedupe/dedupe_retired.h"

struct dedupe {
    struct dedupe_one *of[CONFIG_SOURCES_MAX]; /* by the number of the source; NULL: it has none */
    struct dedupe_retired retired;
};

struct dedupe *dedupe_create(const struct config *config)
{
    struct dedupe *d = config_has_sources(config) ? x_calloc(1, sizeof *d) : NULL;
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].dedupe.kind != TILE_FIELD_NONE) {
            d = d != NULL ? d : x_calloc(1, sizeof *d);
            d->of[i] = dedupe_one_create(&config->sources[i]);
        }
    }
    return d;
}

void dedupe_destroy(struct dedupe **dedupe)
{
    struct dedupe *d = *dedupe;
    for (size_t i = 0; d != NULL && i < CONFIG_SOURCES_MAX; i++) {
        dedupe_one_destroy(&d->of[i]);
    }
    if (d != NULL) {
        dedupe_retired_free(&d->retired);
    }
    free(d);
    *dedupe = NULL;
}

/* ---- Batches ---- */

/* Leaves the events for which `passes` is true. */
static void filter(struct dedupe *d, struct batch *batch,
                   bool (*passes)(struct dedupe_one *, const struct event *))
{
    size_t kept = 0;
    for (size_t i = 0; d != NULL && i < batch->count; i++) {
        const struct event *event = &batch->events[i];
        struct dedupe_one *one = d->of[event->source];
        if (one == NULL || passes(one, event)) {
            batch->events[kept++] = *event;
        }
    }
    batch->count = d != NULL ? kept : batch->count;
}

/* Who comes back after it was forgotten is read from its first row again, whatever is known. */
static void clear_first(struct dedupe *d, const struct batch *batch)
{
    uint64_t rows[CONFIG_SOURCES_MAX] = {0};
    for (size_t i = 0; i < batch->count; i++) {
        rows[batch->events[i].source]++;
    }
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        if (d->of[i] != NULL && rows[i] != 0 && rows[i] == batch->delivered_of[i]) {
            dedupe_one_clear(d->of[i]);
        }
    }
}

void dedupe_new(struct dedupe *d, struct batch *batch)
{
    if (d != NULL) {
        clear_first(d, batch);
    }
    filter(d, batch, dedupe_one_new);
}

void dedupe_past(struct dedupe *d, struct batch *batch)
{
    filter(d, batch, dedupe_one_past);
}

/* ---- All sources ---- */

static void each(struct dedupe *d, uint64_t sources, void (*what)(struct dedupe_one *))
{
    for (size_t i = 0; d != NULL && i < CONFIG_SOURCES_MAX; i++) {
        if (d->of[i] != NULL && (sources >> i & 1) != 0) {
            what(d->of[i]);
        }
    }
}

void dedupe_past_begin(struct dedupe *d)
{
    each(d, UINT64_MAX, dedupe_one_past_begin);
}

void dedupe_past_end(struct dedupe *d)
{
    each(d, UINT64_MAX, dedupe_one_past_end);
}

bool dedupe_past_decides(const struct dedupe *d)
{
    bool decides = false;
    for (size_t i = 0; d != NULL && i < CONFIG_SOURCES_MAX; i++) {
        decides = decides || (d->of[i] != NULL && dedupe_one_past_decides(d->of[i]));
    }
    return decides;
}

void dedupe_clear(struct dedupe *d, uint64_t sources)
{
    each(d, sources, dedupe_one_clear);
}

void dedupe_unsave(struct dedupe *d)
{
    each(d, UINT64_MAX, dedupe_one_unsave);
}

struct dedupe_counters dedupe_counters(const struct dedupe *d)
{
    struct dedupe_counters all = {0};
    for (size_t i = 0; d != NULL && i < CONFIG_SOURCES_MAX; i++) {
        if (d->of[i] != NULL) {
            const struct dedupe_counters one = dedupe_one_counters(d->of[i]);
            all.duplicates += one.duplicates;
            all.cut += one.cut;
            all.known += one.known;
        }
    }
    return all;
}

void dedupe_save(struct dedupe *d, wall_time now, struct state_changes *out)
{
    if (d != NULL) {
        dedupe_retired_save(&d->retired, now, out);
    }
    for (size_t i = 0; d != NULL && i < CONFIG_SOURCES_MAX; i++) {
        if (d->of[i] != NULL) {
            dedupe_one_save(d->of[i], out);
        }
    }
}

int dedupe_load(struct dedupe *d, const struct state_changes *saved, uint64_t unknown,
                struct error *err)
{
    int status = STATUS_OK;
    for (size_t i = 0; d != NULL && i < CONFIG_SOURCES_MAX && status == STATUS_OK; i++) {
        if (d->of[i] != NULL) {
            status = dedupe_one_load(d->of[i], saved, err);
            status = status == STATUS_NOT_FOUND && (unknown >> i & 1) != 0 ? STATUS_OK : status;
        }
    }
    return status;
}

void dedupe_remove(struct dedupe *d, const struct config *config, const struct state_changes *saved,
                   wall_time now, struct state_changes *out)
{
    if (d != NULL) {
        dedupe_retired_load(&d->retired, config, saved, now, out);
    }
    for (size_t s = 0; s < config->source_count; s++) {
        const struct dedupe_records records = dedupe_one_records(&config->sources[s]);
        if (config->sources[s].dedupe.kind != TILE_FIELD_NONE) {
            continue;
        }
        for (size_t i = 0; i < saved->count && saved->list[i].id.tile == 0; i++) {
            const struct state_id id = saved->list[i].id;
            if (id.member == records.known || id.member == records.dropped ||
                (id.member == records.whole.member && id.item == records.whole.item)) {
                state_gone(out, STATE_ITEM_GONE, id);
            }
        }
    }
}
