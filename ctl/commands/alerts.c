/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire alerts` says who was told of what; `tilewire silence` keeps an ingestor from telling.
 */
#include <stdlib.h>

#include "common/codec/json.h"
#include "common/config/file/values.h"
#include "common/program/program.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"
#include "ctl/peer/peer.h"

static void add_member(struct show_table *table, const mp_value *map, const char *name)
{
    struct str text;
    if (mp_as_str(mp_get(map, name), &text)) {
        show_table_add_str(table, text);
    } else {
        show_table_add(table, "-");
    }
}

static void print_list(const struct ctl *ctl, const mp_value *list, const char *const *header,
                       const char *const *members, size_t count)
{
    struct show_table table;
    show_table_init(&table, count);
    for (size_t i = 0; i < count; i++) {
        show_table_add(&table, header[i]);
    }
    for (size_t i = 0; i < mp_count(list); i++) {
        for (size_t m = 0; m < count; m++) {
            add_member(&table, mp_at(list, i), members[m]);
        }
    }
    show_table_print(&table, ctl);
    show_table_free(&table);
}

static void print_reply(const struct ctl *ctl, const mp_value *reply)
{
    static const char *const alert_header[] = {"KEY",   "STATUS",  "STATE",         "SINCE",
                                               "ALERT", "TOLD AT", "SILENCED UNTIL"};
    static const char *const alert_members[] = {"key",   "status",  "state",         "since",
                                                "alert", "told_at", "silenced_until"};
    static const char *const silence_header[] = {"SILENCED", "UNTIL"};
    static const char *const silence_members[] = {"key", "until"};
    const mp_value *silences = mp_get(reply, "silences");
    bool more = false;
    if (ctl->json) {
        struct buf json = {0};
        json_write_value(&json, reply);
        print_json(ctl->out, buf_str(&json));
        fputc('\n', ctl->out);
        buf_free(&json);
        return;
    }
    print_list(ctl, mp_get(reply, "alerts"), alert_header, alert_members,
               sizeof alert_header / sizeof *alert_header);
    if (mp_as_bool(mp_get(reply, "more"), &more) && more) {
        fputs("… and more\n", ctl->out);
    }
    if (mp_count(silences) != 0) {
        fputc('\n', ctl->out);
        print_list(ctl, silences, silence_header, silence_members, 2);
    }
}

static int ask(const struct ctl *ctl, struct query_request *request)
{
    struct peer *peer = NULL;
    const mp_value *reply = NULL;
    struct error err = {{0}};
    int status = peer_create(ctl, &peer, &err);
    if (status == STATUS_OK) {
        status = peer_ask(peer, request, &reply, &err);
    }
    if (status == STATUS_OK) {
        print_reply(ctl, reply);
    }
    peer_destroy(&peer);
    return status == STATUS_OK ? EXIT_SUCCESS : ctl_fail(ctl, "%s", err.text);
}

static int run_alerts(const struct ctl *ctl, const struct command_line *line)
{
    struct query_request request;
    (void)line;
    query_request_begin(&request, QUERY_OP_ALERTS);
    return ask(ctl, &request);
}

static int run_silence(const struct ctl *ctl, const struct command_line *line)
{
    struct query_request request;
    int64_t ms = 0;
    if (line->second == NULL || !config_duration_parse(str_of(line->second), &ms)) {
        (void)ctl_fail(ctl, "say for how long, such as: tilewire silence %s 2h (0 ends a silence)",
                       line->argument);
        return PROGRAM_EXIT_USAGE;
    }
    query_request_begin(&request, QUERY_OP_SILENCE);
    query_request_text(&request, QUERY_ARG_KEY, str_of(line->argument));
    query_request_uint(&request, QUERY_ARG_FOR_MS, (uint64_t)ms);
    return ask(ctl, &request);
}

const struct command command_alerts = {
    .name = "alerts",
    .brief = "list who was told of tiles in trouble",
    .doc = "List the alerts of an ingestor: the tiles that are in trouble by an entry of `alerts`, "
           "when that was told, and what is silenced.",
    .of_ingestor = true,
    .run = run_alerts,
};

const struct command command_silence = {
    .name = "silence",
    .argument = "KEY",
    .argument_needed = true,
    .takes_two = true,
    .brief = "tell nobody of a tile for some time",
    .doc =
        "Keep an ingestor from telling that tiles are in trouble whose key matches KEY, in which "
        "* stands for any characters, for DURATION (such as 2h; 0 ends a silence). What was told "
        "before is told when it is over.",
    .of_ingestor = true,
    .run = run_silence,
};
