/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/member.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/fold/member_status.h"
#include "ingestor/fold/refresh.h"

/* The definition's key, and for a group "/" and its value with all but the unreserved characters of
 * a URI (RFC 3986, 2.3) percent-encoded. The caller frees it. */
static char *make_key(const struct tile_config *config, struct str group)
{
    struct buf key = {0};
    buf_append_text(&key, config->key);
    if (group.p != NULL) {
        buf_append_char(&key, '/');
        for (size_t i = 0; i < group.len; i++) {
            const unsigned char c = (unsigned char)group.p[i];
            const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                               (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
                               c == '~';
            if (plain) {
                buf_append_char(&key, (char)c);
            } else {
                buf_printf(&key, "%%%02X", c);
            }
        }
    }
    (void)buf_cstr(&key);
    return buf_take(&key);
}

/* When the member is to be handed out next, by its policy; MONO_NEVER: it is not. */
static mono_time publish_time(const struct member *member, mono_time now)
{
    const struct tile_config *config = member->family->config;
    const int64_t interval_us = config->min_interval_ms * US_PER_MS;
    if (member->whole) {
        return now;
    }
    if (member->hidden) {
        return MONO_NEVER;
    }
    if (!member->ever_published || member->urgent) {
        return now;
    }
    const mono_time refresh = mono_add_us(member->published, config->ttl_ms * US_PER_MS / 3);
    if (!member->dirty) {
        const bool has_rounds = member->group.p != NULL;
        return has_rounds ? MONO_NEVER : refresh;
    }
    const mono_time allowed =
        config->refresh == TILE_REFRESH_INTERVAL
            ? (mono_time){(member->published.us / interval_us + 1) * interval_us}
            : mono_add_us(member->published, interval_us);
    const mono_time at = allowed.us < refresh.us ? allowed : refresh;
    return at.us > now.us ? at : now;
}

void member_schedule_publish(struct fold *fold, struct member *member, mono_time now)
{
    const mono_time at = publish_time(member, now);
    if (at.us == MONO_NEVER.us) {
        heap_remove(&fold->publish, &member->publish);
    } else {
        heap_set(&fold->publish, &member->publish, at.us);
    }
}

bool member_is_idle(const struct member *member, wall_time now)
{
    return member->group.p != NULL &&
           now.us - member->latest.us >= member->family->config->idle_ms * US_PER_MS;
}

/* When time changes what the member shows; INT64_MAX: never. */
static int64_t wake_time(const struct member *member)
{
    const struct family *family = member->family;
    int64_t at = INT64_MAX;
    if (family->type->next != NULL && !member->hidden) {
        at = family->type->next(member->state, family->config).us;
    }
    if (member->group.p != NULL && !member->hidden) {
        const int64_t idle_us = member->latest.us + family->config->idle_ms * US_PER_MS;
        at = idle_us < at ? idle_us : at;
    }
    const int64_t status_us = member_status_wake(member);
    return status_us < at ? status_us : at;
}

void member_reschedule_wake(struct fold *fold, struct member *member)
{
    const int64_t at = wake_time(member);
    if (at == INT64_MAX) {
        heap_remove(&fold->wake, &member->wake);
    } else {
        heap_set(&fold->wake, &member->wake, at);
    }
}

void member_schedule_wake(struct fold *fold, struct member *member)
{
    if (!heap_contains(&member->wake) || wake_time(member) < member->wake.key) {
        member_reschedule_wake(fold, member);
    }
}

void member_hide(struct fold *fold, struct member *member, mono_time now)
{
    member->hidden = true;
    member_touch(member);
    member->dirty = false;
    member->urgent = false;
    member->status = (struct trouble){0};
    member->whole = member->ever_published; /* to be handed out once more, as removed */
    member_schedule_publish(fold, member, now);
}

void member_show(struct fold *fold, struct member *member, mono_time now)
{
    member->hidden = false;
    member_touch(member);
    member_status_mark(member);
    member->whole = true;
    member_schedule_publish(fold, member, now);
}

/*
 * All that a member always has is one piece of memory: where there are many of them, a row waits
 * for memory longer than it computes.
 *
 *   struct member │ state, aligned for anything │ key, NUL │ group, NUL
 */
static struct member *allocate(const struct family *family, struct str group)
{
    const size_t align = _Alignof(max_align_t);
    const size_t state_at = (sizeof(struct member) + align - 1) / align * align;
    const size_t key_at = state_at + family->type->size;
    char *key = make_key(family->config, group);
    const size_t key_size = strlen(key) + 1;
    char *memory = x_calloc(1, key_at + key_size + (group.p != NULL ? group.len + 1 : 0));
    struct member *member = (struct member *)(void *)memory;
    member->state = memory + state_at;
    member->key = memory + key_at;
    memcpy(member->key, key, key_size);
    if (group.p != NULL) {
        memcpy(memory + key_at + key_size, group.p, group.len);
        member->group = (struct str){memory + key_at + key_size, group.len};
    }
    free(key);
    return member;
}

struct member *member_create(struct fold *fold, struct family *family, struct str group,
                             struct moment now)
{
    struct member *member = allocate(family, group);
    member->family = family;
    member->tally.known = true;        /* of no rows yet */
    member->latest.us = INT64_MIN / 2; /* so long ago that idle_ms can be added and taken off */
    member->wake.index = HEAP_NONE;
    member->publish.index = HEAP_NONE;
    if (family->type->init != NULL) {
        family->type->init(member->state, family->config, now.wall);
    }
    if (group.p != NULL) {
        HASH_ADD_KEYPTR(by_group, family->members, member->group.p, member->group.len, member);
        refresh_join(fold, family, now.mono);
    } else {
        family->single = member;
    }
    member->number = ++family->member_numbers;
    member_touch(member);
    member_schedule_publish(fold, member, now.mono);
    return member;
}

void member_free(struct fold *fold, struct member *member)
{
    heap_remove(&fold->wake, &member->wake);
    heap_remove(&fold->publish, &member->publish);
    if (member->unsaved) {
        DL_DELETE(member->family->unsaved, member);
    }
    if (member->recorded) {
        buf_append(&member->family->gone, &member->number, sizeof member->number);
    }
    if (member->family->type->finish != NULL) {
        member->family->type->finish(member->state);
    }
    if (member->group.p != NULL) {
        refresh_leave(member->family, member);
        HASH_DELETE(by_group, member->family->members, member);
    }
    free(member);
}
