/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer/served.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"

static bool copy_text(const mp_value *value, char *out, size_t size)
{
    struct str text;
    if (!mp_as_str(value, &text) || text.len >= size) {
        return false;
    }
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_key(const mp_value *entry, char **out)
{
    struct str key;
    if (!mp_as_str(mp_get(entry, "k"), &key) || key.len == 0 || key.len > WIRE_KEY_MAX) {
        return false;
    }
    *out = x_strndup(key.p, key.len);
    return true;
}

bool served_read(const mp_value *entry, struct served_tile *out)
{
    *out = (struct served_tile){0};
    const mp_value *version = mp_get(entry, "v");
    if (!mp_as_uint(mp_at(version, 0), &out->version.epoch) ||
        !mp_as_uint(mp_at(version, 1), &out->version.seq) ||
        !copy_text(mp_get(entry, "s"), out->position, sizeof out->position) ||
        !mp_as_int(mp_get(entry, "w"), &out->as_of.us) ||
        !mp_as_int(mp_get(entry, "u"), &out->published_at.us) ||
        !mp_as_int(mp_get(entry, "t"), &out->ttl_ms) ||
        !mp_as_int(mp_get(entry, "age"), &out->age_ms) ||
        !mp_as_bool(mp_get(entry, "stale"), &out->stale) || !read_key(entry, &out->key)) {
        return false;
    }
    const mp_value *value = mp_get(entry, "p");
    if (value != NULL) {
        mp_put_value(&out->value, value);
    }
    return true;
}

void served_tile_free(struct served_tile *tile)
{
    free(tile->key);
    buf_free(&tile->value);
}

static void forget(struct served *served, struct served_tile *tile)
{
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

struct served_tile *served_find(const struct served *served, const char *key)
{
    struct served_tile *tile;
    HASH_FIND(by_key, served->tiles, key, strlen(key), tile);
    return tile;
}

/* A later page's tile takes the place of an earlier one's; without a value it says that the tile is
 * gone. */
static bool take_tile(struct served *served, const mp_value *entry)
{
    char *key;
    if (!read_key(entry, &key)) {
        return false;
    }
    struct served_tile *tile = served_find(served, key);
    free(key);
    if (tile != NULL) {
        forget(served, tile);
    }
    if (mp_is_nil(mp_get(entry, "p"))) {
        return true;
    }
    tile = x_calloc(1, sizeof *tile);
    if (!served_read(entry, tile)) {
        served_tile_free(tile);
        free(tile);
        return false;
    }
    HASH_ADD_KEYPTR(by_key, served->tiles, tile->key, strlen(tile->key), tile);
    return true;
}

static bool take_standing(struct served *served, const mp_value *page)
{
    uint64_t lanes;
    if (!mp_as_uint(mp_get(page, "lanes"), &lanes) || lanes == 0 || lanes > LANES_MAX ||
        !copy_text(mp_get(page, "position"), served->position, sizeof served->position) ||
        !mp_as_int(mp_get(page, "as_of"), &served->as_of.us) ||
        !mp_as_uint(mp_get(page, "ordinal"), &served->ordinal)) {
        return false;
    }
    if (strtoull(served->position, NULL, 10) < served->ordinal) { /* rows came after the beat */
        snprintf(served->position, sizeof served->position, "%llu",
                 (unsigned long long)served->ordinal);
    }
    served->lane_count = (unsigned)lanes;
    served->lanes = 0;
    for (unsigned i = 0; i < lanes; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        served->lanes |= (uint64_t)(mp_get(mp_get(page, "versions"), name) != NULL) << i;
    }
    return true;
}

static bool take_page(struct served *served, const mp_value *page, uint64_t *after, bool *more)
{
    bool restart;
    const mp_value *tiles = mp_get(page, "tiles");
    if (!mp_as_bool(mp_get(page, "restart"), &restart) || !mp_is_array(tiles) ||
        !mp_as_uint(mp_get(page, "next"), after) || !mp_as_bool(mp_get(page, "more"), more) ||
        !take_standing(served, page)) {
        return false;
    }
    if (restart) {
        forget_all(served);
    }
    for (size_t i = 0; i < mp_count(tiles); i++) {
        if (!take_tile(served, mp_at(tiles, i))) {
            return false;
        }
    }
    return true;
}

int served_fetch(struct peer *peer, struct served *out, struct error *err)
{
    uint64_t after = 0;
    bool more = true;
    *out = (struct served){0};
    while (more) {
        struct peer_request request;
        const mp_value *page;
        peer_request_begin(&request, "snapshot");
        peer_request_uint(&request, "after", after);
        const int status = peer_ask(peer, &request, &page, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (!take_page(out, page, &after, &more)) {
            return error_set(err, STATUS_INVALID,
                             "the server's snapshot cannot be read; is it of "
                             "another version?");
        }
    }
    return STATUS_OK;
}

void served_write_json(struct buf *out, const struct served_tile *tile)
{
    char text[TIME_TEXT_SIZE > VERSION_TEXT_SIZE ? TIME_TEXT_SIZE : VERSION_TEXT_SIZE];
    buf_append_text(out, "{\"key\":");
    json_write_string(out, str_of(tile->key));
    buf_printf(out, ",\"version\":\"%s\"", version_format(tile->version, text));
    buf_append_text(out, ",\"as_of\":{\"position\":");
    json_write_string(out, str_of(tile->position));
    buf_printf(out, ",\"time\":\"%s\"}", wall_format(tile->as_of, text));
    buf_printf(out, ",\"updated_at\":\"%s\"", wall_format(tile->published_at, text));
    buf_printf(out, ",\"ttl_ms\":%lld,\"stale\":%s", (long long)tile->ttl_ms,
               tile->stale ? "true" : "false");
    struct mp_doc doc;
    mp_doc_init(&doc);
    if (mp_parse(&doc, tile->value.data, tile->value.len) == STATUS_OK && mp_is_map(&doc.root)) {
        struct buf members = {0};
        json_write_value(&members, &doc.root);
        if (members.len > 2) { /* the value's members stand beside ours */
            buf_append_char(out, ',');
            buf_append(out, members.data + 1, members.len - 2);
        }
        buf_free(&members);
    }
    mp_doc_free(&doc);
    buf_append_char(out, '}');
}
