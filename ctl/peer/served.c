/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer/served.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/replica/answer.h"

/* Copies a position, which is NUL-terminated then. False when there is none, or it is too long. */
static bool copy_position(struct str position, char out[SERVED_POSITION_SIZE])
{
    if (position.p == NULL || position.len >= SERVED_POSITION_SIZE) {
        return false;
    }
    memcpy(out, position.p, position.len);
    out[position.len] = '\0';
    return true;
}

/* Copies a tile that is no tombstone. */
static bool copy_tile(const struct answer_tile *tile, struct served_tile *out)
{
    *out = (struct served_tile){
        .lane = tile->lane,
        .version = tile->version,
        .as_of = tile->as_of,
        .published_at = tile->published_at,
        .tally = tile->tally,
        .ttl_ms = tile->ttl_ms,
        .age_ms = tile->age_ms,
        .stale = tile->stale,
    };
    if (!copy_position(tile->position, out->position)) {
        return false;
    }
    out->key = x_strndup(tile->key.p, tile->key.len);
    mp_put_value(&out->value, tile->value.parsed);
    return true;
}

bool served_read(const mp_value *entry, struct served_tile *out)
{
    struct answer_tile tile;
    *out = (struct served_tile){0};
    return answer_read_tile(entry, &tile) && !tile.removed && copy_tile(&tile, out);
}

void served_tile_free(struct served_tile *tile)
{
    free(tile->key);
    buf_free(&tile->value);
}

static void forget(struct served *served, struct served_tile *tile)
{
    assert(served->tiles != NULL); /* the tile is in it */
    HASH_DELETE(by_key, served->tiles, tile);
    served_tile_free(tile);
    free(tile);
}

static void forget_all(struct served *served)
{
    struct served_tile *tile;
    struct served_tile *next;
    HASH_ITER(by_key, served->tiles, tile, next)
    {
        forget(served, tile);
    }
}

void served_free(struct served *served)
{
    forget_all(served);
}

static struct served_tile *find(const struct served *served, struct str key)
{
    struct served_tile *tile;
    HASH_FIND(by_key, served->tiles, key.p, key.len, tile);
    return tile;
}

struct served_tile *served_find(const struct served *served, const char *key)
{
    return find(served, str_of(key));
}

/* A tile takes the place of one that an earlier page had; a tombstone only removes it. */
static bool take_tile(struct served *served, const mp_value *entry)
{
    struct answer_tile read;
    if (!answer_read_tile(entry, &read)) {
        return false;
    }
    struct served_tile *tile = find(served, read.key);
    if (tile != NULL) {
        forget(served, tile);
    }
    if (read.removed) {
        return true;
    }
    tile = x_calloc(1, sizeof *tile);
    if (!copy_tile(&read, tile)) {
        free(tile);
        return false;
    }
    HASH_ADD_KEYPTR(by_key, served->tiles, tile->key, strlen(tile->key), tile);
    return true;
}

static bool take_standing(struct served *served, const struct answer_standing *standing)
{
    if (standing->lanes == 0 || !copy_position(standing->position, served->position)) {
        return false;
    }
    served->as_of = standing->as_of;
    served->ordinal = standing->ordinal;
    if (strtoull(served->position, NULL, 10) < served->ordinal) { /* rows after the heartbeat */
        snprintf(served->position, sizeof served->position, "%llu",
                 (unsigned long long)served->ordinal);
    }
    served->lane_count = standing->lanes;
    served->lanes = standing->lanes_owned;
    return true;
}

static bool take_page(struct served *served, const struct answer_snapshot *page)
{
    if (!take_standing(served, &page->standing)) {
        return false;
    }
    if (page->restart) {
        forget_all(served);
    }
    for (size_t i = 0; i < mp_count(page->tiles); i++) {
        if (!take_tile(served, mp_at(page->tiles, i))) {
            return false;
        }
    }
    return true;
}

int served_fetch(struct peer *peer, struct served *out, struct error *err)
{
    struct answer_snapshot page = {.more = true};
    uint64_t began = 0;
    *out = (struct served){0};
    while (page.more) {
        struct query_request request;
        const mp_value *reply;
        query_request_begin(&request, QUERY_OP_SNAPSHOT);
        query_request_uint(&request, QUERY_ARG_AFTER, page.next);
        const bool first = page.next == 0;
        query_request_uint(&request, QUERY_ARG_BEGAN, began);
        const int status = peer_ask(peer, &request, &reply, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (!answer_read_snapshot(reply, &page) || !take_page(out, &page)) {
            return error_set(err, STATUS_INVALID,
                             "the server's snapshot cannot be read; is it of "
                             "another version?");
        }
        began = first || page.restart ? page.forgotten : began;
    }
    return STATUS_OK;
}

void served_write_json(struct buf *out, const struct served_tile *tile)
{
    char time[WALL_TEXT_SIZE];
    char version[VERSION_TEXT_SIZE];
    buf_append_text(out, "{\"key\":");
    json_write_string(out, str_of(tile->key));
    buf_printf(out, ",\"version\":\"%s\"", version_format(tile->version, version));
    buf_append_text(out, ",\"as_of\":{\"position\":");
    json_write_string(out, str_of(tile->position));
    buf_printf(out, ",\"time\":\"%s\"}", wall_format(tile->as_of, time));
    buf_printf(out, ",\"updated_at\":\"%s\"", wall_format(tile->published_at, time));
    buf_printf(out, ",\"ttl_ms\":%lld,\"stale\":%s", (long long)tile->ttl_ms,
               tile->stale ? "true" : "false");
    struct mp_doc doc;
    mp_doc_init(&doc);
    if (mp_parse(&doc, tile->value.data, tile->value.len) == STATUS_OK && mp_is_map(&doc.root)) {
        struct buf members = {0};
        json_write_value(&members, &doc.root);
        if (members.len > 2) { /* The value's members stand beside ours. */
            buf_append_char(out, ',');
            buf_append(out, members.data + 1, members.len - 2);
        }
        buf_free(&members);
    }
    mp_doc_free(&doc);
    buf_append_char(out, '}');
}
