/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire events` prints the newest raw events of a server. */
#include <stdlib.h>

#include "common/base/event_fields.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/program/program.h"
#include "common/replica/answer.h"
#include "common/wire/event_json.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"
#include "ctl/peer/peer.h"

#define EVENTS_SHOWN 20

enum { OPTION_TYPES = 256 };

/* ---- Options ---- */

struct events_options {
    uint64_t count;    /* how many are printed, the newest; 0: EVENTS_SHOWN */
    const char *types; /* comma-separated, with `*`; NULL: all */
};

static const struct argp_option options_known[] = {
    {"count", 'n', "N", 0, "The newest N (default: 20)", 1},
    {"types", OPTION_TYPES, "TYPES", 0, "Of these types, such as order.*,ticket.opened", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct events_options *options = state->input;
    switch (key) {
    case 'n':
        options->count = command_parse_count(value, state);
        return 0;
    case OPTION_TYPES:
        options->types = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- Printing ---- */

/* The table shows an event's fields without its payload. */
#define COLUMNS EVENT_PAYLOAD

static void add_scalar(struct show_table *table, const mp_value *value)
{
    struct buf json = {0};
    struct str text;
    if (mp_as_str(value, &text)) {
        show_table_add_str(table, text);
    } else if (mp_is_nil(value)) {
        show_table_add(table, "");
    } else {
        json_write_value(&json, value);
        show_table_add(table, buf_cstr(&json));
    }
    buf_free(&json);
}

/* The newest events taken so far, in a ring. */
struct newest {
    struct buf *list; /* the fields of each, as MessagePack */
    size_t max;
    size_t count;
    size_t first; /* index of the oldest */
};

static void keep(struct newest *newest, const mp_value *fields)
{
    size_t at = newest->count;
    if (newest->count == newest->max) {
        at = newest->first;
        newest->first = (newest->first + 1) % newest->max;
    } else {
        newest->list = x_reallocarray(newest->list, newest->count + 1, sizeof *newest->list);
        newest->list[newest->count++] = (struct buf){0};
    }
    buf_clear(&newest->list[at]);
    mp_put_value(&newest->list[at], fields);
}

static void print_event(const struct ctl *ctl, const mp_value *fields)
{
    struct buf json = {0};
    event_json_write(&json, fields);
    print_json(ctl->out, buf_str(&json));
    fputc('\n', ctl->out);
    buf_free(&json);
}

static void print(const struct ctl *ctl, const struct newest *newest)
{
    static const char *const header[COLUMNS] = {
        [EVENT_ID] = "ID",       [EVENT_TIMESTAMP] = "TIME", [EVENT_TYPE] = "TYPE",
        [EVENT_ACTOR] = "ACTOR", [EVENT_TARGET] = "TARGET",  [EVENT_SUMMARY] = "SUMMARY",
    };
    struct show_table table;
    struct mp_doc doc;
    mp_doc_init(&doc);
    show_table_init(&table, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        show_table_add(&table, header[i]);
    }
    for (size_t i = 0; i < newest->count; i++) {
        const struct buf *one = &newest->list[(newest->first + i) % newest->count];
        if (mp_parse(&doc, one->data, one->len) != STATUS_OK) {
            continue;
        }
        if (ctl->json) {
            print_event(ctl, &doc.root);
        }
        for (size_t k = 0; k < COLUMNS; k++) {
            add_scalar(&table, mp_get(&doc.root, event_fields[k].name));
        }
    }
    if (!ctl->json) {
        show_table_print(&table, ctl);
    }
    show_table_free(&table);
    mp_doc_free(&doc);
}

/* ---- Asking ---- */

/* Adds the types, such as "a,b.*", as an array. */
static void put_types(struct query_request *request, const char *types)
{
    size_t count = 1;
    for (const char *p = types; *p != '\0'; p++) {
        count += *p == ',';
    }
    struct buf *list = query_request_member(request, QUERY_ARG_TYPES);
    mp_put_array(list, count);
    for (const char *p = types; count > 0; count--) {
        const size_t len = strcspn(p, ",");
        mp_put_str(list, (struct str){p, len});
        p += len + (p[len] == ',');
    }
}

/* Takes one page. Without types the first page begins with the newest events; with types all that
 * the server holds is read, since it cannot tell how far back the newest of a type are. */
static int take_page(struct peer *peer, const struct events_options *options, struct newest *newest,
                     uint64_t *after, bool *more, struct error *err)
{
    struct query_request request;
    const mp_value *reply;
    struct answer_events page;
    query_request_begin(&request, QUERY_OP_EVENTS);
    if (*after == 0 && options->types == NULL) {
        query_request_uint(&request, QUERY_ARG_NEWEST, options->count);
    } else {
        query_request_uint(&request, QUERY_ARG_AFTER, *after);
    }
    if (options->types != NULL) {
        put_types(&request, options->types);
    }
    const int status = peer_ask(peer, &request, &reply, err);
    if (status != STATUS_OK) {
        return status;
    }
    bool good = answer_read_events(reply, &page) && (!page.more || page.next > *after);
    for (size_t i = 0; good && i < mp_count(page.events); i++) {
        struct answer_event event;
        good = answer_read_event(mp_at(page.events, i), &event);
        if (good) {
            keep(newest, event.fields.parsed);
        }
    }
    if (!good) {
        return error_set(err, STATUS_INVALID, "the answer cannot be read");
    }
    *after = page.next;
    *more = page.more;
    return STATUS_OK;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    const struct events_options *given = line->options;
    const struct events_options options = {given->count != 0 ? given->count : EVENTS_SHOWN,
                                           given->types};
    struct peer *peer = NULL;
    struct error err = {{0}};
    struct newest newest = {.max = options.count < SIZE_MAX ? (size_t)options.count : SIZE_MAX};
    uint64_t after = 0;
    bool more = true;
    int status = peer_create(ctl, &peer, &err);
    while (status == STATUS_OK && more) {
        status = take_page(peer, &options, &newest, &after, &more, &err);
    }
    if (status == STATUS_OK) {
        print(ctl, &newest);
    } else {
        (void)ctl_fail(ctl, "%s", err.text);
    }
    for (size_t i = 0; i < newest.count; i++) {
        buf_free(&newest.list[i]);
    }
    free(newest.list);
    peer_destroy(&peer);
    return status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
}

const struct command command_events = {
    .name = "events",
    .brief = "the newest raw events",
    .doc = "Print the newest raw events, oldest first.",
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct events_options),
    .run = run,
};
