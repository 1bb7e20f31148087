/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/changes.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"

void state_changes_free(struct state_changes *changes)
{
    free(changes->list);
    buf_free(&changes->values);
    *changes = (struct state_changes){0};
}

void state_changes_clear(struct state_changes *changes)
{
    changes->count = 0;
    buf_clear(&changes->values);
}

static struct state_change *add(struct state_changes *changes, enum state_change_kind kind,
                                struct state_id id)
{
    if (changes->count == changes->cap) {
        changes->cap = changes->cap != 0 ? 2 * changes->cap : 16;
        changes->list = x_reallocarray(changes->list, changes->cap, sizeof *changes->list);
    }
    struct state_change *change = &changes->list[changes->count++];
    *change = (struct state_change){.kind = kind, .id = id, .at = changes->values.len};
    return change;
}

struct buf *state_put_begin(struct state_changes *changes, struct state_id id)
{
    (void)add(changes, STATE_PUT, id);
    return &changes->values;
}

void state_put_end(struct state_changes *changes)
{
    struct state_change *change = &changes->list[changes->count - 1];
    change->len = changes->values.len - change->at;
}

void state_put(struct state_changes *changes, struct state_id id, struct str value)
{
    buf_append_str(state_put_begin(changes, id), value);
    state_put_end(changes);
}

void state_gone(struct state_changes *changes, enum state_change_kind kind, struct state_id id)
{
    (void)add(changes, kind, id);
}

void state_changes_append(struct state_changes *changes, const struct state_changes *more)
{
    for (size_t i = 0; i < more->count; i++) {
        const struct state_change *change = &more->list[i];
        if (change->kind == STATE_PUT) {
            state_put(changes, change->id, state_value(more, change));
        } else {
            state_gone(changes, change->kind, change->id);
        }
    }
}

/* ---- Settling ---- */

struct placed {
    struct state_change change;
    size_t order; /* among all, from 1 */
};

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    const struct state_id *i = &x->change.id;
    const struct state_id *k = &y->change.id;
    int order = compare_u64(i->tile, k->tile);
    order = order != 0 ? order : compare_u64(i->member, k->member);
    order = order != 0 ? order : compare_u64(i->item, k->item);
    return order != 0 ? order : compare_u64(x->order, y->order);
}

static bool same_record(const struct state_change *a, const struct state_change *b)
{
    return a->id.tile == b->id.tile && a->id.member == b->id.member && a->id.item == b->id.item;
}

/* A change that takes away more than one record stands where the first of them would. */
static struct state_id first_of(const struct state_change *change)
{
    switch (change->kind) {
    case STATE_ALL_GONE:
        return (struct state_id){0, 0, 0};
    case STATE_TILE_GONE:
        return (struct state_id){.tile = change->id.tile};
    case STATE_MEMBER_GONE:
        return (struct state_id){.tile = change->id.tile, .member = change->id.member};
    case STATE_PUT:
    case STATE_ITEM_GONE:
        break;
    }
    return change->id;
}

/* Which changes took away what the scan is in, by their order; 0: none did. */
struct gone {
    struct state_id at;
    size_t all;
    size_t tile;
    size_t member;
};

/* Looks at the next change. True when it stays: nothing that came later undoes it. */
static bool stays(struct gone *gone, const struct placed *p, const struct placed *next)
{
    const struct state_change *c = &p->change;
    if (c->id.tile != gone->at.tile) {
        gone->tile = 0;
        gone->member = 0;
    } else if (c->id.member != gone->at.member) {
        gone->member = 0;
    }
    gone->at = c->id;
    switch (c->kind) {
    case STATE_ALL_GONE:
        gone->all = p->order > gone->all ? p->order : gone->all;
        return true;
    case STATE_TILE_GONE:
        gone->tile = p->order;
        return true;
    case STATE_MEMBER_GONE:
        gone->member = p->order;
        return true;
    case STATE_ITEM_GONE:
    case STATE_PUT:
        break;
    }
    const bool last = next == NULL || !same_record(c, &next->change);
    return last && p->order > gone->all && p->order > gone->tile && p->order > gone->member;
}

void state_changes_settle(struct state_changes *changes)
{
    struct placed *all = x_calloc(changes->count + 1, sizeof *all);
    struct gone gone = {0};
    size_t kept = 0;
    for (size_t i = 0; i < changes->count; i++) {
        all[i] = (struct placed){changes->list[i], i + 1};
        all[i].change.id = first_of(&changes->list[i]);
        gone.all = all[i].change.kind == STATE_ALL_GONE ? i + 1 : gone.all;
    }
    qsort(all, changes->count, sizeof *all, compare_placed);
    for (size_t i = 0; i < changes->count; i++) {
        if (stays(&gone, &all[i], i + 1 < changes->count ? &all[i + 1] : NULL)) {
            changes->list[kept++] = all[i].change;
        }
    }
    changes->count = kept;
    free(all);
}

bool state_lost(struct state_changes *changes, struct state_id id)
{
    if (id.tile != 0) {
        state_gone(changes, STATE_TILE_GONE, (struct state_id){.tile = id.tile});
        return true;
    }
    if (id.member == STATE_RETIRED_PLACES || id.member == STATE_ALERT ||
        (id.member == 0 && id.item == STATE_SILENCES)) {
        state_gone(changes, STATE_ITEM_GONE, id);
        return true;
    }
    return false;
}

struct str state_whole(const struct state_changes *changes, uint64_t which)
{
    for (size_t i = 0; i < changes->count && changes->list[i].id.tile == 0; i++) {
        if (changes->list[i].id.member == 0 && changes->list[i].id.item == which) {
            return state_value(changes, &changes->list[i]);
        }
    }
    return STR_NULL;
}

static uint64_t sum_of(struct state_id id, struct str value)
{
    const struct str place = {(const char *)&id, sizeof id};
    return fnv1a(fnv1a(FNV_BEGIN, place), value);
}

void state_seal(struct buf *out, struct state_id id, struct str value)
{
    const uint64_t sum = sum_of(id, value);
    buf_append_str(out, value);
    buf_append(out, &sum, sizeof sum);
}

bool state_unseal(struct state_id id, struct str sealed, struct str *value)
{
    uint64_t sum;
    if (sealed.len < sizeof sum) {
        return false;
    }
    *value = (struct str){sealed.p, sealed.len - sizeof sum};
    memcpy(&sum, sealed.p + value->len, sizeof sum);
    return sum == sum_of(id, *value);
}
