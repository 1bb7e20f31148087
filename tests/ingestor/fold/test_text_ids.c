/* SPDX-License-Identifier: Apache-2.0 */
/* Rows whose ids are texts: of equal timestamps the greatest text is the latest, in whichever order
 * the rows come, and after each checkpoint. */
#include "tests/ingestor/fold/fold_saved.h"

static const char tiles[] =
    "  - {key: value, type: gauge, metric: m}\n"
    "  - {key: count, type: count, metric: m}\n"
    "  - {key: last, type: trend, metric: m, step: 1s, length: 5, aggregate: last}\n"
    "  - {key: work, type: backlog, item: target_id, breakdown: payload.team,\n"
    "     states: {open: open, taken: busy, done: null}}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: open}, closes: {event_type: done},\n"
    "     item: target_id, within: 30s, at_risk: 10s}\n";
static const char *const keys[] = {"value", "count", "last", "work", "sla"};

struct text_row {
    const char *id;
    const char *type;
    const char *target;
    const char *payload;
};

/* All of one moment. Their order by bytes is that of this list. Two ids of eight bytes and one that
 * begins with another are among them. */
static const struct text_row rows[] = {
    {"0189c0de", "open", "a", "{\"team\":\"x\"}"},
    {"0189c0de-1", "taken", "a", "{\"team\":\"y\"}"},
    {"0189c0df", "open", "b", "{\"team\":\"x\"}"},
    {"10", "metrics.updated", "", "{\"metric\":\"m\",\"value\":1}"},
    {"9", "metrics.updated", "", "{\"metric\":\"m\",\"value\":2}"},
    {"A", "done", "b", "{\"team\":\"z\"}"},
    {"a", "open", "c", "{\"team\":\"x\"}"},
    {"b", "open", "d", "{\"team\":\"x\"}"},
    {"\xc3\xa4", "metrics.updated", "", "{\"metric\":\"m\",\"value\":3}"},
};
#define ROWS (sizeof rows / sizeof *rows)

static void add(struct fold_test *t, const struct text_row *row)
{
    const struct event event = {.id = event_id_of_text(str_of(row->id)),
                                .ordinal = 1,
                                .timestamp = {START_US},
                                .arrival = t->now.wall,
                                .event_type = str_of(row->type),
                                .target_id = str_of(row->target),
                                .payload = str_of(row->payload)};
    fold_event(t->fold, &event, t->now);
}

/* Goes on with what was saved. */
static void save_and_load(struct fold_test *t)
{
    struct state_changes saved = {0};
    fold_unsave_all(t->fold); /* the store is a new one each time */
    (void)save_into(t, &saved);
    fold_destroy(&t->fold);
    t->fold = fold_create(t->config, UINT64_MAX);
    (void)load_from(t, &saved);
    state_changes_free(&saved);
}

static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    unsigned seed = 7;
    static const char *const expected[] = {
        "{\"value\":3,\"min\":1,\"max\":3}", "{\"value\":3}",
        "{\"step_ms\":1000,\"aggregate\":\"last\",\"points\":{\"1795411920000\":3}}",
        "{\"total\":3,\"buckets\":{\"open\":2,\"busy\":1},\"oldest_at\":\"2026-11-23T05:32:00."
        "000Z\","
        "\"breakdown\":{\"y\":{\"busy\":1},\"x\":{\"open\":2}}}",
        "{\"ok\":3,\"at_risk\":0,\"breached\":0,\"next_breach_at\":\"2026-11-23T05:32:30.000Z\","
        "\"worst\":[{\"id\":\"a\",\"due_at\":\"2026-11-23T05:32:30.000Z\"},"
        "{\"id\":\"c\",\"due_at\":\"2026-11-23T05:32:30.000Z\"},"
        "{\"id\":\"d\",\"due_at\":\"2026-11-23T05:32:30.000Z\"}]}"};
    for (int round = 0; round < 50; round++) {
        struct fold_test t;
        size_t order[ROWS] = {0};
        fold_test_init(&t, tiles);
        for (size_t i = 0; i < ROWS; i++) {
            const size_t k = (size_t)rand_r(&seed) % (i + 1);
            order[i] = order[k];
            order[k] = i;
        }
        for (size_t i = 0; i < ROWS; i++) {
            add(&t, &rows[order[i]]);
            if (rand_r(&seed) % 3 == 0) {
                save_and_load(&t);
            }
        }
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            if (i != 3) {
                assert_str(str_of(data_of(&t, keys[i])), expected[i]);
            } else { /* the members of the breakdown stand in the order of coming */
                assert_non_null(strstr(data_of(&t, keys[i]), "\"total\":3"));
                assert_non_null(strstr(data_of(&t, keys[i]), "\"y\":{\"busy\":1}"));
                assert_non_null(strstr(data_of(&t, keys[i]), "\"x\":{\"open\":2}"));
            }
        }
        fold_test_free(&t);
    }
}

static void test_rows_that_wait_keep_their_ids(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, tiles);
    t.now.wall.us -= US_PER_S;
    for (size_t i = ROWS; i-- > 0;) {
        add(&t, &rows[i]);
    }
    save_and_load(&t);
    assert_str(str_of(data_of(&t, "count")), "{}");
    pass_ms(&t, 1000);
    assert_str(str_of(data_of(&t, "count")), "{\"value\":3}");
    fold_test_free(&t);
}

/* An id of a bus is a stream and a place in it: ids of one stream are ordered by the place, and
 * those of two by the stream, whatever their places are. */
static void test_places_are_compared_within_their_stream(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int64_t place;
    } openings[] = {{"work-1-3", 3}, {"work-0-12", 12}, {"work-0-9", 9}, {"sales-0-30", 30}};
    static const char *const expected[] = {"\"sales-0-30\"", "\"work-0-9\"", "\"work-0-12\"",
                                           "\"work-1-3\""};
    struct fold_test t;
    fold_test_init(&t, tiles);
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        const struct event event = {
            .id = event_id_of_place(str_of(openings[i].id), openings[i].place),
            .ordinal = i + 1,
            .timestamp = {START_US},
            .arrival = t.now.wall,
            .event_type = STR("open"),
            .target_id = str_of(openings[i].id)};
        fold_event(t.fold, &event, t.now);
    }
    for (int life = 0; life < 2; life++) {
        const char *at = data_of(&t, "sla");
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            at = strstr(at, expected[i]);
            assert_non_null(at);
        }
        save_and_load(&t);
    }
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_gives_the_same),
        cmocka_unit_test(test_places_are_compared_within_their_stream),
        cmocka_unit_test(test_rows_that_wait_keep_their_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
