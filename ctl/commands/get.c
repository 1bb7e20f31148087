/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire get` prints one tile, with its value and its version. */
#include <stdlib.h>

#include "common/program/program.h"
#include "common/replica/answer.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"

/* Prints which rows the tile knows, as far as it says so. */
static void print_past(const struct ctl *ctl, const mp_value *value)
{
    const mp_value *since = mp_get(value, "since");
    struct str position = STR("");
    struct str time = STR("");
    int percent;
    bool complete = true;
    (void)mp_as_bool(mp_get(value, "complete"), &complete);
    if (mp_as_str(mp_get(since, "position"), &position) &&
        mp_as_str(mp_get(since, "time"), &time)) {
        fprintf(ctl->out, "  %-14s position ", "since");
        print_text(ctl->out, position);
        fputs(", ", ctl->out);
        print_text(ctl->out, time);
        fputc('\n', ctl->out);
    }
    if (!complete) {
        fprintf(ctl->out, "  %-14s no: older rows were gone when the tile was built\n", "complete");
    }
    if (show_building(value, &percent)) {
        fprintf(ctl->out, "  %-14s %d %%: until then the tile lacks rows\n", "building", percent);
    }
}

static void print_tile(const struct ctl *ctl, const struct served_tile *tile)
{
    char time[WALL_TEXT_SIZE];
    char version[VERSION_TEXT_SIZE];
    char age[SHOW_AGE_SIZE];
    struct mp_doc doc;
    struct str title = STR("");
    struct str type = STR("");
    mp_doc_init(&doc);
    (void)mp_parse(&doc, tile->value.data, tile->value.len);
    (void)mp_as_str(mp_get(&doc.root, "title"), &title);
    (void)mp_as_str(mp_get(&doc.root, "type"), &type);
    fputs(ctl->colour ? "\033[1m" : "", ctl->out);
    print_text(ctl->out, str_of(tile->key));
    fputs(ctl->colour ? "\033[0m  " : "  ", ctl->out);
    print_text(ctl->out, title);
    fputs("  (", ctl->out);
    print_text(ctl->out, type);
    fprintf(ctl->out, ")%s\n", tile->stale ? "  STALE" : "");
    show_data(ctl, mp_get(&doc.root, "data"), 2);
    fprintf(ctl->out, "  %-14s position ", "as of");
    print_text(ctl->out, str_of(tile->position));
    fprintf(ctl->out, ", %s\n", wall_format(tile->as_of, time));
    print_past(ctl, &doc.root);
    fprintf(ctl->out, "  %-14s %s ago\n", "refreshed", show_age(tile->age_ms, age));
    fprintf(ctl->out, "  %-14s %s\n", "version", version_format(tile->version, version));
    mp_doc_free(&doc);
}

static void print_tile_json(const struct ctl *ctl, const struct served_tile *tile)
{
    struct buf json = {0};
    served_write_json(&json, tile);
    print_json(ctl->out, buf_str(&json));
    fputc('\n', ctl->out);
    buf_free(&json);
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const char *key = line->argument;
    struct peer *peer = NULL;
    struct query_request request;
    struct answer_found found;
    const mp_value *reply = NULL;
    struct error err = {{0}};
    struct served_tile tile;
    int status = peer_create(ctl, &peer, &err);
    if (status == STATUS_OK) {
        query_request_begin(&request, QUERY_OP_GET);
        query_request_text(&request, QUERY_ARG_KEY, str_of(key));
        status = peer_ask(peer, &request, &reply, &err);
    }
    int result = EXIT_SUCCESS;
    if (status == STATUS_NOT_FOUND) {
        result = ctl_fail(ctl,
                          "%s: there is no such tile, or it has expired; `tilewire ls` lists "
                          "what there is",
                          key);
    } else if (status != STATUS_OK) {
        result = ctl_fail(ctl, "%s", err.text);
    } else if (!answer_read_found(reply, &found) || !served_read(mp_at(found.tiles, 0), &tile)) {
        result = ctl_fail(ctl, "the answer of %s cannot be read", ctl->query);
    } else {
        (ctl->json ? print_tile_json : print_tile)(ctl, &tile);
        served_tile_free(&tile);
    }
    peer_destroy(&peer);
    return result;
}

const struct command command_get = {
    .name = "get",
    .argument = "KEY",
    .argument_needed = true,
    .brief = "one tile",
    .doc = "Print one tile.",
    .run = run,
};
