/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/render/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/wire/event_json.h"
#include "gateway/stream/render/coding.h"
#include "gateway/stream/render/fields.h"

#define TILE_NAME STR("tile") /* of the message that has a whole tile */

struct rendered_tile *render_tile_new(const struct tile *tile, enum store_change change,
                                      const char *cursor)
{
    const struct rendered_tile *before = tile->cache;
    const bool same_version =
        before != NULL && version_compare(before->version, tile->version) == 0;
    struct rendered_tile *rendered = x_calloc(1, sizeof *rendered);
    rendered->cursor = x_strdup(cursor);
    rendered->version = tile->version;
    rendered->arrival = tile->arrival;
    rendered->news =
        tile->arrival.us != 0 && (before == NULL || before->arrival.us != tile->arrival.us);
    rendered->restated = same_version && (change != STORE_REFRESHED || before->restated);
    return rendered;
}

void render_tile_free(void *rendered_p)
{
    struct rendered_tile *rendered = rendered_p;
    if (rendered->answers != NULL) {
        rendered->free_answers(rendered->answers);
    }
    narrowed_rendering_free(&rendered->whole);
    narrowed_free(&rendered->narrowed);
    free(rendered->cursor);
    free(rendered);
}

static void put_time(struct buf *out, const char *name, wall_time t)
{
    char text[WALL_TEXT_SIZE];
    buf_printf(out, "\"%s\":\"%s\"", name, wall_format(t, text));
}

static void put_member(struct buf *out, const char *name, const mp_value *value)
{
    if (!mp_is_nil(value)) {
        buf_printf(out, ",\"%s\":", name);
        json_write_value(out, value);
    }
}

static void put_as_of(struct buf *out, const struct tile *tile)
{
    buf_append_text(out, "\"as_of\":{\"position\":");
    json_write_string(out, str_of(tile->position));
    buf_append_char(out, ',');
    put_time(out, "time", tile->as_of);
    buf_append_char(out, '}');
}

static bool is_named_member(struct str name)
{
    static const char *const named[] = {"type", "title", "refresh", "data"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (str_is(name, named[i])) {
            return true;
        }
    }
    return false;
}

/* Members that only some tiles have (`group`), and those of versions to come. */
static void put_other_members(struct buf *out, const mp_value *value, struct lens lens)
{
    for (uint32_t i = 0; i < value->via.map.size; i++) {
        struct str name;
        const mp_value *member = &value->via.map.ptr[i].val;
        if (!mp_as_str(&value->via.map.ptr[i].key, &name) || is_named_member(name)) {
            continue;
        }
        if (str_is(name, "truncated")) {
            fields_put_truncated(out, lens, member, FIELDS_OF_TILE);
        } else {
            fields_put_member(out, (struct lens){0}, name, member);
        }
    }
}

static void put_tile(struct buf *out, const struct tile *tile, const mp_value *value,
                     struct lens lens)
{
    char version[VERSION_TEXT_SIZE];
    buf_append_text(out, "{\"key\":");
    json_write_string(out, (struct str){tile->key, tile->key_len});
    put_member(out, "type", mp_get(value, "type"));
    put_member(out, "title", mp_get(value, "title"));
    buf_printf(out, ",\"version\":\"%s\",", version_format(tile->version, version));
    put_as_of(out, tile);
    buf_append_char(out, ',');
    put_time(out, "updated_at", tile->published_at);
    buf_printf(out, ",\"ttl_ms\":%lld,\"stale\":%s", (long long)tile->ttl_ms,
               tile->stale ? "true" : "false");
    put_member(out, "refresh", mp_get(value, "refresh"));
    put_other_members(out, value, lens);
    if (!mp_is_nil(mp_get(value, "data"))) {
        buf_append_text(out, ",\"data\":");
        fields_put_data(out, lens, mp_get(value, "data"), false);
    }
    buf_append_char(out, '}');
}

static struct rendered_tile *cache_of(const struct tile *tile)
{
    return tile->cache;
}

static struct rendering *rendering_for(const struct tile *tile, struct lens lens)
{
    struct rendered_tile *rendered = cache_of(tile);
    if (lens_clear(lens)) {
        return &rendered->whole;
    }
    struct rendering *found = narrowed_find(rendered->narrowed, lens);
    size_t dropped = 0;
    return found != NULL ? found : narrowed_add(&rendered->narrowed, lens, &dropped);
}

struct rendering *render_tile(const struct tile *tile, struct lens lens)
{
    struct rendering *rendering = rendering_for(tile, lens);
    if (rendering->frame != NULL) {
        return rendering;
    }
    struct mp_doc doc;
    struct buf frame = {0};
    mp_doc_init(&doc);
    (void)mp_parse(&doc, tile->value->data, tile->value->len);
    const size_t begun = coding_begin_chunk(&frame);
    message_begin_sse(&frame, str_of(cache_of(tile)->cursor), TILE_NAME);
    const size_t json_at = frame.len;
    put_tile(&frame, tile, &doc.root, lens);
    rendering->json_len = frame.len - json_at;
    message_end_sse(&frame);
    const size_t head_at = coding_end_chunk(&frame, begun);
    rendering->json_at = json_at - head_at;
    rendering->frame = blob_new((struct str){frame.data + head_at, frame.len - head_at});
    buf_free(&frame);
    mp_doc_free(&doc);
    return rendering;
}

struct str render_tile_json(const struct rendering *rendering)
{
    return (struct str){rendering->frame->data + rendering->json_at, rendering->json_len};
}

struct message render_tile_message(const struct tile *tile, const struct rendering *rendering)
{
    return (struct message){str_of(cache_of(tile)->cursor), TILE_NAME, render_tile_json(rendering)};
}

char *render_etag(const struct tile *tile, struct lens lens, char out[RENDER_ETAG_SIZE])
{
    /* Without snprintf: it is made for each request. */
    char *end = stpcpy(out, "W/\"");
    end += strlen(version_format(tile->version, end));
    end = stpcpy(end, tile->stale ? "-stale" : "");
    if (!lens_clear(lens)) {
        end += snprintf(end, 18, "-%016" PRIx64, lens_digest(lens));
    }
    stpcpy(end, "\"");
    return out;
}

/* ---- Events ---- */

static bool is_fixed_field(struct str name)
{
    static const char *const fixed[] = {"id",       "timestamp", "event_type",
                                        "actor_id", "target_id", "summary"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (str_is(name, fixed[i])) {
            return true;
        }
    }
    return false;
}

/* Appends the members in the order that docs/http.md promises: null where the row has none, then
 * the user's own columns. */
static void put_event(struct buf *out, const mp_value *fields, struct lens lens)
{
    static const char *const nullable[] = {"actor_id", "target_id", "summary"};
    buf_append_text(out, "{\"id\":");
    event_json_write_id(out, mp_get(fields, "id"));
    put_member(out, "timestamp", mp_get(fields, "timestamp"));
    put_member(out, "event_type", mp_get(fields, "event_type"));
    for (size_t i = 0; i < sizeof nullable / sizeof *nullable; i++) {
        const mp_value *value = mp_get(fields, nullable[i]);
        buf_printf(out, ",\"%s\":", nullable[i]);
        if (value != NULL && lens_shows(lens, str_of(nullable[i]))) {
            json_write_value(out, value);
        } else {
            buf_append_text(out, "null");
        }
    }
    for (uint32_t i = 0; i < fields->via.map.size; i++) {
        struct str name;
        const mp_value *value = &fields->via.map.ptr[i].val;
        if (!mp_as_str(&fields->via.map.ptr[i].key, &name) || is_fixed_field(name)) {
            continue;
        }
        if (str_is(name, "truncated")) {
            fields_put_truncated(out, lens, value, FIELDS_OF_EVENT);
        } else if (str_is(name, "redelivered")) {
            fields_put_member(out, (struct lens){0}, name, value);
        } else {
            fields_put_member(out, lens, name, value);
        }
    }
    buf_append_char(out, '}');
}

/* One piece of memory: the texts of the message follow it. */
struct rendered_event {
    struct message message;
    struct narrowed *narrowed; /* For those who may not see all fields; mostly NULL. */
    char text[];
};

/* A name ends with its line in SSE, so no type may bring characters that end one. */
static void copy_name(char *out, struct str type)
{
    for (size_t i = 0; i < type.len; i++) {
        const unsigned char c = (unsigned char)type.p[i];
        const bool ends_line = c < 0x20 || c == 0x7f;
        out[i] = (char)(ends_line ? '_' : type.p[i]);
    }
}

static void put_entry(struct buf *out, const struct eventlog_entry *entry, struct lens lens)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    (void)mp_parse(&doc, entry->fields->data, entry->fields->len);
    put_event(out, &doc.root, lens);
    mp_doc_free(&doc);
}

static struct rendered_event *render_whole(struct eventlog_entry *entry)
{
    if (entry->cache != NULL) {
        return entry->cache;
    }
    struct buf json = {0};
    char seen[EVENT_ID_ORDER_SIZE];
    put_entry(&json, entry, (struct lens){0});
    const struct str id = event_id_put_order(entry->id, entry->redelivered, seen);
    const size_t name_len = entry->event_type.len;
    const size_t size = sizeof(struct rendered_event) + id.len + name_len + json.len;
    struct rendered_event *rendered = x_malloc(size);
    char *name_at = rendered->text + id.len;
    char *json_at = name_at + name_len;
    memcpy(rendered->text, id.p, id.len);
    copy_name(name_at, entry->event_type);
    memcpy(json_at, json.data, json.len);
    rendered->narrowed = NULL;
    rendered->message =
        (struct message){{rendered->text, id.len}, {name_at, name_len}, {json_at, json.len}};
    eventlog_set_cache(entry, rendered, size);
    buf_free(&json);
    return rendered;
}

struct message render_event(struct eventlog_entry *entry, struct lens lens)
{
    struct rendered_event *rendered = render_whole(entry);
    struct message message = rendered->message;
    if (lens_clear(lens)) {
        return message;
    }
    struct rendering *narrowed = narrowed_find(rendered->narrowed, lens);
    if (narrowed == NULL) {
        struct buf json = {0};
        size_t dropped = 0;
        put_entry(&json, entry, lens);
        narrowed = narrowed_add(&rendered->narrowed, lens, &dropped);
        narrowed->frame = blob_new(buf_str(&json));
        buf_free(&json);
        eventlog_resize_cache(entry, dropped,
                              sizeof(struct narrowed) + narrowed_rendering_bytes(narrowed));
    }
    message.json = blob_str(narrowed->frame);
    return message;
}

void render_event_free(void *cache)
{
    struct rendered_event *rendered = cache;
    narrowed_free(&rendered->narrowed);
    free(rendered);
}

/* ---- Other messages ---- */

/* A patch that is about nothing that is shown is an empty one: its client still needs the version.
 */
static void put_patch(struct buf *out, const mp_value *patch, struct lens lens)
{
    if (lens_clear(lens) || !mp_is_map(patch)) {
        json_write_value(out, patch);
        return;
    }
    const size_t begin = out->len;
    for (uint32_t i = 0; i < patch->via.map.size; i++) {
        const mp_value *value = &patch->via.map.ptr[i].val;
        struct str name;
        if (!mp_as_str(&patch->via.map.ptr[i].key, &name)) {
            continue;
        }
        if (str_is(name, "truncated")) {
            fields_put_truncated(out, lens, value, FIELDS_OF_PATCH);
        } else if (str_is(name, "data")) {
            buf_append_text(out, ",\"data\":");
            fields_put_data(out, lens, value, true);
        } else {
            fields_put_member(out, (struct lens){0}, name, value);
        }
    }
    if (out->len == begin) {
        buf_append_char(out, '{');
    } else {
        out->data[begin] = '{'; /* where the first comma stands */
    }
    buf_append_char(out, '}');
}

struct message render_patch(struct buf *json, const char *cursor, const struct tile *tile,
                            const mp_value *patch, struct version base, struct lens lens)
{
    char version[VERSION_TEXT_SIZE];
    buf_clear(json);
    buf_append_text(json, "{\"key\":");
    json_write_string(json, (struct str){tile->key, tile->key_len});
    buf_printf(json, ",\"base\":\"%s\"", version_format(base, version));
    buf_printf(json, ",\"version\":\"%s\",", version_format(tile->version, version));
    put_as_of(json, tile);
    buf_append_char(json, ',');
    put_time(json, "updated_at", tile->published_at);
    buf_append_text(json, ",\"patch\":");
    put_patch(json, patch, lens);
    buf_append_char(json, '}');
    return (struct message){str_of(cursor), STR("patch"), buf_str(json)};
}

struct message render_expired(struct buf *json, const char *cursor, struct str key)
{
    buf_clear(json);
    buf_append_text(json, "{\"key\":");
    json_write_string(json, key);
    buf_append_char(json, '}');
    return (struct message){str_of(cursor), STR("expired"), buf_str(json)};
}

struct message render_expired_token(void)
{
    return (struct message){STR_NULL, STR("expired-token"), STR("{}")};
}

struct message render_heartbeat(struct buf *json, wall_time now, wall_time as_of, const char *page)
{
    char text[WALL_TEXT_SIZE];
    buf_clear(json);
    buf_printf(json, "{\"now\":\"%s\"", wall_format(now, text));
    if (as_of.us != 0) {
        const int64_t lag_us = now.us - as_of.us;
        buf_printf(json, ",\"as_of\":\"%s\",\"lag_ms\":%lld", wall_format(as_of, text),
                   (long long)(lag_us > 0 ? lag_us / US_PER_MS : 0));
    }
    buf_printf(json, ",\"page\":\"%s\"}", page);
    return (struct message){STR_NULL, STR("heartbeat"), buf_str(json)};
}

struct message render_reset(bool forget_id)
{
    return (struct message){forget_id ? STR("") : STR_NULL, STR("reset"), STR("{}")};
}
