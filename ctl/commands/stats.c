/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire stats` prints how a server stands, and its counters. */
#include <stdlib.h>

#include "common/codec/json.h"
#include "common/program/program.h"
#include "common/replica/answer.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"
#include "ctl/peer/peer.h"

/* Appends the reply to a request that has no more than an operation. */
static int fetch(struct peer *peer, const char *op, struct buf *out, struct error *err)
{
    struct query_request request;
    const mp_value *reply;
    query_request_begin(&request, op);
    const int status = peer_ask(peer, &request, &reply, err);
    if (status == STATUS_OK) {
        mp_put_value(out, reply);
    }
    return status;
}

static void add_line(struct show_table *table, const char *name, const mp_value *value)
{
    struct buf text = {0};
    struct str string;
    show_table_add(table, name);
    if (mp_as_str(value, &string)) {
        show_table_add_str(table, string);
    } else {
        json_write_value(&text, value);
        show_table_add(table, buf_cstr(&text));
    }
    buf_free(&text);
}

static void add_standing(struct show_table *table, const mp_value *ping)
{
    static const char *const names[] = {ANSWER_ROLE,     ANSWER_VERSION, ANSWER_INSTANCE,
                                        ANSWER_SERVING,  ANSWER_TILES,   ANSWER_LANES,
                                        ANSWER_POSITION, ANSWER_ORDINAL};
    char time[WALL_TEXT_SIZE];
    wall_time as_of;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (mp_get(ping, names[i]) != NULL) {
            add_line(table, names[i], mp_get(ping, names[i]));
        }
    }
    if (mp_as_int(mp_get(ping, ANSWER_AS_OF), &as_of.us)) {
        show_table_add(table, ANSWER_AS_OF);
        show_table_add(table, wall_format(as_of, time));
    }
}

static void print_table(const struct ctl *ctl, const mp_value *ping, const mp_value *reply)
{
    struct show_table table;
    struct str reason;
    const mp_value *stats = mp_get(reply, ANSWER_STATS);
    show_table_init(&table, 2);
    show_table_add(&table, "NAME");
    show_table_add(&table, "VALUE");
    add_standing(&table, ping);
    if (mp_as_str(mp_get(reply, ANSWER_REASON), &reason) && reason.len != 0) {
        add_line(&table, ANSWER_REASON, mp_get(reply, ANSWER_REASON));
    }
    for (size_t i = 0; mp_is_map(stats) && i < mp_count(stats); i++) {
        struct str name;
        char copy[320] = ""; /* as long as the longest topic's name */
        if (mp_as_str(&stats->via.map.ptr[i].key, &name) && name.len < sizeof copy) {
            memcpy(copy, name.p, name.len);
            add_line(&table, copy, &stats->via.map.ptr[i].val);
        }
    }
    show_table_print(&table, ctl);
    show_table_free(&table);
}

static void print_both(const struct ctl *ctl, const mp_value *ping, const mp_value *reply)
{
    struct buf json = {0};
    buf_append_text(&json, "{\"ping\":");
    json_write_value(&json, ping);
    buf_append_text(&json, ",\"stats\":");
    json_write_value(&json, mp_get(reply, ANSWER_STATS));
    buf_append_text(&json, ",\"reason\":");
    json_write_value(&json, mp_get(reply, ANSWER_REASON));
    print_json(ctl->out, buf_str(&json));
    fputs("}\n", ctl->out);
    buf_free(&json);
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    (void)line;
    struct peer *peer = NULL;
    struct error err = {{0}};
    struct buf ping = {0};
    struct buf stats = {0};
    struct mp_doc ping_doc;
    struct mp_doc stats_doc;
    mp_doc_init(&ping_doc);
    mp_doc_init(&stats_doc);
    int status = peer_create(ctl, &peer, &err);
    if (status == STATUS_OK) {
        status = fetch(peer, QUERY_OP_PING, &ping, &err);
    }
    if (status == STATUS_OK) {
        status = fetch(peer, QUERY_OP_STATS, &stats, &err);
    }
    if (status == STATUS_OK && mp_parse(&ping_doc, ping.data, ping.len) == STATUS_OK &&
        mp_parse(&stats_doc, stats.data, stats.len) == STATUS_OK) {
        (ctl->json ? print_both : print_table)(ctl, &ping_doc.root, &stats_doc.root);
    } else {
        (void)ctl_fail(ctl, "%s", err.text);
    }
    mp_doc_free(&ping_doc);
    mp_doc_free(&stats_doc);
    buf_free(&ping);
    buf_free(&stats);
    peer_destroy(&peer);
    return status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
}

const struct command command_stats = {
    .name = "stats",
    .brief = "how a cache or an ingestor is doing",
    .doc = "Print how a cache or an ingestor is doing.",
    .run = run,
};
