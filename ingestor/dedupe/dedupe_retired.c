/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/dedupe/dedupe_retired.h"

#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ingestor/dedupe/dedupe_one.h"
#include "ingestor/fold/saved/fold_save.h"

#define SINCE_ITEM 2

void dedupe_retired_free(struct dedupe_retired *retired)
{
    free(retired->list);
    *retired = (struct dedupe_retired){0};
}

static bool is_configured(const struct config *config, uint64_t member)
{
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].name != NULL &&
            dedupe_one_records(&config->sources[i]).whole.member == member) {
            return true;
        }
    }
    return false;
}

/* The entry of that member. Records come in the order of their members. */
static struct dedupe_gone *gone_of(struct dedupe_retired *retired, uint64_t member, wall_time now)
{
    struct dedupe_gone *last = retired->count != 0 ? &retired->list[retired->count - 1] : NULL;
    if (last == NULL || last->member != member) {
        retired->list = x_reallocarray(retired->list, retired->count + 1, sizeof *retired->list);
        last = &retired->list[retired->count++];
        *last = (struct dedupe_gone){.member = member, .at = now};
    }
    return last;
}

static void read_since(struct dedupe_gone *gone, struct str value)
{
    struct mp_doc doc;
    int64_t us;
    mp_doc_init(&doc);
    if (mp_parse(&doc, value.p, value.len) == STATUS_OK && mp_as_int(&doc.root, &us)) {
        gone->at.us = us;
        gone->recorded = true;
    }
    mp_doc_free(&doc);
}

void dedupe_retired_load(struct dedupe_retired *retired, const struct config *config,
                         const struct state_changes *saved, wall_time now,
                         struct state_changes *out)
{
    dedupe_retired_free(retired);
    for (size_t i = 0; i < saved->count && saved->list[i].id.tile == 0; i++) {
        const struct state_change *change = &saved->list[i];
        const uint64_t member = dedupe_one_member(change->id.member);
        if (member == 0 || change->kind != STATE_PUT) {
            continue;
        }
        const bool since = change->id.member == member && change->id.item == SINCE_ITEM;
        if (!is_configured(config, member)) {
            struct dedupe_gone *gone = gone_of(retired, member, now);
            if (since) {
                read_since(gone, state_value(saved, change));
            }
        } else if (since) {
            state_gone(out, STATE_ITEM_GONE, change->id);
        }
    }
}

static void forget(uint64_t member, struct state_changes *out)
{
    for (uint64_t i = 0; i < DEDUPE_MEMBERS; i++) {
        state_gone(out, STATE_MEMBER_GONE, (struct state_id){.member = member + i});
    }
}

void dedupe_retired_save(struct dedupe_retired *retired, wall_time now, struct state_changes *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < retired->count; i++) {
        struct dedupe_gone *gone = &retired->list[i];
        if (now.us - gone->at.us > RETIRED_KEEP_US) {
            forget(gone->member, out);
            continue;
        }
        if (!gone->recorded) {
            const struct state_id id = {.member = gone->member, .item = SINCE_ITEM};
            mp_put_int(state_put_begin(out, id), gone->at.us);
            state_put_end(out);
            gone->recorded = true;
        }
        retired->list[kept++] = *gone;
    }
    retired->count = kept;
}
