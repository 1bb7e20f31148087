/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: whatever is asked, the reply is an error, or what that operation replies, within its
 * bounds. Input: the request. */
#include "common/base/error.h"
#include "common/replica/answer.h"
#include "common/replica/query.h"
#include "common/replica/query_request.h"
#include "tests/fuzz/fuzz.h"

#define EVENTS 20

static const mono_time now = {INT64_C(60000000)};

/* A server of four tiles, of which one is gone, and some events. It lives as long as the program.
 */
static struct query server;

static void describe(void *arg, struct query_state *out)
{
    (void)arg;
    *out = (struct query_state){.role = "cache",
                                .instance = "cache-1",
                                .serving = true,
                                .reason = "",
                                .lanes = 3,
                                .lanes_owned = 5,
                                .last = {[0] = {7, 70}, [2] = {8, 80}},
                                .position = "42",
                                .confirmed = UINT64_MAX};
}

static void put_tile(const char *key, uint64_t seq)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    FUZZ_CHECK(mp_parse(&doc, "\x81\xa1v\x07", 4) == STATUS_OK);
    const struct wire_tile tile = {.key = str_of(key),
                                   .keyframe = true,
                                   .version = {7, seq},
                                   .value = &doc.root,
                                   .ttl_ms = 120000,
                                   .position = STR("41")};
    FUZZ_CHECK(store_apply(server.store, &tile, 0, (wall_time){5}, 0, now) == STATUS_OK);
    mp_doc_free(&doc);
}

static void put_event(uint64_t ordinal)
{
    static const char *const types[] = {"order.created", "order.shipped", "ticket.opened"};
    struct buf fields = {0};
    mp_put_map(&fields, 2);
    mp_put_text(&fields, ANSWER_EVENT_ID);
    mp_put_uint(&fields, ordinal * 10);
    mp_put_text(&fields, ANSWER_EVENT_TYPE);
    mp_put_text(&fields, types[ordinal % 3]);
    FUZZ_CHECK(eventlog_append(server.events, 1, ordinal, event_id_of_number((int64_t)ordinal * 10),
                               buf_str(&fields), (wall_time){1}, (wall_time){2}) != NULL);
    buf_free(&fields);
}

static void start_server(void)
{
    server = (struct query){.store = store_create(10, NULL),
                            .events = eventlog_create(EVENTS, SIZE_MAX, NULL),
                            .state = describe};
    query_init(&server);
    put_tile("orders.open", 1);
    put_tile("orders.by_region/eu", 2);
    put_tile("queue", 3);
    put_tile("gone", 4);
    FUZZ_CHECK(store_remove(server.store, STR("gone"), (struct version){7, 5}) == STATUS_OK);
    for (uint64_t i = 1; i <= EVENTS + 5; i++) {
        put_event(i);
    }
}

/* True when the reply is what the operation promises. */
static bool is_reply_to(const char *op, const mp_value *reply)
{
    struct answer_ping ping;
    struct answer_stats stats;
    struct answer_found found;
    struct answer_list list;
    struct answer_snapshot snapshot;
    struct answer_events events;
    return strcmp(op, QUERY_OP_PING) == 0       ? answer_read_ping(reply, &ping)
           : strcmp(op, QUERY_OP_STATS) == 0    ? answer_read_stats(reply, &stats)
           : strcmp(op, QUERY_OP_GET) == 0      ? answer_read_found(reply, &found)
           : strcmp(op, QUERY_OP_LIST) == 0     ? answer_read_list(reply, &list)
           : strcmp(op, QUERY_OP_SNAPSHOT) == 0 ? answer_read_snapshot(reply, &snapshot)
                                                : answer_read_events(reply, &events);
}

static void check_reply(struct str request, const mp_value *reply)
{
    static const char *const ops[] = {QUERY_OP_PING, QUERY_OP_STATS,    QUERY_OP_GET,
                                      QUERY_OP_LIST, QUERY_OP_SNAPSHOT, QUERY_OP_EVENTS};
    struct answer_error error;
    struct mp_doc doc;
    struct str op;
    if (answer_read_error(reply, &error)) {
        FUZZ_CHECK(error.code.len != 0 && error.message.len != 0);
        return;
    }
    fuzz_took();
    mp_doc_init(&doc);
    FUZZ_CHECK(mp_parse(&doc, request.p, request.len) == STATUS_OK);
    FUZZ_CHECK(mp_as_str(mp_get(&doc.root, QUERY_ARG_OP), &op));
    size_t i = 0;
    while (!str_is(op, ops[i])) {
        i++;
        FUZZ_CHECK(i < sizeof ops / sizeof *ops);
    }
    FUZZ_CHECK(is_reply_to(ops[i], reply));
    mp_doc_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buf reply = {0};
    struct mp_doc doc;
    if (server.store == NULL) {
        start_server();
    }
    query_answer(&server, fuzz_text(data, len), now, &reply);
    FUZZ_CHECK(reply.len != 0 && reply.len <= QUERY_REPLY_BYTES);
    mp_doc_init(&doc);
    FUZZ_CHECK(mp_parse(&doc, reply.data, reply.len) == STATUS_OK);
    check_reply(fuzz_text(data, len), &doc.root);
    mp_doc_free(&doc);
    buf_free(&reply);
    return 0;
}
