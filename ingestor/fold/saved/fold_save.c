/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/saved/fold_save.h"

#include <stdlib.h>

#include <utlist.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/member.h"
#include "ingestor/fold/saved/fold_records.h"
#include "ingestor/fold/types/items.h"

/* What is being saved, for the callbacks. */
struct saving {
    const struct member *member;
    struct state_changes *out;
};

static struct state_id item_id(const struct member *member, uint64_t item)
{
    return (struct state_id){member->family->number, member->number, item};
}

static void put_item(void *arg, const struct item *item)
{
    const struct saving *saving = arg;
    struct buf *value = state_put_begin(saving->out, item_id(saving->member, item->number));
    saving->member->family->type->save_item(saving->member->state, item, value);
    state_put_end(saving->out);
}

static void drop_item(void *arg, uint64_t number)
{
    const struct saving *saving = arg;
    state_gone(saving->out, STATE_ITEM_GONE, item_id(saving->member, number));
}

static void save_member(struct member *member, struct state_changes *out)
{
    const struct family *family = member->family;
    struct buf *value = state_put_begin(out, item_id(member, 0));
    mp_put_array(value, 6);
    if (member->group.p != NULL) {
        mp_put_bin(value, member->group);
    } else {
        mp_put_nil(value);
    }
    mp_put_int(value, member->latest.us);
    mp_put_bool(value, member->hidden);
    family->type->save(member->state, family->config, value);
    tally_put(value, &member->tally);
    trouble_save(&member->status, value);
    state_put_end(out);
    member->unsaved = false;
    member->recorded = true;
    if (family->type->items != NULL) {
        struct saving saving = {member, out};
        items_save(family->type->items(member->state), put_item, drop_item, &saving);
    }
}

static void save_family(struct fold *fold, struct family *family, struct state_changes *out)
{
    struct member *member;
    struct member *next;
    if (family->number == 0) {
        family->number = ++fold->numbers;
    }
    if (!family->recorded) {
        const struct fold_record record = {
            .key = str_of(family->config->key),
            .digest = family->digest,
            .since = family->since,
            .complete = family->complete,
            .place = STR_NULL,
        };
        fold_record_put(&record, family->number, out);
        family->recorded = true;
    }
    for (size_t at = 0; at < family->gone.len; at += sizeof(uint64_t)) {
        struct state_id id = {.tile = family->number};
        memcpy(&id.member, family->gone.data + at, sizeof id.member);
        state_gone(out, STATE_MEMBER_GONE, id);
    }
    buf_free(&family->gone);
    DL_FOREACH_SAFE(family->unsaved, member, next)
    {
        save_member(member, out);
    }
    family->unsaved = NULL;
}

/* Saves the retired tiles, and drops those whose time is over. */
static void save_retired(struct fold *fold, wall_time now, struct state_changes *out)
{
    struct retired *r;
    struct retired *next;
    LL_FOREACH_SAFE(fold->retired, r, next)
    {
        if (now.us - r->at.us > RETIRED_KEEP_US) {
            state_gone(out, STATE_TILE_GONE, (struct state_id){.tile = r->number});
            LL_DELETE(fold->retired, r);
            fold_retired_free(fold, r);
        } else if (!r->recorded) {
            const struct fold_record record = {.key = r->key,
                                               .digest = r->digest,
                                               .since = r->since,
                                               .complete = r->complete,
                                               .retired_at = r->at,
                                               .place = r->place->bytes,
                                               .place_number = r->place->number,
                                               .waits = r->waits,
                                               .spoiled = r->spoiled};
            fold_record_put(&record, r->number, out);
            r->recorded = true;
        }
    }
}

void fold_save(struct fold *fold, wall_time now, struct state_changes *out)
{
    if (fold->fresh) {
        state_gone(out, STATE_ALL_GONE, (struct state_id){0});
        fold->fresh = false;
        fold->waiting_unsaved = true;
    }
    state_changes_append(out, &fold->carried);
    state_changes_clear(&fold->carried);
    save_retired(fold, now, out);
    fold_places_save(&fold->places, out);
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *family = &fold->families[i];
        if (fold->folded[i] && family->build == BUILD_NONE) {
            save_family(fold, family, out);
        }
    }
    if (fold->waiting_unsaved) {
        waiting_save(&fold->waiting,
                     state_put_begin(out, (struct state_id){.item = STATE_WAITING}));
        state_put_end(out);
        waiting_save_columns(
            &fold->config->source,
            state_put_begin(out, (struct state_id){.item = STATE_WAITING_COLUMNS}));
        state_put_end(out);
        waiting_save_put_off(&fold->waiting, fold->config,
                             state_put_begin(out, (struct state_id){.item = STATE_PUT_OFF}));
        state_put_end(out);
        fold->waiting_unsaved = false;
    }
    fold_put_off_save(fold, out);
}

static void unsave_member(void *arg, struct member *member)
{
    (void)arg;
    const struct fold_type *type = member->family->type;
    member_touch(member);
    if (type->items != NULL) {
        items_unsave(type->items(member->state));
    }
}

/* Everything is to be saved, and the tiles' own records, too. */
static void unsave(struct fold *fold)
{
    family_each_member(fold, unsave_member, NULL);
    fold->waiting_unsaved = true;
    fold_put_off_unsave(fold);
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        fold->families[i].recorded = false;
    }
}

/* True when the records of that number are those of a tile that fold_save saves. */
static bool is_saved(const struct fold *fold, uint64_t number)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        const struct family *family = &fold->families[i];
        if (family->number == number && family->build == BUILD_NONE) {
            return true;
        }
    }
    return false;
}

/* Leaves of the list what is not in the fold: that all before is gone, and what becomes of tiles
 * that fold_save does not save. */
static void keep_others(const struct fold *fold, struct state_changes *changes)
{
    struct state_changes kept = {0};
    uint64_t tile = 0;
    bool keep = false;
    state_changes_settle(changes);
    for (size_t i = 0; i < changes->count; i++) {
        const struct state_change *change = &changes->list[i];
        if (change->id.tile != tile) {
            tile = change->id.tile;
            keep = !is_saved(fold, tile);
        }
        keep = tile != 0 ? keep : change->id.member == STATE_RETIRED_PLACES;
        if (change->kind == STATE_PUT && keep) {
            state_put(&kept, change->id, state_value(changes, change));
        } else if (change->kind == STATE_ALL_GONE || (change->kind != STATE_PUT && keep)) {
            state_gone(&kept, change->kind, change->id);
        }
    }
    state_changes_free(changes);
    *changes = kept;
}

void fold_unsave(struct fold *fold, struct state_changes *changes)
{
    keep_others(fold, changes);
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *family = &fold->families[i];
        if (family->number != 0 && family->build == BUILD_NONE) {
            state_gone(changes, STATE_TILE_GONE, (struct state_id){.tile = family->number});
            buf_free(&family->gone);
        }
    }
    unsave(fold);
}

void fold_unsave_all(struct fold *fold)
{
    unsave(fold);
    fold->fresh = true;
    state_changes_clear(&fold->carried);
    fold_retired_free_all(fold);
    fold_places_unsave(&fold->places);
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        buf_free(&fold->families[i].gone);
    }
}

void fold_retire(struct fold *fold, struct family *family, struct str place, wall_time now)
{
    struct fold_record record = {
        .key = str_of(family->config->key),
        .digest = family->digest,
        .since = family->since,
        .complete = family->complete,
        .retired_at = now,
        .place = place,
        .waits = STR_NULL,
    };
    struct buf waits = {0};
    if (family->number == 0 && family->build != BUILD_NONE) {
        return; /* nothing is known of it yet */
    }
    if (family->build != BUILD_NONE) {
        /* It had just come back: what is saved of it is still as it was when it went. */
        record.place = family->build_from != NULL ? family->build_from->bytes : STR("");
        record.waits = family->build_rows.len != 0 ? buf_str(&family->build_rows) : STR_NULL;
        fold_retired_add(fold, &record, family->number, true);
    } else if (fold_retired_note_waits(fold, &record, &waits)) {
        save_family(fold, family, &fold->carried);
        fold_retired_add(fold, &record, family->number, false);
    } else if (family->number != 0) {
        state_gone(&fold->carried, STATE_TILE_GONE, (struct state_id){.tile = family->number});
    }
    buf_free(&waits);
}
