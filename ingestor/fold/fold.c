/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/heap.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/program/log.h"
#include "common/wire/version.h"
#include "common/wire/wire.h"
#include "ingestor/fold/fold_digest.h"
#include "ingestor/fold/fold_plan.h"
#include "ingestor/fold/fold_type.h"

/*
 * A tile, or a member of a family. It waits in two heaps: `wake` for the wall clock (its window
 * slides, its deadlines pass, it idles), `publish` for the monotonic one (a change that its policy
 * holds back, or a keyframe).
 */
struct member {
    struct family *family;
    char *key;
    struct str group;    /* its value of group_by, within memory of its own; STR_NULL without */
    wall_time latest;    /* greatest timestamp of its rows */
    wall_time arrival;   /* of the newest row since it was last published; {0} if none */
    wall_time source;    /* that row's timestamp */
    mono_time published; /* when it was last handed out */
    bool ever_published;
    bool dirty;  /* changed since */
    bool whole;  /* to be handed out as a keyframe, at once */
    bool hidden; /* an idle member of a family: it keeps its state, but is not shown */
    struct heap_item wake;
    struct heap_item publish;
    UT_hash_handle by_group;
    void *state; /* of its type */
};

/* A tile definition and what there is of it: one member, or one for each group seen. */
struct family {
    const struct tile_config *config;
    const struct fold_type *type;
    struct member *members; /* uthash by group */
    struct member *single;  /* without group_by */
    bool refused_logged;
};

struct fold {
    const struct config *config;
    bool *folded; /* which of config's tiles */
    struct family *families;
    struct plans plans;
    struct heap wake;
    struct heap publish;
    struct fold_counters counters;
    struct buf value; /* scratch */
};

/* ---- Members ---- */

static char *member_key(const struct tile_config *config, struct str group)
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

/* When the member is to be handed out next, by its policy. */
static mono_time publish_time(const struct member *member, mono_time now)
{
    const struct tile_config *config = member->family->config;
    const int64_t interval_us = config->min_interval_ms * US_PER_MS;
    if (member->whole || !member->ever_published) {
        return now;
    }
    if (!member->dirty) {
        return mono_add_us(member->published, config->ttl_ms * US_PER_MS / 3);
    }
    if (config->refresh == REFRESH_INTERVAL) {
        return (mono_time){(member->published.us / interval_us + 1) * interval_us};
    }
    const mono_time allowed = mono_add_us(member->published, interval_us);
    return allowed.us > now.us ? allowed : now;
}

static void schedule_publish(struct fold *fold, struct member *member, mono_time now)
{
    if (member->hidden && !member->whole) {
        heap_remove(&fold->publish, &member->publish);
    } else {
        heap_set(&fold->publish, &member->publish, publish_time(member, now).us);
    }
}

static void mark_dirty(struct fold *fold, struct member *member, mono_time now)
{
    if (!member->dirty) {
        member->dirty = true;
        schedule_publish(fold, member, now);
    }
}

static bool is_idle(const struct member *member, wall_time now)
{
    return member->group.p != NULL &&
           now.us - member->latest.us >= member->family->config->idle_ms * US_PER_MS;
}

static void schedule_wake(struct fold *fold, struct member *member)
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
    if (at == INT64_MAX) {
        heap_remove(&fold->wake, &member->wake);
    } else {
        heap_set(&fold->wake, &member->wake, at);
    }
}

static struct member *member_add(struct fold *fold, struct family *family, struct str group,
                                 struct moment now)
{
    struct member *member = x_calloc(1, sizeof *member);
    member->family = family;
    member->key = member_key(family->config, group);
    member->latest.us = INT64_MIN / 2;
    member->wake.index = HEAP_NONE;
    member->publish.index = HEAP_NONE;
    member->state = x_calloc(1, family->type->size);
    family->type->init(member->state, family->config, now.wall);
    if (group.p != NULL) {
        member->group = (struct str){x_strndup(group.p, group.len), group.len};
        HASH_ADD_KEYPTR(by_group, family->members, member->group.p, member->group.len, member);
    } else {
        family->single = member;
    }
    schedule_publish(fold, member, now.mono);
    return member;
}

static void member_free(struct fold *fold, struct member *member)
{
    heap_remove(&fold->wake, &member->wake);
    heap_remove(&fold->publish, &member->publish);
    member->family->type->finish(member->state);
    free(member->state);
    free(member->key);
    if (member->group.p != NULL) {
        HASH_DELETE(by_group, member->family->members, member);
        union {
            const char *in;
            char *out;
        } own = {.in = member->group.p};
        free(own.out);
    }
    free(member);
}

/* A family is full: the longest idle member gives way. False when none is idle. */
static bool make_room(struct fold *fold, struct family *family, wall_time now)
{
    struct member *oldest = NULL;
    for (struct member *m = family->members; m != NULL; m = m->by_group.next) {
        if (is_idle(m, now) && !m->whole && (oldest == NULL || m->latest.us < oldest->latest.us)) {
            oldest = m;
        }
    }
    if (oldest == NULL || !oldest->hidden) {
        return false;
    }
    member_free(fold, oldest);
    return true;
}

/* The member that the row belongs to, made if need be; NULL when there is none. */
static struct member *member_for(struct fold *fold, struct family *family, struct row *row,
                                 struct moment now)
{
    const struct tile_config *config = family->config;
    if (config->group_by.kind == FIELD_NONE) {
        return family->single;
    }
    char scratch[FIELD_SCRATCH];
    struct str group;
    if (!row_text(row, &config->group_by, scratch, &group)) {
        return NULL;
    }
    struct member *member;
    HASH_FIND(by_group, family->members, group.p, group.len, member);
    if (member != NULL) {
        return member;
    }
    /* The key must stay a key, in the worst case of three bytes for one. */
    const bool too_long = strlen(config->key) + 1 + 3 * group.len > WIRE_KEY_MAX;
    if (too_long || (HASH_CNT(by_group, family->members) >= config->max_groups &&
                     !make_room(fold, family, now.wall))) {
        fold->counters.groups_refused++;
        if (!family->refused_logged) {
            family->refused_logged = true;
            log_warn("tile %s: group \"%.*s\" is refused: there are max_groups (%u) members "
                     "already, or the value is too long; further ones are only counted",
                     config->key, (int)(group.len < 80 ? group.len : 80), group.p,
                     config->max_groups);
        }
        return NULL;
    }
    return member_add(fold, family, group, now);
}

/* ---- Life of the fold ---- */

struct fold *fold_create(const struct config *config, uint64_t lanes_owned)
{
    struct fold *fold = x_calloc(1, sizeof *fold);
    fold->config = config;
    fold->folded = x_calloc(config->tile_count + 1, sizeof *fold->folded);
    fold->families = x_calloc(config->tile_count + 1, sizeof *fold->families);
    const struct moment begin = {{INT64_MIN / 4}, {0}};
    for (size_t i = 0; i < config->tile_count; i++) {
        const struct tile_config *tile = &config->tiles[i];
        const unsigned lane = lane_of_key(str_of(tile->key), config->ingestor.lanes);
        fold->folded[i] = (lanes_owned >> lane & 1) != 0;
        fold->families[i].config = tile;
        fold->families[i].type = fold_type_of(tile->type);
        if (fold->folded[i] && tile->group_by.kind == FIELD_NONE) {
            (void)member_add(fold, &fold->families[i], STR_NULL, begin);
        }
    }
    plans_init(&fold->plans, config, fold->folded);
    return fold;
}

void fold_destroy(struct fold **fold_p)
{
    struct fold *fold = *fold_p;
    if (fold == NULL) {
        return;
    }
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        struct family *family = &fold->families[i];
        struct member *member;
        struct member *next;
        HASH_ITER(by_group, family->members, member, next)
        {
            member_free(fold, member);
        }
        if (family->single != NULL) {
            member_free(fold, family->single);
        }
    }
    plans_finish(&fold->plans);
    heap_free(&fold->wake);
    heap_free(&fold->publish);
    buf_free(&fold->value);
    free(fold->families);
    free(fold->folded);
    free(fold);
    *fold_p = NULL;
}

const struct fold_counters *fold_counters(const struct fold *fold)
{
    return &fold->counters;
}

/* ---- Rows and time ---- */

static void show(struct fold *fold, struct member *member, mono_time now)
{
    member->hidden = false;
    member->whole = true;
    schedule_publish(fold, member, now);
}

static void apply(struct fold *fold, struct member *member, const struct candidate *candidate,
                  struct row *row, double value, struct moment now)
{
    const struct family *family = member->family;
    const struct event *event = row->event;
    const bool changed =
        family->type->apply(member->state, family->config, candidate, row, value, now.wall);
    if (event->timestamp.us > member->latest.us) {
        member->latest = event->timestamp;
    }
    if (member->hidden && !is_idle(member, now.wall)) {
        show(fold, member, now.mono);
    }
    if (changed && !member->hidden) {
        member->arrival = event->arrival;
        member->source = event->timestamp;
        mark_dirty(fold, member, now.mono);
    }
    schedule_wake(fold, member);
}

void fold_event(struct fold *fold, const struct event *event, struct moment now)
{
    fold->counters.events++;
    const struct plan *plan = plan_for(&fold->plans, event->event_type);
    struct row row = row_of(event, &fold->counters);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        struct family *family = &fold->families[entry->tile];
        double value;
        if (!family->type->concerns(family->config, &entry->candidate, &row, &value)) {
            continue;
        }
        struct member *member = member_for(fold, family, &row, now);
        if (member != NULL) {
            apply(fold, member, &entry->candidate, &row, value, now);
        }
    }
    row_finish(&row);
}

static void hide(struct fold *fold, struct member *member, mono_time now)
{
    member->hidden = true;
    member->dirty = false;
    member->whole = member->ever_published; /* to be handed out once more, as removed */
    schedule_publish(fold, member, now);
}

void fold_advance(struct fold *fold, struct moment now)
{
    struct heap_item *top;
    while ((top = heap_top(&fold->wake)) != NULL && top->key <= now.wall.us) {
        struct member *member = heap_entry(top, struct member, wake);
        const struct family *family = member->family;
        if (family->type->advance != NULL &&
            family->type->advance(member->state, family->config, now.wall)) {
            mark_dirty(fold, member, now.mono);
        }
        if (!member->hidden && is_idle(member, now.wall)) {
            hide(fold, member, now.mono);
        }
        schedule_wake(fold, member);
    }
}

int64_t fold_wait_us(const struct fold *fold, struct moment now)
{
    const struct heap_item *wake = heap_top(&fold->wake);
    const struct heap_item *publish = heap_top(&fold->publish);
    const int64_t a = wake != NULL ? wake->key - now.wall.us : INT64_MAX;
    const int64_t b = publish != NULL ? publish->key - now.mono.us : INT64_MAX;
    const int64_t wait = a < b ? a : b;
    return wait > 0 ? wait : 0;
}

/* ---- Handing out ---- */

static void write_value(struct fold *fold, const struct member *member, wall_time now)
{
    const struct family *family = member->family;
    const struct tile_config *config = family->config;
    if (family->type->advance != NULL) {
        (void)family->type->advance(member->state, config, now);
    }
    struct buf *out = &fold->value;
    buf_clear(out);
    mp_put_map(out, member->group.p != NULL ? 5 : 4);
    mp_put_text(out, "type");
    mp_put_text(out, tile_type_name(config->type));
    mp_put_text(out, "title");
    mp_put_text(out, config->title);
    mp_put_text(out, "refresh");
    mp_put_map(out, 2);
    mp_put_text(out, "policy");
    mp_put_text(out, refresh_policy_name(config->refresh));
    mp_put_text(out, "min_interval_ms");
    mp_put_int(out, config->min_interval_ms);
    if (member->group.p != NULL) {
        mp_put_text(out, "group");
        mp_put_map(out, 2);
        mp_put_text(out, "by");
        mp_put_text(out, config->group_by.text);
        mp_put_text(out, "value");
        mp_put_str(out, member->group);
    }
    mp_put_text(out, "data");
    family->type->write(member->state, config, out);
}

static void hand_out(struct fold *fold, struct member *member, struct moment now,
                     void (*publish)(void *arg, const struct fold_output *output), void *arg)
{
    struct fold_output output = {
        .key = str_of(member->key),
        .config = member->family->config,
        .removed = member->hidden,
        .keyframe = member->whole || !member->ever_published || !member->dirty,
        .arrival = member->arrival,
        .source = member->source,
    };
    if (!member->hidden) {
        write_value(fold, member, now.wall);
        output.value = buf_str(&fold->value);
    }
    member->published = now.mono;
    member->ever_published = !member->hidden;
    member->dirty = false;
    member->whole = false;
    member->arrival = (wall_time){0};
    publish(arg, &output);
    schedule_publish(fold, member, now.mono);
    schedule_wake(fold, member); /* writing the value let its time pass */
}

void fold_flush(struct fold *fold, struct moment now,
                void (*publish)(void *arg, const struct fold_output *output), void *arg)
{
    struct heap_item *top;
    while ((top = heap_top(&fold->publish)) != NULL && top->key <= now.mono.us) {
        hand_out(fold, heap_entry(top, struct member, publish), now, publish, arg);
    }
}

static void for_each(struct fold *fold, void (*each)(void *arg, struct member *member), void *arg)
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

static void republish_one(void *arg, struct member *member)
{
    struct fold *fold = arg;
    if (!member->hidden) {
        member->whole = true;
        member->arrival = (wall_time){0}; /* what is told again is no news */
        schedule_publish(fold, member, (mono_time){0});
    }
}

void fold_republish(struct fold *fold)
{
    for_each(fold, republish_one, fold);
}

/* ---- Checkpoints: [format, [[key, digest, group or nil, latest, hidden, state], …]] ---- */

#define SAVE_FORMAT 1

static void count_one(void *arg, struct member *member)
{
    (void)member;
    ++*(size_t *)arg;
}

static void save_one(void *arg, struct member *member)
{
    struct buf *out = arg;
    const struct family *family = member->family;
    mp_put_array(out, 6);
    mp_put_text(out, family->config->key);
    mp_put_uint(out, tile_digest(family->config));
    if (member->group.p != NULL) {
        mp_put_bin(out, member->group);
    } else {
        mp_put_nil(out);
    }
    mp_put_int(out, member->latest.us);
    mp_put_bool(out, member->hidden);
    family->type->save(member->state, family->config, out);
}

void fold_save(const struct fold *fold, struct buf *out)
{
    /* Nothing is changed by these two; for_each serves others that do. */
    union {
        const struct fold *in;
        struct fold *out;
    } cast = {.in = fold};
    size_t count = 0;
    for_each(cast.out, count_one, &count);
    mp_put_array(out, 2);
    mp_put_int(out, SAVE_FORMAT);
    mp_put_array(out, count);
    for_each(cast.out, save_one, out);
}

static struct family *family_of(struct fold *fold, struct str key)
{
    const struct tile_config *config = config_tile(fold->config, key);
    return config != NULL ? &fold->families[config - fold->config->tiles] : NULL;
}

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
    if (digest != tile_digest(family->config)) {
        *rebuild = true;
        return STATUS_OK;
    }
    const struct moment begin = {{INT64_MIN / 4}, {0}};
    struct member *member = family->single;
    if (group.p != NULL) {
        HASH_FIND(by_group, family->members, group.p, group.len, member);
        if (member != NULL || family->single != NULL) {
            return STATUS_INVALID;
        }
        member = member_add(fold, family, group, begin);
    }
    if (member == NULL || !family->type->load(member->state, family->config, mp_at(saved, 5))) {
        return STATUS_INVALID;
    }
    member->latest = latest;
    member->hidden = hidden && group.p != NULL;
    loaded[family - fold->families] = true;
    schedule_publish(fold, member, (mono_time){0});
    schedule_wake(fold, member);
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
        (!mp_as_int(mp_at(&doc.root, 0), &format) || format != SAVE_FORMAT)) {
        status = STATUS_INVALID;
    }
    *rebuild = false;
    for (size_t i = 0; i < mp_count(members) && status == STATUS_OK; i++) {
        status = load_one(fold, mp_at(members, i), loaded, rebuild);
    }
    /* A tile that is new needs the rows that were folded before it was defined. */
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        const bool family = fold->config->tiles[i].group_by.kind != FIELD_NONE;
        *rebuild = *rebuild || (fold->folded[i] && !loaded[i] && !family);
    }
    free(loaded);
    mp_doc_free(&doc);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, STATUS_INVALID,
                                           "the fold's state in the checkpoint cannot be read");
}
