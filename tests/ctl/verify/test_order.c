/* SPDX-License-Identifier: Apache-2.0 */
/* The order of delivery, as pages of a server's event log tell it. */
#include "ctl/verify/order.h"

#include "common/replica/answer.h"
#include "common/wire/tally.h"
#include "ctl/oracle/named.h"
#include "tests/unit.h"

#define EVENTS_US INT64_C(1795773600000000) /* the timestamp of all events */

/* The server that is asked. */
struct server {
    uint64_t generation;
    uint64_t floor;           /* The log has dropped events up to this ordinal. */
    const int64_t *ids;       /* of the events behind it */
    const char *const *texts; /* the same, where they are texts */
    size_t count;
    size_t passed; /* how far its position is behind the newest event; 0: it tells no position */
    size_t asked;
    struct buf reply;
    struct mp_doc doc;
};

static struct server server;

/* Stands in for the connection: all events above `after`, on one page. */
int peer_ask(struct peer *peer, struct query_request *request, const mp_value **reply,
             struct error *err)
{
    (void)peer;
    (void)err;
    char position[24] = "0";
    if (server.passed != 0) {
        (void)snprintf(position, sizeof position, "%llu",
                       (unsigned long long)(server.floor + server.count + server.passed));
    }
    const struct answer_standing standing = {
        .instance = STR("i"), .lanes = 1, .position = str_of(position), .origin = 5};
    struct buf asked = {0};
    struct mp_doc question;
    uint64_t after = 0;
    query_request_finish(request, &asked);
    mp_doc_init(&question);
    assert_int_equal(mp_parse(&question, asked.data, asked.len), STATUS_OK);
    (void)mp_as_uint(mp_get(&question.root, "after"), &after);
    server.asked++;
    buf_clear(&server.reply);
    struct answer_array array =
        answer_begin_events(&server.reply, &standing, server.floor, server.generation);
    after = after < server.floor ? server.floor : after;
    for (uint64_t ordinal = after + 1; ordinal <= server.floor + server.count; ordinal++) {
        struct buf fields = {0};
        mp_put_map(&fields, 3);
        mp_put_text(&fields, "id");
        if (server.texts != NULL) {
            mp_put_text(&fields, server.texts[ordinal - 1 - server.floor]);
        } else {
            mp_put_int(&fields, server.ids[ordinal - 1]);
        }
        mp_put_text(&fields, "timestamp");
        mp_put_text(&fields, "2026-11-27T10:00:00.000Z");
        mp_put_text(&fields, "event_type");
        mp_put_text(&fields, "x");
        const struct answer_event event = {.ordinal = ordinal, .fields.bytes = buf_str(&fields)};
        answer_put_event(&server.reply, &event);
        array.count++;
        buf_free(&fields);
    }
    answer_end_page(&server.reply, array, server.floor + server.count, false);
    assert_int_equal(mp_parse(&server.doc, server.reply.data, server.reply.len), STATUS_OK);
    *reply = &server.doc.root;
    mp_doc_free(&question);
    buf_free(&asked);
    return STATUS_OK;
}

static void read_order(struct order *order)
{
    struct error err;
    assert_int_equal(order_read(order, NULL, 0, &err), STATUS_OK);
}

static uint64_t ordinal_of(const struct order *order, int64_t id)
{
    const struct order_row row = {.key = id};
    return order_of(order, &row);
}

static void test_what_was_read_is_kept(void **state)
{
    (void)state;
    static const int64_t ids[] = {11, 10, 12, 13};
    struct order *order = order_create(false, NULL);
    server.ids = ids;
    server.count = 3;
    read_order(order);
    server.count = 4;
    read_order(order);
    assert_int_equal(order_generation(order), 0);
    assert_int_equal(ordinal_of(order, 10), 2);
    assert_int_equal(ordinal_of(order, 13), 4);
    order_destroy(&order);
}

/* Rows that were rolled back with a failover are not in order any more: others have their places.
 */
static void test_a_log_that_was_emptied_is_read_anew(void **state)
{
    (void)state;
    static const int64_t before[] = {10, 11, 12};
    static const int64_t since[] = {10, 21, 22, 23};
    struct order *order = order_create(false, NULL);
    server.ids = before;
    server.count = 3;
    read_order(order);
    assert_int_equal(ordinal_of(order, 11), 2);
    server.generation++;
    server.ids = since;
    server.count = 4;
    read_order(order);
    assert_int_equal(order_generation(order), 1);
    assert_int_equal(ordinal_of(order, 21), 2);
    assert_int_equal(ordinal_of(order, 22), 3);
    assert_int_equal(order_count(order, 0, 4), 4);
    order_destroy(&order);
}

static struct order_row row_in_stream(const char *text)
{
    struct order_row row = {.key = tally_id(event_id_of_text(str_of(text)))};
    row.stream = event_id_stream(str_of(text), &row.offset);
    assert_true(row.stream != 0);
    return row;
}

static uint64_t ordinal_in_stream(const struct order *order, const char *text)
{
    const struct order_row row = row_in_stream(text);
    return order_of(order, &row);
}

static bool has_passed(const struct order *order, const char *text)
{
    const struct order_row row = row_in_stream(text);
    return order_has_passed(order, &row);
}

/* What stands before an event of its stream was delivered before it, and what stands behind one was
 * not delivered yet when it is not here. */
static void test_streams_are_delivered_in_the_order_of_their_offsets(void **state)
{
    (void)state;
    static const char *const texts[] = {"t-0-8", "t-1-20", "t-0-9", "t-0-11"};
    struct order *order = order_create(true, NULL);
    server.texts = texts;
    server.count = 4;
    server.floor = 100;
    read_order(order);
    assert_int_equal(order_floor(order), 100);
    assert_int_equal(ordinal_in_stream(order, "t-0-9"), 103);
    assert_int_equal(ordinal_in_stream(order, "t-0-7"), 0);
    assert_int_equal(ordinal_in_stream(order, "t-1-3"), 0);
    assert_int_equal(ordinal_in_stream(order, "t-2-0"), 0); /* nothing of it is here */
    assert_true(ordinal_in_stream(order, "t-0-12") == ORDER_NOT_DELIVERED);
    assert_true(ordinal_in_stream(order, "t-1-21") == ORDER_NOT_DELIVERED);
    order_destroy(&order);
}

/* What was left out as a duplicate is not among the events, though those behind it are. */
static void test_what_was_passed_over_is_told_by_what_is_behind_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"t-0-8", "t-1-20", "t-0-11"};
    struct order *order = order_create(true, NULL);
    server.texts = texts;
    server.count = 3;
    server.floor = 100;
    read_order(order);
    assert_true(has_passed(order, "t-0-9"));
    assert_false(has_passed(order, "t-0-8"));
    assert_false(has_passed(order, "t-0-12"));
    assert_false(has_passed(order, "t-1-21"));
    assert_false(has_passed(order, "t-2-0")); /* nothing of it is here */
    server.passed = 1;                        /* behind the newest event */
    read_order(order);
    assert_true(has_passed(order, "t-0-12"));
    order_destroy(&order);
}

/* Each source by itself: one in the order of its numbers, one whose numbers commit in any order,
 * and one whose ids are texts, whose events are an hour older than the others' rows. */
static void test_each_of_several_sources_is_delivered_by_itself(void **state)
{
    (void)state;
    static const char yaml[] = "sources:\n"
                               "  - {name: a, uri: 'sqlite:a.db'}\n"
                               "  - {name: p, uri: 'postgresql://h/d'}\n"
                               "  - {name: t, uri: 'sqlite:t.db', cursor: [created_at, id]}\n";
    static const char *const texts[] = {"a-8", "p-20", "t-x", "a-11", "p-17"};
    struct config *config;
    struct error err = {{0}};
    assert_int_equal(config_parse(yaml, strlen(yaml), "t.yaml", &config, &err), STATUS_OK);
    struct order *order = order_create(true, config);
    server.texts = texts;
    server.count = 5;
    server.floor = 100;
    read_order(order);
    static const struct {
        const char *id;
        unsigned source;
        int64_t us; /* behind the events */
        uint64_t ordinal;
    } rows[] = {
        {"a-8", 0, 0, 101},
        {"a-11", 0, 0, 104},
        {"a-9", 0, 0, ORDER_NOT_DELIVERED},
        {"a-7", 0, 1, 0},
        {"p-17", 1, 0, 105},
        {"p-18", 1, 1, 0}, /* delivered up to the floor: numbers above it were */
        {"p-21", 1, -1, ORDER_NOT_DELIVERED},
        {"t-x", 2, 0, 103},
        {"t-old", 2, -1, 0},
        {"t-new", 2, 1, ORDER_NOT_DELIVERED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct str id = str_of(rows[i].id);
        struct order_row row = {.key = tally_id(event_id_of_text(id)),
                                .timestamp = {EVENTS_US + rows[i].us},
                                .source = rows[i].source,
                                .any_order = rows[i].source == 1};
        if (rows[i].source != 2) {
            row.stream = oracle_named_stream(config->sources[rows[i].source].name, 0);
            row.offset = atoi(id.p + 2);
        }
        assert_true(order_of(order, &row) == rows[i].ordinal);
    }
    order_destroy(&order);
    config_destroy(&config);
}

static int by_key(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* A row that is delivered up to the floor may be younger than the first events behind it, whose
 * transaction was open for long: what tells is whether it was there when the table was read first.
 */
static void test_times_tell_nothing_where_rows_come_late(void **state)
{
    (void)state;
    static const char *const texts[] = {"late", "later"};
    const struct order_row there = {.key = tally_id(event_id_of_text(STR("there"))),
                                    .timestamp = {EVENTS_US + 1}};
    const struct order_row came = {.key = tally_id(event_id_of_text(STR("came"))),
                                   .timestamp = {EVENTS_US - 1}};
    int64_t keys[] = {there.key, tally_id(event_id_of_text(STR("late"))), came.key};
    qsort(keys, 2, sizeof *keys, by_key);
    struct order *order = order_create(true, NULL);
    server.texts = texts;
    server.count = 2;
    server.floor = 100;
    order_note_there(order, &(struct there){keys, 2}); /* before the log: it tells nothing */
    read_order(order);
    assert_true(order_of(order, &there) == ORDER_NOT_DELIVERED); /* by the times */
    order_note_there(order, &(struct there){keys, 2});
    assert_int_equal(order_of(order, &there), 0);
    assert_true(order_of(order, &came) == ORDER_NOT_DELIVERED);

    /* A row that came later is not among those of then. */
    qsort(keys, 3, sizeof *keys, by_key);
    order_note_there(order, &(struct there){keys, 3});
    assert_true(order_of(order, &came) == ORDER_NOT_DELIVERED);

    /* The log is another one, which the table was not read behind yet. */
    server.generation = 2;
    read_order(order);
    assert_true(order_of(order, &there) == ORDER_NOT_DELIVERED);
    assert_int_equal(order_of(order, &came), 0);
    order_note_there(order, &(struct there){keys, 3});
    assert_int_equal(order_of(order, &came), 0);
    assert_int_equal(order_of(order, &there), 0);
    order_destroy(&order);
}

static int setup(void **state)
{
    (void)state;
    server = (struct server){.generation = 1};
    mp_doc_init(&server.doc);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mp_doc_free(&server.doc);
    buf_free(&server.reply);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_read_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_log_that_was_emptied_is_read_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_streams_are_delivered_in_the_order_of_their_offsets,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_of_several_sources_is_delivered_by_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_passed_over_is_told_by_what_is_behind_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_times_tell_nothing_where_rows_come_late, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
