/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/saved/fold_legacy.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/member.h"
#include "ingestor/fold/saved/fold_digest.h"

/* The first element: 2 when rows wait for their time, which programs that know only 1 would lose.
 */
#define SAVE_FORMAT 1
#define SAVE_FORMAT_WAITING 2

/* The family of that key; NULL when no such tile is configured. */
static struct family *family_of(struct fold *fold, struct str key)
{
    const struct tile_config *config = config_tile(fold->config, key);
    return config != NULL ? &fold->families[config - fold->config->tiles] : NULL;
}

/* Loads one member. Its family has what it needs then. */
static int load_one(struct fold *fold, const mp_value *saved)
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
    if (digest != fold_digest_of_definition(family->config)) {
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
    member->tally = tally_read(mp_at(saved, 6)); /* older versions did not know it */
    member->hidden = hidden && group.p != NULL;
    family->build = BUILD_NONE;
    member_schedule_publish(fold, member, (mono_time){0});
    member_schedule_wake(fold, member);
    return STATUS_OK;
}

/* A definition with group_by whose tiles are all gone is not in the checkpoint at all, so that it
 * cannot be told from one that is new or has changed: it is built, too, which costs no more than
 * reading the table. */
static void expect_builds(struct fold *fold)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        fold->families[i].build = fold->folded[i] ? BUILD_WAITING : BUILD_NONE;
        fold->families[i].complete = true;
    }
}

int fold_load_legacy(struct fold *fold, struct str data, struct error *err)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    int64_t format = 0;
    int status = mp_parse(&doc, data.p, data.len);
    const mp_value *members = mp_at(&doc.root, 1);
    if (status == STATUS_OK &&
        (!mp_as_int(mp_at(&doc.root, 0), &format) ||
         (format != SAVE_FORMAT && format != SAVE_FORMAT_WAITING) ||
         (format == SAVE_FORMAT_WAITING &&
          !waiting_load(&fold->waiting, &fold->config->source, NULL, mp_at(&doc.root, 2))))) {
        status = format > SAVE_FORMAT_WAITING ? STATUS_NEWER : STATUS_INVALID;
    }
    expect_builds(fold);
    fold->waiting_unsaved = true;
    fold->since_wanted = false;
    for (size_t i = 0; i < mp_count(members) && status == STATUS_OK; i++) {
        status = load_one(fold, mp_at(members, i));
    }
    mp_doc_free(&doc);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status == STATUS_NEWER ? status : STATUS_INVALID,
                                           "the fold's state in the checkpoint cannot be read");
}
