/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"

struct rendered_tile *rendered_tile_new(const struct tile *tile, enum store_change change,
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

void rendered_tile_free(void *rendered_p)
{
    struct rendered_tile *rendered = rendered_p;
    if (rendered->response != NULL) {
        MHD_destroy_response(rendered->response);
    }
    if (rendered->not_modified != NULL) {
        MHD_destroy_response(rendered->not_modified);
    }
    blob_unref(&rendered->frame);
    blob_unref(&rendered->ws_frame);
    free(rendered->cursor);
    free(rendered);
}

static void put_time(struct buf *out, const char *name, wall_time t)
{
    char text[TIME_TEXT_SIZE];
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
static void put_other_members(struct buf *out, const mp_value *value)
{
    for (uint32_t i = 0; i < value->via.map.size; i++) {
        struct str name;
        if (mp_as_str(&value->via.map.ptr[i].key, &name) && !is_named_member(name)) {
            buf_append_char(out, ',');
            json_write_string(out, name);
            buf_append_char(out, ':');
            json_write_value(out, &value->via.map.ptr[i].val);
        }
    }
}

static void put_tile(struct buf *out, const struct tile *tile, const mp_value *value)
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
    put_other_members(out, value);
    put_member(out, "data", mp_get(value, "data"));
    buf_append_char(out, '}');
}

static struct rendered_tile *cache_of(const struct tile *tile)
{
    return tile->cache;
}

struct rendered_tile *render_tile(const struct tile *tile)
{
    struct rendered_tile *rendered = cache_of(tile);
    if (rendered->frame != NULL) {
        return rendered;
    }
    struct mp_doc doc;
    struct buf frame = {0};
    mp_doc_init(&doc);
    (void)mp_parse(&doc, tile->value->data, tile->value->len);
    buf_printf(&frame, "id: %s\nevent: tile\ndata: ", rendered->cursor);
    rendered->json_at = frame.len;
    put_tile(&frame, tile, &doc.root);
    rendered->json_len = frame.len - rendered->json_at;
    buf_append_text(&frame, "\n\n");
    rendered->frame = blob_new(buf_str(&frame));
    buf_free(&frame);
    mp_doc_free(&doc);
    return rendered;
}

struct str rendered_json(const struct rendered_tile *rendered)
{
    return (struct str){rendered->frame->data + rendered->json_at, rendered->json_len};
}

char *tile_etag(const struct tile *tile, char out[ETAG_SIZE])
{
    /* Without snprintf: it is made for each request. */
    char *end = stpcpy(out, "W/\"");
    end += strlen(version_format(tile->version, end));
    stpcpy(end, tile->stale ? "-stale\"" : "\"");
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

/* The members of F-18 in their order, null where the row has none; then the user's own. */
static void put_event(struct buf *out, const mp_value *fields)
{
    static const char *const nullable[] = {"actor_id", "target_id", "summary"};
    buf_append_text(out, "{\"id\":");
    json_write_value(out, mp_get(fields, "id"));
    put_member(out, "timestamp", mp_get(fields, "timestamp"));
    put_member(out, "event_type", mp_get(fields, "event_type"));
    for (size_t i = 0; i < sizeof nullable / sizeof *nullable; i++) {
        const mp_value *value = mp_get(fields, nullable[i]);
        buf_printf(out, ",\"%s\":", nullable[i]);
        if (value != NULL) {
            json_write_value(out, value);
        } else {
            buf_append_text(out, "null");
        }
    }
    for (uint32_t i = 0; i < fields->via.map.size; i++) {
        struct str name;
        if (mp_as_str(&fields->via.map.ptr[i].key, &name) && !is_fixed_field(name)) {
            buf_append_char(out, ',');
            json_write_string(out, name);
            buf_append_char(out, ':');
            json_write_value(out, &fields->via.map.ptr[i].val);
        }
    }
    buf_append_char(out, '}');
}

/* A field of SSE ends with its line: no type may begin another. */
static void put_line(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        buf_append_char(out, c < 0x20 || c == 0x7f ? '_' : text.p[i]);
    }
}

struct blob *render_event(struct eventlog_entry *entry)
{
    if (entry->cache != NULL) {
        return entry->cache;
    }
    struct mp_doc doc;
    struct buf frame = {0};
    mp_doc_init(&doc);
    (void)mp_parse(&doc, entry->fields->data, entry->fields->len);
    buf_printf(&frame, "id: %lld\nevent: ", (long long)entry->id);
    put_line(&frame, entry->event_type);
    buf_append_text(&frame, "\ndata: ");
    put_event(&frame, &doc.root);
    buf_append_text(&frame, "\n\n");
    entry->cache = blob_new(buf_str(&frame));
    buf_free(&frame);
    mp_doc_free(&doc);
    return entry->cache;
}

struct str event_json(const struct blob *frame)
{
    const char *json = memmem(frame->data, frame->len, "\ndata: ", 7);
    const size_t at = (size_t)(json - frame->data) + 7;
    return (struct str){frame->data + at, frame->len - at - 2};
}

void render_message(struct buf *out, int64_t id, struct str json)
{
    buf_printf(out, "id: %lld\ndata: ", (long long)id);
    buf_append_str(out, json);
    buf_append_text(out, "\n\n");
}

/* ---- Other frames ---- */

void render_patch(struct buf *out, const char *cursor, const struct tile *tile,
                  const mp_value *patch, struct version base)
{
    char version[VERSION_TEXT_SIZE];
    buf_printf(out, "id: %s\nevent: patch\ndata: {\"key\":", cursor);
    json_write_string(out, (struct str){tile->key, tile->key_len});
    buf_printf(out, ",\"base\":\"%s\"", version_format(base, version));
    buf_printf(out, ",\"version\":\"%s\",", version_format(tile->version, version));
    put_as_of(out, tile);
    buf_append_char(out, ',');
    put_time(out, "updated_at", tile->published_at);
    buf_append_text(out, ",\"patch\":");
    json_write_value(out, patch);
    buf_append_text(out, "}\n\n");
}

void render_expired(struct buf *out, const char *cursor, struct str key)
{
    buf_printf(out, "id: %s\nevent: expired\ndata: {\"key\":", cursor);
    json_write_string(out, key);
    buf_append_text(out, "}\n\n");
}

void render_reset(struct buf *out, bool forget_id)
{
    buf_append_text(out, forget_id ? "id: \n" : "");
    buf_append_text(out, "event: reset\ndata: {}\n\n");
}

void render_heartbeat(struct buf *out, wall_time now, wall_time as_of)
{
    char text[TIME_TEXT_SIZE];
    buf_printf(out, "event: heartbeat\ndata: {\"now\":\"%s\"", wall_format(now, text));
    if (as_of.us != 0) {
        const int64_t lag_us = now.us - as_of.us;
        buf_printf(out, ",\"as_of\":\"%s\",\"lag_ms\":%lld", wall_format(as_of, text),
                   (long long)(lag_us > 0 ? lag_us / US_PER_MS : 0));
    }
    buf_append_text(out, "}\n\n");
}
