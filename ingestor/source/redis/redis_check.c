/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_check.h"

#include <string.h>

#include "common/program/log.h"

#define COMPARED_MAX ((size_t)4 * REDIS_ANCHORS_MAX) /* entries; so many decide */

/* ---- XINFO STREAM ---- */

static struct str text_of(const redisReply *reply)
{
    const bool text = reply != NULL && reply->type == REDIS_REPLY_STRING;
    return text ? (struct str){reply->str, reply->len} : STR_NULL;
}

void redis_check_info(const redisReply *reply, struct redis_info *out)
{
    *out = (struct redis_info){.added = REDIS_ADDED_UNKNOWN};
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const struct str name = text_of(reply->element[i]);
        const redisReply *value = reply->element[i + 1];
        if (str_is(name, "length") && value->type == REDIS_REPLY_INTEGER) {
            out->length = (uint64_t)value->integer;
        } else if (str_is(name, "entries-added") && value->type == REDIS_REPLY_INTEGER) {
            out->added = value->integer;
        } else if (str_is(name, "last-generated-id")) {
            (void)redis_id_parse(text_of(value), &out->last);
        } else if (str_is(name, "first-entry") && value->type == REDIS_REPLY_ARRAY &&
                   value->elements != 0) {
            (void)redis_id_parse(text_of(value->element[0]), &out->first);
        }
    }
}

int redis_check_ask(struct redis_source *s, struct error *err)
{
    const char *stream = s->config->source.redis.stream;
    char verified[REDIS_ID_SIZE];
    redis_id_format(s->state.verified.id, verified);
    int status = redis_client_send(&s->client, err, "XINFO", "STREAM", stream, NULL);
    if (status == STATUS_OK) {
        status = redis_client_send(&s->client, err, "XRANGE", stream, verified, verified, NULL);
    }
    s->check_at = mono_add_ms(clock_mono(), s->config->source.poll_interval_ms);
    return status;
}

static bool is_absent(const redisReply *info)
{
    return info->type == REDIS_REPLY_ERROR && strstr(info->str, "no such key") != NULL;
}

int redis_check_await(struct redis_source *s, struct redis_check *check, struct error *err)
{
    int status = redis_client_await_any(&s->client, &check->info, err);
    if (status == STATUS_OK && check->info->type == REDIS_REPLY_ERROR && !is_absent(check->info)) {
        status = redis_client_failed(&s->client, check->info, err);
    }
    return status == STATUS_OK ? redis_client_await(&s->client, &check->verified, err) : status;
}

void redis_check_free(struct redis_check *check)
{
    freeReplyObject(check->info);
    freeReplyObject(check->verified);
    *check = (struct redis_check){0};
}

/* ---- Comparing ---- */

static struct redis_id greatest(const struct redis_source *s)
{
    return redis_id_compare(s->high, s->state.position) > 0 ? s->high : s->state.position;
}

/* Reads what stands where the anchors stood, and behind them up to what was read. */
static int compare_newest(struct redis_source *s, struct redis_found *found, struct error *err)
{
    struct redis_id from = redis_place_first(&s->state);
    int status = STATUS_OK;
    bool more = true;
    for (size_t seen = 0; more && status == STATUS_OK && seen < COMPARED_MAX;) {
        redisReply *entries = NULL;
        status = redis_client_range(&s->client, from, greatest(s), REDIS_ANCHORS_MAX, &entries,
                                    &more, err);
        for (size_t i = 0; status == STATUS_OK && i < entries->elements; i++) {
            struct redis_entry entry;
            if (redis_client_entry(&s->client, entries, i, &entry)) {
                redis_place_find(
                    &s->state, (struct redis_anchor){entry.id, redis_entry_digest(&entry)}, found);
                from = redis_id_next(entry.id);
            }
            seen++;
        }
        freeReplyObject(entries);
    }
    return status;
}

/* Sets *same when the entry is there as it was. */
static int is_there(struct redis_source *s, struct redis_anchor anchor, bool *same,
                    struct error *err)
{
    redisReply *entries = NULL;
    struct redis_entry entry;
    bool more;
    const int status =
        redis_client_range(&s->client, anchor.id, anchor.id, 1, &entries, &more, err);
    *same = status == STATUS_OK && entries->elements == 1 &&
            redis_client_entry(&s->client, entries, 0, &entry) &&
            redis_entry_digest(&entry) == anchor.digest;
    freeReplyObject(entries);
    return status;
}

/* True for an entry that the stream may still have, before all that are foreign. */
static bool may_be_there(const struct redis_info *info, const struct redis_found *found,
                         struct redis_id id)
{
    return info->length != 0 && redis_id_compare(id, info->first) >= 0 &&
           redis_id_compare(id, info->last) <= 0 &&
           (!found->foreign || redis_id_compare(id, found->first_foreign) < 0);
}

/* Looks for older entries, until one is there: the last ones of runs, and the milestones. */
static int compare_older(struct redis_source *s, const struct redis_info *info,
                         struct redis_found *found, struct error *err)
{
    const struct redis_runs *runs = &s->state.runs;
    const struct redis_anchors *milestones = &s->state.milestones;
    const struct redis_id first = redis_place_first(&s->state); /* the others were looked at */
    int status = STATUS_OK;
    for (size_t i = runs->count; i > 0 && status == STATUS_OK && !found->older_same; i--) {
        const struct redis_run *run = &runs->list[i - 1];
        if (run->ordinal + run->count - 1 <= s->state.verified_ordinal &&
            may_be_there(info, found, run->last.id)) {
            status = is_there(s, run->last, &found->older_same, err);
        }
    }
    for (size_t i = milestones->count; i > 0 && status == STATUS_OK && !found->older_same; i--) {
        const struct redis_anchor entry = milestones->list[i - 1];
        if (redis_id_compare(entry.id, first) < 0 && may_be_there(info, found, entry.id)) {
            status = is_there(s, entry, &found->older_same, err);
        }
    }
    return status;
}

static void say(const struct redis_source *s, enum redis_fate fate)
{
    if (fate == REDIS_ANEW) {
        log_warn("stream \"%s\" of Redis was made anew: it is read from its start, tiles keep what "
                 "they have, and event streams begin anew",
                 s->config->source.redis.stream);
    } else {
        log_warn("stream \"%s\" of Redis has lost entries that were read, as when a replica that "
                 "lacked them took over, or when it was started from an older copy: tiles keep "
                 "them, and event streams begin anew",
                 s->config->source.redis.stream);
    }
}

static int compare(struct redis_source *s, const struct redis_info *info, bool *moved,
                   struct error *err)
{
    struct redis_found found = {0};
    struct redis_id position;
    int status = compare_newest(s, &found, err);
    if (status == STATUS_OK && found.same == 0) {
        status = compare_older(s, info, &found, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    const enum redis_fate fate = redis_place_fate(&s->state, info, &found, &position);
    if (fate != REDIS_SAME) {
        say(s, fate);
        redis_state_renumber(&s->state);
        redis_state_doubt(&s->state);
        redis_draft_move(&s->draft, &s->state, position, REDIS_ADDED_UNKNOWN);
        *moved = true;
    }
    if (fate == REDIS_ANEW) { /* what was read of the other one says nothing about it */
        s->state.milestones.count = 0;
        s->state.milestone = s->state.ordinal / 2;
    }
    s->check_whole = false;
    return STATUS_OK;
}

/* ---- What it means ---- */

static void note_absence(struct redis_source *s)
{
    const char *stream = s->config->source.redis.stream;
    if (!s->absent && s->state.ordinal == 0) {
        log_warn("Redis at %s:%u has no stream \"%s\" in database %u yet: its first entry is "
                 "waited for",
                 s->config->source.redis.host, s->config->source.redis.port, stream,
                 s->config->source.redis.database);
    } else if (!s->absent) {
        log_warn("stream \"%s\" of Redis is not there any more: tiles keep what they have, and it "
                 "is waited for",
                 stream);
    }
    if (s->state.ordinal == 0) {
        s->state.added = 0;
    }
    s->absent = true;
    s->check_whole = !redis_id_is_zero(s->state.position);
}

static void note_counting(struct redis_source *s, const struct redis_info *info)
{
    if (info->added == REDIS_ADDED_UNKNOWN && !s->count_unknown) {
        log_warn("Redis at %s:%u does not count the entries that were added, as Redis 7 does: "
                 "entries that are trimmed before they are read go unnoticed",
                 s->config->source.redis.host, s->config->source.redis.port);
        s->count_unknown = true;
    }
}

static void note_verified(struct redis_source *s, const redisReply *entries,
                          struct redis_info *info)
{
    struct redis_entry entry;
    info->any_verified = !redis_id_is_zero(s->state.verified.id) && entries->elements == 1 &&
                         redis_client_entry(&s->client, entries, 0, &entry);
    info->digest = info->any_verified ? redis_entry_digest(&entry) : 0;
}

int redis_check_judge(struct redis_source *s, const struct redis_check *check, bool *moved,
                      struct error *err)
{
    struct redis_info info;
    uint64_t missed;
    if (is_absent(check->info)) {
        note_absence(s);
        return STATUS_OK;
    }
    redis_check_info(check->info, &info);
    note_verified(s, check->verified, &info);
    note_counting(s, &info);
    s->seen_added = info.added;
    s->absent = false;
    if (s->state.ordinal == 0 && redis_id_is_zero(s->state.position)) {
        s->older_gone |= info.added > (int64_t)info.length;
    }
    const enum redis_verdict verdict = redis_place_judge(&s->state, &info, &missed);
    if (verdict == REDIS_COMPARE || s->check_whole) {
        const int status = compare(s, &info, moved, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (verdict == REDIS_MISSED && !*moved) {
        log_warn("%llu entries of stream \"%s\" of Redis were gone before they could be read: "
                 "tiles lack them, and event streams begin anew",
                 (unsigned long long)missed, s->config->source.redis.stream);
        redis_state_renumber(&s->state);
        redis_draft_move(&s->draft, &s->state, s->state.position, s->state.added);
    }
    redis_state_verify(&s->state);
    return STATUS_OK;
}

void redis_check_lag(const struct redis_source *s, struct lag *out)
{
    const int64_t unread = s->seen_added - s->state.added;
    if (s->state.added != REDIS_ADDED_UNKNOWN && s->seen_added > 0) {
        lag_add(out, str_of(s->config->source.redis.stream), unread > 0 ? (uint64_t)unread : 0);
    }
}
