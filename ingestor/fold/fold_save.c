/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_save.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_digest.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/member.h"

/* The first element of what fold_save writes: 2 when rows wait for their time, which programs that
 * know only 1 would lose. It must change whenever a released fold_load would misread what follows
 * it. */
#define SAVE_FORMAT 1
#define SAVE_FORMAT_WAITING 2

/* ---- Saving ---- */

static void count_one(void *arg, struct member *member)
{
    (void)member;
    ++*(size_t *)arg;
}

static void save_one(void *arg, struct member *member)
{
    struct buf *out = arg;
    const struct family *family = member->family;
    mp_put_array(out, 7);
    mp_put_text(out, family->config->key);
    mp_put_uint(out, fold_digest(family->config));
    if (member->group.p != NULL) {
        mp_put_bin(out, member->group);
    } else {
        mp_put_nil(out);
    }
    mp_put_int(out, member->latest.us);
    mp_put_bool(out, member->hidden);
    family->type->save(member->state, family->config, out);
    tally_put(out, &member->tally);
}

void fold_save(const struct fold *fold, struct buf *out)
{
    size_t count = 0;
    family_each_member(fold, count_one, &count);
    const bool waiting = waiting_count(&fold->waiting) != 0;
    mp_put_array(out, waiting ? 3 : 2);
    mp_put_int(out, waiting ? SAVE_FORMAT_WAITING : SAVE_FORMAT);
    mp_put_array(out, count);
    family_each_member(fold, save_one, out);
    if (waiting) {
        waiting_save(&fold->waiting, out);
    }
}

/* ---- Loading ---- */

/* The family of that key; NULL when no such tile is configured. */
static struct family *family_of(struct fold *fold, struct str key)
{
    const struct tile_config *config = config_tile(fold->config, key);
    return config != NULL ? &fold->families[config - fold->config->tiles] : NULL;
}

/* Loads one member. Sets the family's place in `loaded`, or *rebuild. */
static int load_one(struct fold *fold, const mp_value *saved, bool *loaded, bool *rebuild)
{
    struct str key;
    struct str group = STR_NULL;
    uint64_t digest;
    wall_time latest;
    bool hidden;
    if (!mp_as_str(mp_at(saved, 0), &key) || !mp_as_uint(mp_at(saved, 1), &digest) ||
        (!mp_is_nil(mp_at(saved, 2)) && !mp_as_bin(mp_at(saved, 2), &group)) ||
        !mp_as_int(mp_at(saved, 3), &latest.us) || !mp_as_bool(mp_at(saved, 4), &hidden)) {
        return STATUS_INVALID;
    }
    struct family *family = family_of(fold, key);
    if (family == NULL || !fold->folded[family - fold->families]) {
        return STATUS_OK; /* the tile is not wanted any more */
    }
    if (digest != fold_digest(family->config)) {
        *rebuild = true;
        return STATUS_OK;
    }
    struct member *member = family->single;
    if (group.p != NULL) {
        if (family_find(family, group) != NULL || family->single != NULL) {
            return STATUS_INVALID;
        }
        member = member_create(fold, family, group, FOLD_BEGIN);
    }
    if (member == NULL || !family->type->load(member->state, family->config, mp_at(saved, 5))) {
        return STATUS_INVALID;
    }
    member->latest = latest;
    member->tally = tally_read(mp_at(saved, 6));
    member->hidden = hidden && group.p != NULL;
    loaded[family - fold->families] = true;
    member_schedule_publish(fold, member, (mono_time){0});
    member_schedule_wake(fold, member);
    return STATUS_OK;
}

int fold_load(struct fold *fold, struct str data, bool *rebuild, struct error *err)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    bool *loaded = x_calloc(fold->config->tile_count + 1, sizeof *loaded);
    int64_t format = 0;
    int status = mp_parse(&doc, data.p, data.len);
    const mp_value *members = mp_at(&doc.root, 1);
    if (status == STATUS_OK &&
        (!mp_as_int(mp_at(&doc.root, 0), &format) ||
         (format != SAVE_FORMAT && format != SAVE_FORMAT_WAITING) ||
         (format == SAVE_FORMAT_WAITING &&
          !waiting_load(&fold->waiting, &fold->config->source, mp_at(&doc.root, 2))))) {
        status = format > SAVE_FORMAT_WAITING ? STATUS_NEWER : STATUS_INVALID;
    }
    *rebuild = false;
    for (size_t i = 0; i < mp_count(members) && status == STATUS_OK; i++) {
        status = load_one(fold, mp_at(members, i), loaded, rebuild);
    }
    /* A tile that is new needs the rows that were folded before it was defined. */
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        const bool family = fold->config->tiles[i].group_by.kind != TILE_FIELD_NONE;
        *rebuild = *rebuild || (fold->folded[i] && !loaded[i] && !family);
    }
    free(loaded);
    mp_doc_free(&doc);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status == STATUS_NEWER ? status : STATUS_INVALID,
                                           "the fold's state in the checkpoint cannot be read");
}
