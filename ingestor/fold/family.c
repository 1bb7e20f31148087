/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/family.h"

#include "common/program/log.h"
#include "common/wire/wire.h"
#include "ingestor/fold/member.h"

#define LOGGED_GROUP_MAX 80 /* bytes of a refused group that the log shows */

/* Frees the member of a full family that has been idle longest. False when none is idle, or when
 * nobody was told yet that this one is removed. */
static bool make_room(struct fold *fold, struct family *family, wall_time now)
{
    struct member *oldest = NULL;
    for (struct member *m = family->members; m != NULL; m = m->by_group.next) {
        if (member_is_idle(m, now) && !m->whole &&
            (oldest == NULL || m->latest.us < oldest->latest.us)) {
            oldest = m;
        }
    }
    if (oldest == NULL || !oldest->hidden) {
        return false;
    }
    member_free(fold, oldest);
    return true;
}

static void refuse(struct fold *fold, struct family *family, struct str group)
{
    fold->counters.groups_refused++;
    if (!family->refused_logged) {
        family->refused_logged = true;
        log_warn("tile %s: group \"%.*s\" is refused: there are max_groups (%u) members "
                 "already, or the value is too long; further ones are only counted",
                 family->config->key,
                 (int)(group.len < LOGGED_GROUP_MAX ? group.len : LOGGED_GROUP_MAX), group.p,
                 family->config->max_groups);
    }
}

struct member *family_find(const struct family *family, struct str group)
{
    struct member *member;
    HASH_FIND(by_group, family->members, group.p, group.len, member);
    return member;
}

struct member *family_member_for(struct fold *fold, struct family *family, struct row *row,
                                 struct moment now)
{
    const struct tile_config *config = family->config;
    char scratch[ROW_SCRATCH];
    struct str group;
    if (!row_text(row, &config->group_by, scratch, &group)) {
        return NULL;
    }
    struct member *member = family_find(family, group);
    if (member != NULL) {
        return member;
    }
    /* The key must fit in WIRE_KEY_MAX even when each byte of the group takes three. */
    const bool too_long = strlen(config->key) + 1 + 3 * group.len > WIRE_KEY_MAX;
    if (too_long || (HASH_CNT(by_group, family->members) >= config->max_groups &&
                     !make_room(fold, family, now.wall))) {
        refuse(fold, family, group);
        return NULL;
    }
    return member_create(fold, family, group, now);
}

void family_finish(struct fold *fold, struct family *family)
{
    struct member *member;
    struct member *next;
    HASH_ITER(by_group, family->members, member, next)
    {
        member_free(fold, member);
    }
    if (family->single != NULL) {
        member_free(fold, family->single);
        family->single = NULL;
    }
    buf_free(&family->gone);
    fold_place_leave(&fold->places, &family->build_from);
    buf_free(&family->build_rows);
}

void family_begin_anew(struct fold *fold, struct family *family)
{
    family_finish(fold, family);
    family->members = NULL;
    family->unsaved = NULL;
    family->number = 0;
    family->recorded = false;
    family->since = (struct fold_since){0};
    family->build = BUILD_WAITING;
    if (family->config->group_by.kind == TILE_FIELD_NONE) {
        (void)member_create(fold, family, STR_NULL, FOLD_BEGIN);
    }
}

void family_mark_dirty(struct fold *fold, struct family *family, mono_time now)
{
    if (family->single != NULL) {
        member_mark_dirty(fold, family->single, now);
    }
    for (struct member *m = family->members; m != NULL; m = m->by_group.next) {
        if (!m->hidden) {
            member_mark_dirty(fold, m, now);
        }
    }
}

void family_each_member(const struct fold *fold, void (*each)(void *arg, struct member *member),
                        void *arg)
{
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *family = &fold->families[i];
        if (family->single != NULL) {
            each(arg, family->single);
        }
        for (struct member *m = family->members; m != NULL; m = m->by_group.next) {
            each(arg, m);
        }
    }
}
