/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_place.h"

static bool before(struct redis_id a, struct redis_id b)
{
    return redis_id_compare(a, b) < 0;
}

static struct redis_id lesser(struct redis_id a, struct redis_id b)
{
    return before(a, b) ? a : b;
}

/* Entries that were trimmed stood before all that are there. */
static bool was_trimmed(const struct redis_state *state, const struct redis_info *info)
{
    return info->length == 0 || before(state->position, info->first);
}

/* The entry that was verified is there, or was trimmed with all before it. */
static bool holds(const struct redis_state *state, const struct redis_info *info)
{
    if (info->any_verified) {
        return info->digest == state->verified.digest;
    }
    return redis_id_is_zero(state->verified.id) || info->length == 0 ||
           before(state->verified.id, info->first);
}

static enum redis_verdict judge_unread(const struct redis_state *state,
                                       const struct redis_info *info, uint64_t *missed)
{
    const int64_t unread = info->added - state->added;
    if (unread < 0) {
        return REDIS_COMPARE;
    }
    if (redis_id_compare(info->last, state->position) == 0) { /* all of them are gone */
        *missed = (uint64_t)unread;
        return unread == 0 ? REDIS_GO_ON : REDIS_MISSED;
    }
    if (!was_trimmed(state, info)) {
        return unread == 0 ? REDIS_COMPARE : REDIS_GO_ON;
    }
    if ((uint64_t)unread < info->length) {
        return REDIS_COMPARE;
    }
    *missed = (uint64_t)unread - info->length;
    return *missed == 0 ? REDIS_GO_ON : REDIS_MISSED;
}

/* How many were added up to the position, where that follows from what is there. */
static int64_t added_here(const struct redis_state *state, const struct redis_info *info)
{
    if (info->added == REDIS_ADDED_UNKNOWN) {
        return REDIS_ADDED_UNKNOWN;
    }
    if (redis_id_compare(info->last, state->position) == 0) {
        return info->added;
    }
    return was_trimmed(state, info) ? info->added - (int64_t)info->length : state->added;
}

enum redis_verdict redis_place_judge(struct redis_state *state, const struct redis_info *info,
                                     uint64_t *missed)
{
    *missed = 0;
    if (before(info->last, state->position) || !holds(state, info)) {
        return REDIS_COMPARE;
    }
    enum redis_verdict verdict = REDIS_GO_ON;
    if (info->added != REDIS_ADDED_UNKNOWN && state->added != REDIS_ADDED_UNKNOWN) {
        verdict = judge_unread(state, info, missed);
    }
    if (verdict != REDIS_COMPARE) {
        state->added = added_here(state, info);
    }
    return verdict;
}

/* ---- Comparing ---- */

struct redis_id redis_place_first(const struct redis_state *state)
{
    struct redis_id first = state->position;
    for (size_t i = 0; i < state->anchors.count; i++) {
        first = lesser(first, state->anchors.list[i].id);
    }
    return first;
}

/* True for one of the anchors that were verified. */
static bool is_evidence(const struct redis_state *state, struct redis_anchor entry)
{
    const struct redis_anchors *anchors = &state->anchors;
    for (size_t i = 0; i < anchors->count; i++) {
        const uint64_t ordinal = state->ordinal - (anchors->count - 1 - i);
        if (ordinal <= state->verified_ordinal && anchors->list[i].digest == entry.digest &&
            redis_id_compare(anchors->list[i].id, entry.id) == 0) {
            return true;
        }
    }
    return false;
}

void redis_place_find(const struct redis_state *state, struct redis_anchor entry,
                      struct redis_found *found)
{
    if (is_evidence(state, entry)) {
        found->same += !found->foreign;
    } else if (!found->foreign && redis_id_compare(entry.id, state->position) <= 0 &&
               !redis_state_knows(state, entry)) {
        found->foreign = true;
        found->first_foreign = entry.id;
    }
}

static struct redis_id id_before(struct redis_id id)
{
    return id.seq != 0 ? (struct redis_id){id.ms, id.seq - 1}
                       : (struct redis_id){id.ms - (id.ms != 0), UINT64_MAX};
}

enum redis_fate redis_place_fate(const struct redis_state *state, const struct redis_info *info,
                                 const struct redis_found *found, struct redis_id *position)
{
    const bool fewer = info->added != REDIS_ADDED_UNKNOWN && state->added != REDIS_ADDED_UNKNOWN &&
                       info->added < state->added;
    *position = lesser(state->position, info->last);
    if (found->same == 0 && !found->older_same) {
        const bool below = found->foreign || !was_trimmed(state, info);
        const bool other = below || fewer || before(info->last, state->position);
        *position = below ? (struct redis_id){0} : *position;
        return other ? REDIS_ANEW : REDIS_SAME;
    }
    if (found->foreign) {
        *position = id_before(found->first_foreign);
        return REDIS_SHORTER;
    }
    return fewer || before(info->last, state->position) ? REDIS_SHORTER : REDIS_SAME;
}
