/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"

#define KEYS_AT_ONCE 200

struct keys {
    char **list;
    size_t count;
};

/* A page of the list; its last key is where the next one begins. */
static int list_page(struct peer *peer, const char *prefix, struct keys *keys, bool *more,
                     struct error *err)
{
    struct peer_request request;
    const mp_value *reply;
    peer_request_begin(&request, "list");
    peer_request_text(&request, "prefix", str_of(prefix));
    if (keys->count != 0) {
        peer_request_text(&request, "after", str_of(keys->list[keys->count - 1]));
    }
    const int status = peer_ask(peer, &request, &reply, err);
    const mp_value *tiles = status == STATUS_OK ? mp_get(reply, "tiles") : NULL;
    const size_t count = mp_count(tiles);
    keys->list = x_reallocarray(keys->list, keys->count + count + 1, sizeof *keys->list);
    for (size_t i = 0; i < count; i++) {
        struct str key;
        if (mp_as_str(mp_get(mp_at(tiles, i), "k"), &key)) {
            keys->list[keys->count++] = x_strndup(key.p, key.len);
        }
    }
    *more = false;
    if (status == STATUS_OK && count != 0) {
        (void)mp_as_bool(mp_get(reply, "more"), more);
    }
    return status;
}

typedef void tile_fn(void *arg, const struct served_tile *tile);

/* Tiles by their keys, as many as one reply holds. Returns how many keys were dealt with in
 * *done: those behind the last tile of a full reply are asked for again. */
static int get_some(struct peer *peer, const struct keys *keys, size_t from, tile_fn *each,
                    void *arg, size_t *done, struct error *err)
{
    struct peer_request request;
    const mp_value *reply;
    const size_t left = keys->count - from;
    const size_t asked = left < KEYS_AT_ONCE ? left : KEYS_AT_ONCE;
    peer_request_begin(&request, "get");
    peer_request_name(&request, "keys");
    mp_put_array(&request.bytes, asked);
    for (size_t i = 0; i < asked; i++) {
        mp_put_text(&request.bytes, keys->list[from + i]);
    }
    const int status = peer_ask(peer, &request, &reply, err);
    const mp_value *tiles = status == STATUS_OK ? mp_get(reply, "tiles") : NULL;
    size_t at = from;
    for (size_t i = 0; i < mp_count(tiles); i++) {
        struct served_tile tile;
        if (served_read(mp_at(tiles, i), &tile)) {
            while (at < from + asked && strcmp(keys->list[at], tile.key) != 0) {
                at++; /* it has gone since the list was made */
            }
            at++;
            each(arg, &tile);
        }
        served_tile_free(&tile);
    }
    *done = at > from && mp_count(tiles) != 0 ? at - from : asked;
    return status;
}

static int for_each_tile(struct peer *peer, const char *prefix, tile_fn *each, void *arg,
                         struct error *err)
{
    struct keys keys = {0};
    bool more = true;
    int status = STATUS_OK;
    while (status == STATUS_OK && more) {
        status = list_page(peer, prefix, &keys, &more, err);
    }
    for (size_t i = 0, done; i < keys.count && status == STATUS_OK; i += done) {
        status = get_some(peer, &keys, i, each, arg, &done, err);
    }
    for (size_t i = 0; i < keys.count; i++) {
        free(keys.list[i]);
    }
    free(keys.list);
    return status;
}

static void add_row(void *arg, const struct served_tile *tile)
{
    struct show_table *table = arg;
    char age[AGE_TEXT_SIZE];
    struct mp_doc doc;
    struct buf summary = {0};
    struct str type = STR("");
    mp_doc_init(&doc);
    (void)mp_parse(&doc, tile->value.data, tile->value.len);
    (void)mp_as_str(mp_get(&doc.root, "type"), &type);
    show_summary(&summary, &doc.root);
    show_table_add(table, tile->key);
    show_table_add_str(table, type);
    show_table_add(table, buf_cstr(&summary));
    show_table_add(table, tile->position);
    show_table_add(table, show_age(tile->age_ms, age));
    show_table_add(table, tile->stale ? "stale" : "live");
    buf_free(&summary);
    mp_doc_free(&doc);
}

static void add_json(void *arg, const struct served_tile *tile)
{
    struct buf *json = arg;
    buf_append_text(json, json->len > 1 ? ",\n " : "");
    served_write_json(json, tile);
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    static const char *const header[] = {"KEY", "TYPE", "VALUE", "POSITION", "REFRESHED", "STATE"};
    struct peer *peer = NULL;
    struct error err = {{0}};
    struct show_table table;
    struct buf json = {0};
    show_table_init(&table, sizeof header / sizeof *header);
    for (size_t i = 0; i < sizeof header / sizeof *header; i++) {
        show_table_add(&table, header[i]);
    }
    buf_append_char(&json, '[');
    int status = peer_create(ctl, &peer, &err);
    if (status == STATUS_OK) {
        status = for_each_tile(peer, command_prefix(line), ctl->json ? add_json : add_row,
                               ctl->json ? (void *)&json : (void *)&table, &err);
    }
    if (status != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
    } else if (ctl->json) {
        fprintf(ctl->out, "%s]\n", buf_cstr(&json));
    } else {
        show_table_print(&table, ctl);
    }
    show_table_free(&table);
    buf_free(&json);
    peer_destroy(&peer);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILED;
}

const struct command command_ls = {
    .name = "ls",
    .argument = "[PREFIX]",
    .brief = "all tiles",
    .doc = "List the tiles (whose keys begin with PREFIX).",
    .run = run,
};
