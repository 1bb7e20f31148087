/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire ls` lists the tiles that a server has. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/program/program.h"
#include "common/replica/answer.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"

#define KEYS_AT_ONCE 200

struct keys {
    char **list;
    size_t count;
};

static int unreadable(struct error *err)
{
    return error_set(err, STATUS_INVALID, "the answer cannot be read");
}

/* Adds the keys of one page of the list. The last key so far is where the page begins. */
static int list_page(struct peer *peer, const char *prefix, struct keys *keys, bool *more,
                     struct error *err)
{
    struct query_request request;
    const mp_value *reply;
    struct answer_list page;
    query_request_begin(&request, QUERY_OP_LIST);
    query_request_text(&request, QUERY_ARG_PREFIX, str_of(prefix));
    if (keys->count != 0) {
        query_request_text(&request, QUERY_ARG_AFTER, str_of(keys->list[keys->count - 1]));
    }
    const int status = peer_ask(peer, &request, &reply, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!answer_read_list(reply, &page)) {
        return unreadable(err);
    }
    const size_t count = mp_count(page.tiles);
    keys->list = x_reallocarray(keys->list, keys->count + count + 1, sizeof *keys->list);
    for (size_t i = 0; i < count; i++) {
        struct answer_tile tile;
        if (!answer_read_listed_tile(mp_at(page.tiles, i), &tile)) {
            return unreadable(err);
        }
        keys->list[keys->count++] = x_strndup(tile.key.p, tile.key.len);
    }
    *more = page.more && count != 0;
    return STATUS_OK;
}

typedef void tile_fn(void *arg, const struct served_tile *tile);

/* Asks for tiles by their keys, as many as one reply holds; tiles that have gone since the list was
 * made are left out. Sets *done to how many keys the server has looked at. */
static int get_some(struct peer *peer, const struct keys *keys, size_t from, tile_fn *each,
                    void *arg, size_t *done, struct error *err)
{
    struct query_request request;
    const mp_value *reply;
    struct answer_found found;
    const size_t left = keys->count - from;
    const size_t asked = left < KEYS_AT_ONCE ? left : KEYS_AT_ONCE;
    query_request_begin(&request, QUERY_OP_GET);
    struct buf *names = query_request_member(&request, QUERY_ARG_KEYS);
    mp_put_array(names, asked);
    for (size_t i = 0; i < asked; i++) {
        mp_put_text(names, keys->list[from + i]);
    }
    const int status = peer_ask(peer, &request, &reply, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!answer_read_found(reply, &found) || found.answered == 0 || found.answered > asked) {
        return unreadable(err);
    }
    *done = (size_t)found.answered;
    for (size_t i = 0; i < mp_count(found.tiles); i++) {
        struct served_tile tile;
        if (served_read(mp_at(found.tiles, i), &tile)) {
            each(arg, &tile);
        }
        served_tile_free(&tile);
    }
    return STATUS_OK;
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
    for (size_t i = 0, done = 0; i < keys.count && status == STATUS_OK; i += done) {
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
    char age[SHOW_AGE_SIZE];
    struct mp_doc doc;
    struct buf summary = {0};
    struct buf past = {0};
    struct str type = STR("");
    struct str status = STR("–");
    mp_doc_init(&doc);
    (void)mp_parse(&doc, tile->value.data, tile->value.len);
    (void)mp_as_str(mp_get(&doc.root, "type"), &type);
    (void)mp_as_str(mp_get(&doc.root, "status"), &status);
    show_summary(&summary, &doc.root);
    show_past(&past, &doc.root);
    show_table_add(table, tile->key);
    show_table_add_str(table, type);
    show_table_add(table, buf_cstr(&summary));
    show_table_add_str(table, status);
    show_table_add(table, buf_cstr(&past));
    show_table_add(table, tile->position);
    show_table_add(table, show_age(tile->age_ms, age));
    show_table_add(table, tile->stale ? "stale" : "live");
    buf_free(&summary);
    buf_free(&past);
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
    static const char *const header[] = {"KEY",  "TYPE",     "VALUE",     "STATUS",
                                         "PAST", "POSITION", "REFRESHED", "STATE"};
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
        print_json(ctl->out, buf_str(&json));
        fputs("]\n", ctl->out);
    } else {
        show_table_print(&table, ctl);
    }
    show_table_free(&table);
    buf_free(&json);
    peer_destroy(&peer);
    return status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
}

const struct command command_ls = {
    .name = "ls",
    .argument = "[PREFIX]",
    .brief = "all tiles",
    .doc = "List the tiles (whose keys begin with PREFIX). STATUS is that of tiles with warn or "
           "critical: ok, warn or critical. PAST says which rows a tile knows: it is "
           "complete; or it has only those since a time, because older ones were gone when it was "
           "built; or it is being built, and lacks rows until then.",
    .run = run,
};
