/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_reload.h"

#include <string.h>

#include "ingestor/fold/family.h"
#include "ingestor/fold/fold_state.h"
#include "ingestor/fold/member.h"
#include "ingestor/fold/member_status.h"
#include "ingestor/fold/refresh.h"
#include "ingestor/fold/saved/fold_digest.h"

bool fold_has_retired(const struct fold *fold, const struct config *config)
{
    for (const struct retired *r = fold->retired; r != NULL; r = r->next) {
        const struct tile_config *tile = config_tile(config, r->key);
        if (tile != NULL && fold_digest(config, tile) == r->digest) {
            return true;
        }
    }
    return false;
}

/* Takes over what is of no single tile. */
static void take_over(struct fold *new, struct fold *old)
{
    new->waiting = old->waiting;
    new->put_off = old->put_off;
    new->waiting_full_logged = old->waiting_full_logged;
    new->waiting_unsaved = old->waiting_unsaved;
    new->republish = old->republish;
    new->counters = old->counters;
    new->build_counters = old->build_counters;
    new->numbers = old->numbers;
    new->fresh = old->fresh;
    new->carried = old->carried;
    new->retired = old->retired;
    new->places = old->places;
    new->build_began = old->build_began;
    new->build_waits = old->build_waits;
    new->reached = old->reached;
    memcpy(new->build_since, old->build_since, sizeof new->build_since);
    new->since_seen = old->since_seen;
    new->since_wanted = old->since_wanted;
    old->waiting = (struct waiting){0};
    old->put_off = (struct put_off){0};
    old->build_waits = (struct buf){0};
    old->carried = (struct state_changes){0};
    old->retired = NULL;
    old->places = (struct fold_places){0};
}

/* The old family that a new one goes on from; NULL: there is none. */
static struct family *same_family(struct fold *old, const struct family *family)
{
    const struct tile_config *config = config_tile(old->config, str_of(family->config->key));
    if (config == NULL || !old->folded[config - old->config->tiles]) {
        return NULL;
    }
    struct family *same = &old->families[config - old->config->tiles];
    return same->digest == family->digest ? same : NULL;
}

/* Brings a member from the old fold's heaps into the new one's. */
static void move_member(struct fold *new, struct fold *old, struct family *family,
                        struct member *member, bool republish, mono_time now)
{
    heap_remove(&old->wake, &member->wake);
    heap_remove(&old->publish, &member->publish);
    member->family = family;
    member->whole = member->whole || (republish && !member->hidden);
    if (!family->config->thresholds.any) {
        member->status = (struct trouble){0};
    }
    member_status_mark(member);
    member_schedule_wake(new, member);
    member_schedule_publish(new, member, now);
}

static void move_family(struct fold *new, struct fold *old, struct family *family,
                        struct family *from, mono_time now)
{
    const struct tile_config *config = family->config;
    const bool republish = strcmp(config->definition, from->config->definition) != 0 ||
                           config->display.order != from->config->display.order;
    family_finish(new, family); /* the tile without rows that it was made with */
    *family = *from;
    family->config = config;
    *from = (struct family){.config = from->config, .type = from->type};
    if (family->single != NULL) {
        move_member(new, old, family, family->single, republish, now);
    }
    for (struct member *m = family->members; m != NULL; m = m->by_group.next) {
        move_member(new, old, family, m, republish, now);
    }
}

/* What is to be told of a tile that is gone. */
struct removal {
    void (*publish)(void *arg, const struct fold_output *output);
    void *arg;
};

static void remove_member(const struct removal *removal, const struct member *member)
{
    if (member->ever_published) {
        const struct fold_output output = {
            .key = str_of(member->key), .config = member->family->config, .removed = true};
        removal->publish(removal->arg, &output);
    }
}

/* A single tile that only changes is told by what it becomes. */
static void remove_family(const struct removal *removal, const struct config *config,
                          const struct family *family)
{
    const struct tile_config *next = config_tile(config, str_of(family->config->key));
    const bool stays = next != NULL && next->group_by.kind == TILE_FIELD_NONE;
    if (family->single != NULL && !stays) {
        remove_member(removal, family->single);
    }
    for (const struct member *m = family->members; m != NULL; m = m->by_group.next) {
        remove_member(removal, m);
    }
}

struct fold_reloaded fold_reload(struct fold **fold, const struct config *config, struct str place,
                                 struct moment now,
                                 void (*publish)(void *arg, const struct fold_output *output),
                                 void *arg)
{
    struct fold *old = *fold;
    struct fold *new = fold_create(config, old->lanes);
    struct fold_reloaded result = {0};
    const struct removal removal = {publish, arg};
    take_over(new, old);
    for (size_t i = 0; i < config->tile_count; i++) {
        struct family *family = &new->families[i];
        struct family *from = new->folded[i] ? same_family(old, family) : NULL;
        if (from != NULL) {
            move_family(new, old, family, from, now.mono);
            result.going_on++;
        } else if (new->folded[i]) {
            family->build = BUILD_WAITING;
            result.to_build++;
        }
    }
    refresh_plan(new);
    for (size_t i = 0; i < old->config->tile_count; i++) {
        struct family *family = &old->families[i];
        const bool moved = family->digest == 0;
        if (old->folded[i] && !moved) {
            remove_family(&removal, config, family);
            fold_retire(new, family, place, now.wall);
            result.retired++;
        }
    }
    fold_destroy(&old);
    *fold = new;
    return result;
}
