/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query.h"

#include <stdio.h>

#include "common/base/error.h"
#include "common/wire/wire.h"
#include "tests/unit.h"

/* A server with a few tiles and events, and the last reply it gave. */
struct server {
    struct store *store;
    struct eventlog *events;
    struct query query;
    bool serving;
    mono_time now;
    struct buf reply;
    struct mp_doc doc;
};

static void describe(void *arg, struct query_state *out)
{
    const struct server *server = arg;
    out->role = "cache";
    out->instance = "cache-1";
    out->serving = server->serving;
    out->reason = "no upstream yet";
    out->lanes = 3;
    out->lanes_owned = 5;
    out->last[0] = (struct version){7, 70};
    out->last[2] = (struct version){8, 80};
    out->position = "42";
    out->as_of = (wall_time){1234};
}

static size_t stats(void *arg, struct buf *out)
{
    (void)arg;
    mp_put_text(out, "tiles");
    mp_put_uint(out, 3);
    return 1;
}

static void put_tile(struct server *server, const char *key, uint64_t seq, size_t size)
{
    struct buf value = {0};
    struct mp_doc doc;
    char *text = x_malloc(size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    mp_doc_init(&doc);
    mp_put_map(&value, 1);
    mp_put_text(&value, "text");
    mp_put_text(&value, text);
    assert_int_equal(mp_parse(&doc, value.data, value.len), STATUS_OK);
    const struct wire_tile tile = {.key = str_of(key),
                                   .keyframe = true,
                                   .version = {7, seq},
                                   .value = &doc.root,
                                   .ttl_ms = 60000,
                                   .grace_ms = 1000,
                                   .position = STR("41"),
                                   .as_of = {99},
                                   .tally = {true, seq, 8}};
    assert_int_equal(store_apply(server->store, &tile, 0, (wall_time){5}, 0, server->now),
                     STATUS_OK);
    mp_doc_free(&doc);
    buf_free(&value);
    free(text);
}

static void put_event(struct server *server, uint64_t ordinal, int64_t id, const char *type)
{
    struct buf fields = {0};
    mp_put_map(&fields, 2);
    mp_put_text(&fields, "id");
    mp_put_int(&fields, id);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, type);
    (void)eventlog_append(server->events, 0, ordinal, event_id_of_number(id), buf_str(&fields),
                          (wall_time){1}, (wall_time){2});
    buf_free(&fields);
}

static int setup(void **state)
{
    struct server *server = x_calloc(1, sizeof *server);
    server->store = store_create(100000, NULL);
    server->events = eventlog_create(5, SIZE_MAX, NULL);
    server->query = (struct query){.store = server->store,
                                   .events = server->events,
                                   .state = describe,
                                   .stats = stats,
                                   .arg = server};
    server->serving = true;
    server->now.us = 10 * US_PER_S;
    query_init(&server->query);
    mp_doc_init(&server->doc);
    put_tile(server, "b", 1, 3);
    put_tile(server, "a", 2, 3);
    put_tile(server, "c", 3, 3);
    for (uint64_t n = 1; n <= 7; n++) {
        put_event(server, 10 * n, (int64_t)n, n % 2 == 0 ? "even.number" : "odd.number");
    }
    *state = server;
    return 0;
}

static int teardown(void **state)
{
    struct server *server = *state;
    query_free(&server->query);
    store_destroy(&server->store);
    eventlog_destroy(&server->events);
    mp_doc_free(&server->doc);
    buf_free(&server->reply);
    free(server);
    return 0;
}

static const mp_value *answer(struct server *server, struct str request)
{
    buf_clear(&server->reply);
    query_answer(&server->query, request, server->now, &server->reply);
    assert_int_equal(mp_parse(&server->doc, server->reply.data, server->reply.len), STATUS_OK);
    return &server->doc.root;
}

/* A request whose members are MessagePack given as text in C. */
#define ASK(server, bytes) answer(server, STR(bytes))

static void assert_code(const mp_value *reply, const char *code)
{
    struct str given = STR("(no error)");
    struct str message = STR("");
    (void)mp_as_str(mp_get(mp_get(reply, "error"), "code"), &given);
    (void)mp_as_str(mp_get(mp_get(reply, "error"), "message"), &message);
    assert_str(given, code);
    assert_true(message.len > 10);
}

static void assert_number(const mp_value *map, const char *name, int64_t expected)
{
    int64_t number = -1;
    assert_true(mp_as_int(mp_get(map, name), &number));
    assert_int_equal(number, expected);
}

static void assert_flag(const mp_value *map, const char *name, bool expected)
{
    bool flag = !expected;
    assert_true(mp_as_bool(mp_get(map, name), &flag));
    assert_int_equal(flag, expected);
}

static void assert_keys(const mp_value *reply, const char *expected)
{
    const mp_value *tiles = mp_get(reply, "tiles");
    char text[256] = "";
    for (size_t i = 0; i < mp_count(tiles); i++) {
        struct str key;
        assert_true(mp_as_str(mp_get(mp_at(tiles, i), "k"), &key));
        strncat(text, key.p, key.len);
    }
    assert_string_equal(text, expected);
}

static void assert_ids(const mp_value *reply, const char *expected)
{
    const mp_value *events = mp_get(reply, "events");
    char text[256] = "";
    for (size_t i = 0; i < mp_count(events); i++) {
        int64_t id = 0;
        assert_true(mp_as_int(mp_get(mp_get(mp_at(events, i), "e"), "id"), &id));
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", (int)id);
    }
    assert_string_equal(text, expected);
}

static void test_ping(void **state)
{
    const mp_value *reply = ASK(*state, "\x81\xa2op\xa4ping");
    struct str text;
    assert_true(mp_as_str(mp_get(reply, "role"), &text));
    assert_str(text, "cache");
    assert_true(mp_as_str(mp_get(reply, "instance"), &text));
    assert_str(text, "cache-1");
    assert_true(mp_as_str(mp_get(reply, "position"), &text));
    assert_str(text, "42");
    assert_flag(reply, "serving", true);
    assert_number(reply, "tiles", 3);
    assert_number(reply, "lanes", 3);
    assert_number(reply, "ordinal", 70);
    const mp_value *versions = mp_get(reply, "versions");
    assert_int_equal(mp_count(versions), 2); /* of the lanes that are here */
    int64_t seq = 0;
    assert_true(mp_as_int(mp_at(mp_get(versions, "2"), 1), &seq));
    assert_int_equal(seq, 80);
}

static void test_not_serving(void **state)
{
    struct server *server = *state;
    server->serving = false;
    assert_flag(ASK(server, "\x81\xa2op\xa4ping"), "serving", false);
    assert_flag(ASK(server, "\x81\xa2op\xa5stats"), "serving", false);
    assert_code(ASK(server, "\x81\xa2op\xa4list"), "unavailable");
    assert_code(ASK(server, "\x81\xa2op\xa8snapshot"), "unavailable");
}

static void test_get(void **state)
{
    struct server *server = *state;
    server->now = mono_add_ms(server->now, 1500);
    const mp_value *reply = ASK(server, "\x82\xa2op\xa3get\xa3key\xa1"
                                        "a");
    assert_keys(reply, "a");
    assert_number(mp_at(mp_get(reply, "tiles"), 0), "age", 1500);
    assert_number(mp_at(mp_get(reply, "tiles"), 0), "t", 60000);
    assert_flag(mp_at(mp_get(reply, "tiles"), 0), "stale", false);
    assert_keys(ASK(server, "\x82\xa2op\xa3get\xa4keys\x93\xa1"
                            "c\xa1x\xa1"
                            "b"),
                "cb");
    assert_number(&server->doc.root, "answered", 3);
    assert_code(ASK(server, "\x82\xa2op\xa3get\xa3key\xa1x"), "not_found");
    assert_code(ASK(server, "\x81\xa2op\xa3get"), "bad_request");
    assert_code(ASK(server, "\x82\xa2op\xa3get\xa4keys\x91\x07"), "bad_request");
}

static void test_get_is_bounded(void **state)
{
    struct server *server = *state;
    char key[16];
    struct buf request = {0};
    mp_put_map(&request, 2);
    mp_put_text(&request, "op");
    mp_put_text(&request, "get");
    mp_put_text(&request, "keys");
    mp_put_array(&request, 20);
    for (uint64_t i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "big%d", (int)i);
        put_tile(server, key, 100 + i, 50000);
        mp_put_text(&request, key);
    }
    const mp_value *reply = answer(server, buf_str(&request));
    assert_int_equal(mp_count(mp_get(reply, "tiles")), 6);
    assert_number(reply, "answered", 6);
    assert_true(server->reply.len < QUERY_REPLY_BYTES + 51000);
    buf_free(&request);
}

static void test_list(void **state)
{
    struct server *server = *state;
    assert_keys(ASK(server, "\x81\xa2op\xa4list"), "abc");
    assert_flag(&server->doc.root, "more", false);
    assert_null(mp_get(mp_at(mp_get(&server->doc.root, "tiles"), 0), "p"));
    assert_keys(ASK(server, "\x82\xa2op\xa4list\xa6prefix\xa1"
                            "b"),
                "b");
    assert_keys(ASK(server, "\x82\xa2op\xa4list\xa5"
                            "after\xa1"
                            "a"),
                "bc");
    assert_code(ASK(server, "\x82\xa2op\xa4list\xa6prefix\x01"), "bad_request");
}

static void test_snapshot_pages(void **state)
{
    struct server *server = *state;
    const mp_value *reply = ASK(server, "\x83\xa2op\xa8snapshot\xa5"
                                        "after\x00\xa5limit\x02");
    assert_keys(reply, "ba"); /* in the order of changes */
    assert_flag(reply, "more", true);
    assert_flag(reply, "restart", false);
    assert_number(reply, "next", 2);
    put_tile(server, "b", 9, 3); /* changes between the pages: it comes again */
    (void)store_remove(server->store, STR("a"), (struct version){7, 10});
    reply = ASK(server, "\x82\xa2op\xa8snapshot\xa5"
                        "after\x02");
    assert_keys(reply, "cba");
    assert_flag(reply, "more", false);
    const mp_value *gone = mp_at(mp_get(reply, "tiles"), 2);
    assert_null(mp_get(gone, "p"));
    assert_flag(gone, "expired", false);
    assert_code(ASK(server, "\x82\xa2op\xa8snapshot\xa5limit\x00"), "bad_request");
}

static void test_a_page_is_as_long_as_its_asker_wants(void **state)
{
    struct server *server = *state;
    const mp_value *reply = ASK(server, "\x82\xa2op\xa8snapshot\xa5"
                                        "bytes\x01");
    assert_keys(reply, "b"); /* one, though it is longer */
    assert_flag(reply, "more", true);
    assert_keys(ASK(server, "\x82\xa2op\xa8snapshot\xa5"
                            "bytes\xcd\xff\xff"),
                "bac");
    assert_ids(ASK(server, "\x83\xa2op\xa6"
                           "events\xa6newest\x03\xa5"
                           "bytes\x01"),
               "5 ");
    assert_flag(&server->doc.root, "more", true);
    assert_code(ASK(server, "\x82\xa2op\xa8snapshot\xa5"
                            "bytes\x00"),
                "bad_request");
    assert_code(ASK(server, "\x82\xa2op\xa6"
                            "events\xa5"
                            "bytes\xa1x"),
                "bad_request");
}

static void test_snapshot_restarts_when_removals_are_forgotten(void **state)
{
    struct server *server = *state;
    char key[32];
    for (uint64_t i = 0; i < STORE_TOMBSTONES_MAX + 1; i++) {
        snprintf(key, sizeof key, "k%d", (int)i);
        put_tile(server, key, 100 + 2 * i, 3);
        (void)store_remove(server->store, str_of(key), (struct version){7, 101 + 2 * i});
    }
    const mp_value *reply = ASK(server, "\x83\xa2op\xa8snapshot\xa5"
                                        "after\x02\xa5limit\x01");
    assert_flag(reply, "restart", true);
    assert_keys(reply, "b");
    const int64_t forgotten = (int64_t)store_forgotten(server->store);
    assert_number(reply, "forgotten", forgotten);
    assert_in_range(forgotten, 3, 127); /* one byte of MessagePack */
    char request[] = "\x84\xa2op\xa8snapshot\xa5"
                     "after\x02\xa5limit\x01\xa5"
                     "began\x00";
    request[sizeof request - 2] = (char)forgotten; /* the asker began when these were forgotten */
    const struct str began = {request, sizeof request - 1};
    assert_flag(answer(server, began), "restart", false);
    request[sizeof request - 2] = (char)(forgotten - 1);
    assert_flag(answer(server, began), "restart", true);
}

static void test_events(void **state)
{
    struct server *server = *state;
    assert_ids(ASK(server, "\x81\xa2op\xa6"
                           "events"),
               "3 4 5 6 7 ");
    assert_number(&server->doc.root, "floor", 20);
    assert_ids(ASK(server, "\x82\xa2op\xa6"
                           "events\xa5limit\x02"),
               "6 7 ");
    assert_ids(ASK(server, "\x82\xa2op\xa6"
                           "events\xa6newest\x03"),
               "5 6 7 ");
    assert_ids(ASK(server, "\x83\xa2op\xa6"
                           "events\xa6newest\x03\xa5limit\x02"),
               "5 6 ");
    assert_flag(&server->doc.root, "more", true);
    assert_number(&server->doc.root, "next", 60);
    assert_ids(ASK(server, "\x82\xa2op\xa6"
                           "events\xa5"
                           "after\x32"),
               "6 7 ");
    assert_ids(ASK(server, "\x82\xa2op\xa6"
                           "events\xa8"
                           "after_id\x06"),
               "7 ");
    assert_code(ASK(server, "\x82\xa2op\xa6"
                            "events\xa8"
                            "after_id\x01"),
                "not_found"); /* it has left */
    assert_ids(ASK(server, "\x83\xa2op\xa6"
                           "events\xa5limit\x02\xa5types\x91\xa4odd*"),
               "5 7 "); /* the newest of that type */
    assert_code(ASK(server, "\x82\xa2op\xa6"
                            "events\xa5types\x01"),
                "bad_request");
    assert_code(ASK(server, "\x82\xa2op\xa6"
                            "events\xa6newest\xa1x"),
                "bad_request");
}

static void test_stats(void **state)
{
    assert_number(mp_get(ASK(*state, "\x81\xa2op\xa5stats"), "stats"), "tiles", 3);
}

static void test_wrong_requests(void **state)
{
    struct server *server = *state;
    assert_code(ASK(server, ""), "bad_request");
    assert_code(ASK(server, "\xc1"), "bad_request");
    assert_code(ASK(server, "\x07"), "bad_request");
    assert_code(ASK(server, "\x81\xa2op\x07"), "bad_request");
    assert_code(ASK(server, "\x81\xa2op\xa6"
                            "format"),
                "unknown_op");
    assert_code(ASK(server, "\xdd\xff\xff\xff\xff"), "bad_request");
    char *long_request = x_calloc(1, QUERY_REQUEST_MAX + 1);
    assert_code(answer(server, (struct str){long_request, QUERY_REQUEST_MAX + 1}), "bad_request");
    free(long_request);
    assert_int_equal(server->query.answered, 7);
    assert_int_equal(server->query.refused, 7);
}

/* Whatever is asked, a well-formed reply comes back. */
static void test_mutated_requests(void **state)
{
    struct server *server = *state;
    static const char request[] = "\x85\xa2op\xa6"
                                  "events\xa5"
                                  "after\x32\xa5limit\x02\xa5types\x91\xa4odd*\xa3key\xa1"
                                  "a";
    const unsigned seed = seed_of_run();
    srand(seed);
    for (int i = 0; i < 20000; i++) {
        char bytes[sizeof request];
        memcpy(bytes, request, sizeof request);
        for (int k = rand() % 4; k >= 0; k--) {
            bytes[rand() % (int)(sizeof request - 1)] = (char)rand();
        }
        (void)answer(server, (struct str){bytes, (size_t)rand() % sizeof request});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_serving, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_page_is_as_long_as_its_asker_wants, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_restarts_when_removals_are_forgotten, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mutated_requests, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
