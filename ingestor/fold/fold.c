/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/config/partition.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/fold/fold_rows.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/member.h"
#include "ingestor/fold/member_status.h"
#include "ingestor/fold/refresh.h"
#include "ingestor/fold/saved/fold_digest.h"
#include "ingestor/fold/saved/fold_records.h"
#include "ingestor/fold/types/types.h"

struct fold *fold_create(const struct config *config, uint64_t lanes_owned)
{
    struct fold *fold = x_calloc(1, sizeof *fold);
    fold->config = config;
    fold->lanes = lanes_owned;
    fold->fresh = true;
    fold->since_wanted = true;
    fold->refresh_at = MONO_NEVER;
    mp_doc_init(&fold->figures_doc);
    fold->folded = x_calloc(config->tile_count + 1, sizeof *fold->folded);
    fold->families = x_calloc(config->tile_count + 1, sizeof *fold->families);
    for (size_t i = 0; i < config->tile_count; i++) {
        const struct tile_config *tile = &config->tiles[i];
        const unsigned lane = partition_lane_of_tile(config, tile);
        fold->folded[i] = (lanes_owned >> lane & 1) != 0;
        fold->families[i].config = tile;
        fold->families[i].type = fold_type_of(tile->type);
        fold->families[i].digest = fold_digest(config, tile);
        fold->families[i].complete = true;
        if (fold->folded[i] && tile->group_by.kind == TILE_FIELD_NONE) {
            (void)member_create(fold, &fold->families[i], STR_NULL, FOLD_BEGIN);
        }
    }
    fold_plans_init(&fold->plans, config, fold->folded);
    return fold;
}

void fold_destroy(struct fold **fold_p)
{
    struct fold *fold = *fold_p;
    if (fold == NULL) {
        return;
    }
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        family_finish(fold, &fold->families[i]);
    }
    fold_plans_finish(&fold->plans);
    heap_free(&fold->wake);
    heap_free(&fold->publish);
    waiting_finish(&fold->waiting);
    buf_free(&fold->put_off.to);
    buf_free(&fold->put_off.done);
    buf_free(&fold->value);
    buf_free(&fold->figures);
    mp_doc_free(&fold->figures_doc);
    buf_free(&fold->build_waits);
    state_changes_free(&fold->carried);
    fold_retired_free_all(fold);
    fold_places_free(&fold->places);
    free(fold->families);
    free(fold->folded);
    free(fold);
    *fold_p = NULL;
}

const struct fold_counters *fold_counters(const struct fold *fold)
{
    return &fold->counters;
}

size_t fold_waiting(const struct fold *fold)
{
    return waiting_count(&fold->waiting);
}

/* ---- Rows and time ---- */

void fold_source_begins(struct fold *fold, const struct event *event, struct moment now)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *family = &fold->families[i];
        const struct fold_since *since = &family->since;
        if (family_counts(family, UINT64_C(1) << event->source) &&
            (!since->known || event->timestamp.us < since->time.us)) {
            family->since = fold_since_row(event);
            family->recorded = false;
            family_mark_dirty(fold, family, now.mono);
        }
    }
}

/* Tiles begin with the first row of each source that they count. */
static void begin_with(struct fold *fold, const struct event *event, struct moment now)
{
    const uint64_t source = UINT64_C(1) << event->source;
    if ((fold->since_seen & source) != 0) {
        return;
    }
    fold_source_begins(fold, event, now);
    fold->since_seen |= source;
    fold->since_wanted = fold->since_seen + 1 < UINT64_C(1) << fold->config->source_count;
}

void fold_event(struct fold *fold, const struct event *event, struct moment now)
{
    fold->counters.events++;
    fold_reach(fold, now.wall);
    if (fold->since_wanted) {
        begin_with(fold, event, now);
    }
    if (event->timestamp.us > now.wall.us || waiting_puts_off(&fold->waiting, event->timestamp)) {
        fold_wait_for(fold, event, now);
    } else {
        fold_row(fold, event, FOLD_ROW_NEW, now);
    }
}

/* Brings the member's status up to now, and has it handed out when it says something else then. */
static void update_status(struct fold *fold, struct member *member, struct moment now)
{
    const enum trouble_change change = member_status_update(fold, member, now.wall);
    if (change != TROUBLE_SAME) {
        member_touch(member);
        member->dirty = true;
        member->urgent = member->urgent || change == TROUBLE_CHANGED;
        member_schedule_publish(fold, member, now.mono);
    }
}

void fold_advance(struct fold *fold, struct moment now)
{
    fold_due(fold, now);
    fold_put_off_note(fold, now);
    struct heap_item *top;
    while ((top = heap_top(&fold->wake)) != NULL && top->key <= now.wall.us) {
        struct member *member = heap_entry(top, struct member, wake);
        const struct family *family = member->family;
        if (family->type->advance != NULL &&
            family->type->advance(member->state, family->config, now.wall)) {
            member_mark_dirty(fold, member, now.mono);
        }
        if (!member->hidden && member_is_idle(member, now.wall)) {
            member_hide(fold, member, now.mono);
        }
        update_status(fold, member, now);
        member_reschedule_wake(fold, member);
    }
}

/* How long it is until a moment of one clock; INT64_MAX stands for never. */
static int64_t wait_us(int64_t now_us, int64_t at_us)
{
    const int64_t wait = at_us - now_us;
    return at_us == INT64_MAX ? at_us : wait > 0 ? wait : 0;
}

int64_t fold_wait_us(const struct fold *fold, struct moment now)
{
    const struct heap_item *wake = heap_top(&fold->wake);
    const struct heap_item *publish = heap_top(&fold->publish);
    const int64_t waits_us[] = {
        wake != NULL ? wait_us(now.wall.us, wake->key) : INT64_MAX,
        publish != NULL ? wait_us(now.mono.us, publish->key) : INT64_MAX,
        wait_us(now.wall.us, waiting_next(&fold->waiting).us),
        fold_put_off_wait_us(fold, now.wall),
        wait_us(now.mono.us, fold->refresh_at.us),
        fold->republish ? 0 : INT64_MAX,
    };
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < sizeof waits_us / sizeof *waits_us; i++) {
        least = waits_us[i] < least ? waits_us[i] : least;
    }
    return least;
}

/* ---- Handing out ---- */

/* What the tile knows of the rows before it: since when, whether that is all, and how far it is.
 * Returns the number of members appended. */
static size_t write_history(const struct fold *fold, const struct family *family, struct buf *out)
{
    size_t count = 1;
    char time[WALL_TEXT_SIZE];
    if (family->since.known) {
        mp_put_text(out, "since");
        mp_put_map(out, 2);
        mp_put_text(out, "position");
        mp_put_text(out, family->since.position);
        mp_put_text(out, "time");
        mp_put_text(out, wall_format(family->since.time, time));
        count++;
    }
    mp_put_text(out, "complete");
    mp_put_bool(out, family->complete);
    const bool lacks = family_counts(family, fold->put_off.lacking);
    if (family->build != BUILD_NONE || lacks) {
        const int permille =
            family->build != BUILD_NONE ? family->build_permille : fold->put_off.permille;
        mp_put_text(out, "building");
        mp_put_map(out, 1);
        mp_put_text(out, "progress");
        mp_put_number(out, permille / 1000.0);
        count++;
    }
    return count;
}

static size_t put_member_text(struct buf *out, const char *name, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    mp_put_text(out, name);
    mp_put_text(out, text);
    return 1;
}

/* Writes how people see the tile: what the file says of it, and where in the file it stands. */
static void write_display(const struct tile_config *config, struct buf *out)
{
    const struct tile_display *display = &config->display;
    const bool plain = display->format == TILE_FORMAT_NUMBER;
    mp_put_text(out, "display");
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "order");
    mp_put_uint(out, display->order);
    map.count++;
    map.count += put_member_text(out, "group", display->group);
    map.count += put_member_text(out, "unit", config->unit);
    map.count += put_member_text(out, "format", plain ? NULL : tile_format_name(display->format));
    if (display->has_decimals) {
        mp_put_text(out, "decimals");
        mp_put_uint(out, display->decimals);
        map.count++;
    }
    map.count += put_member_text(out, "link", display->link);
    map.count += put_member_text(out, "item_link", display->item_link);
    map.count += put_member_text(out, "annotations", display->annotations);
    mp_close_map(out, map);
}

/* Writes the member's whole value into the scratch buffer, after letting its time pass. */
static void write_value(struct fold *fold, struct member *member, struct moment now)
{
    const struct family *family = member->family;
    const struct tile_config *config = family->config;
    if (family->type->advance != NULL) {
        (void)family->type->advance(member->state, config, now.wall);
    }
    update_status(fold, member, now);
    struct buf *out = &fold->value;
    buf_clear(out);
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "type");
    mp_put_text(out, tile_type_name(config->type));
    mp_put_text(out, "title");
    mp_put_text(out, config->title);
    mp_put_text(out, "refresh");
    mp_put_map(out, 2);
    mp_put_text(out, "policy");
    mp_put_text(out, tile_refresh_policy_name(config->refresh));
    mp_put_text(out, "min_interval_ms");
    mp_put_int(out, config->min_interval_ms);
    write_display(config, out);
    map.count += 4;
    map.count += write_history(fold, family, out);
    map.count += member_status_write(member, out);
    if (member->group.p != NULL) {
        mp_put_text(out, "group");
        mp_put_map(out, 2);
        mp_put_text(out, "by");
        mp_put_text(out, config->group_by.text);
        mp_put_text(out, "value");
        mp_put_str(out, member->group);
        map.count++;
    }
    mp_put_text(out, "data");
    family->type->write(member->state, config, out);
    map.count++;
    mp_close_map(out, map);
}

/* What hands members out. */
struct flush {
    struct fold *fold;
    struct moment now;
    void (*publish)(void *arg, const struct fold_output *output);
    void *arg;
};

static void hand_out(void *arg, struct member *member)
{
    const struct flush *flush = arg;
    struct fold *fold = flush->fold;
    const struct moment now = flush->now;
    if (!member->hidden) {
        write_value(fold, member, now);
    }
    const struct fold_output output = {
        .key = str_of(member->key),
        .config = member->family->config,
        .removed = member->hidden,
        .keyframe = member->whole || !member->ever_published || !member->dirty,
        .value = member->hidden ? STR_NULL : buf_str(&fold->value),
        .has_status = member_has_status(member) && member->status.known,
        .level = trouble_level(&member->status, &member->family->config->thresholds),
        .status_since = {member->status.since_us},
        .arrival = member->arrival,
        .source = member->source,
        .tally = member->tally,
    };
    member->published = now.mono;
    member->ever_published = !member->hidden;
    member->dirty = false;
    member->urgent = false;
    member->whole = false;
    member->arrival = (wall_time){0};
    flush->publish(flush->arg, &output);
    member_schedule_publish(fold, member, now.mono);
    member_schedule_wake(fold, member); /* because writing the value let its time pass */
}

static void hand_out_whole(void *arg, struct member *member)
{
    if (member->whole) {
        hand_out(arg, member);
    }
}

/* In the order of the families, which costs less than to find them one by one. */
static void hand_out_all(struct flush *flush)
{
    struct fold *fold = flush->fold;
    fold->republish = false;
    family_each_member(fold, hand_out_whole, flush);
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        refresh_begin(fold, &fold->families[i], flush->now.mono);
    }
}

void fold_flush(struct fold *fold, struct moment now,
                void (*publish)(void *arg, const struct fold_output *output), void *arg)
{
    struct flush flush = {fold, now, publish, arg};
    struct heap_item *top;
    if (fold->republish) {
        hand_out_all(&flush);
    }
    while ((top = heap_top(&fold->publish)) != NULL && top->key <= now.mono.us) {
        hand_out(&flush, heap_entry(top, struct member, publish));
    }
    refresh_step(fold, now.mono, hand_out, &flush);
}

static void republish_one(void *arg, struct member *member)
{
    (void)arg;
    if (!member->hidden) {
        member->whole = true;
        /* What is told again is no news: it must not count as a row's delay. */
        member->arrival = (wall_time){0};
    }
}

void fold_republish(struct fold *fold)
{
    fold->republish = true;
    family_each_member(fold, republish_one, NULL);
}
