/* SPDX-License-Identifier: Apache-2.0 */
/* rate: how fast events come, and how much counters have grown. */
#include "common/base/xalloc.h"
#include "ingestor/fold/types/readings.h"
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

static void test_events_of_a_window(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: r, type: rate, match: {event_type: seen}, per: minute, window: "
                       "10s, unit: rows}\n"
                       "  - {key: s, type: rate, window: 10s}\n"
                       "  - {key: h, type: rate, window: 500ms, per: hour}\n");
    assert_string_equal(
        data_of(&t, "r"),
        "{\"value\":0,\"count\":0,\"per\":\"minute\",\"unit\":\"rows\",\"window_ms\":10000}");
    fold_now(&t, "seen", NULL, NULL);
    fold_now(&t, "seen", NULL, NULL);
    fold_now(&t, "other", NULL, NULL);
    assert_non_null(strstr(data_of(&t, "r"), "{\"value\":12,\"count\":2,"));
    assert_string_equal(data_of(&t, "s"),
                        "{\"value\":0.3,\"count\":3,\"per\":\"second\",\"window_ms\":10000}");
    assert_non_null(strstr(data_of(&t, "h"), "{\"value\":21600,\"count\":3,"));
    pass_ms(&t, 5000);
    fold_at(&t, 90, -2000, "seen", NULL, NULL);
    assert_non_null(strstr(data_of(&t, "r"), "{\"value\":18,\"count\":3,"));
    pass_ms(&t, 3100);
    assert_non_null(strstr(data_of(&t, "r"), "{\"value\":12,\"count\":2,"));
    pass_ms(&t, 2000);
    assert_non_null(strstr(data_of(&t, "r"), "{\"value\":0,\"count\":0,"));
    fold_test_free(&t);
}

/* A reading of a counter so many ms after the start. */
static void read_at(struct fold_test *t, int64_t ms, const char *series, int value)
{
    char payload[64];
    snprintf(payload, sizeof payload, "{\"v\":%d}", value);
    fold_at(t, t->next_id++, ms, "read", series, payload);
}

#define COUNTERS "  - {key: r, type: rate, value: payload.v, item: target_id, window: 10s}\n"

static void test_a_reset_and_what_came_before_the_window(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, COUNTERS);
    assert_string_equal(data_of(&t, "r"), "{\"series\":0,\"per\":\"second\",\"window_ms\":10000}");
    read_at(&t, 0, "a", 170);
    assert_string_equal(data_of(&t, "r"), "{\"series\":1,\"per\":\"second\",\"window_ms\":10000}");
    pass_ms(&t, 11000);
    assert_non_null(strstr(data_of(&t, "r"), "{\"series\":0,\"per\""));
    read_at(&t, 11000, "a", 190); /* compared with the one before the window */
    assert_non_null(strstr(data_of(&t, "r"), "{\"series\":1,\"increase\":20,\"value\":2,"));
    pass_ms(&t, 2000);
    read_at(&t, 13000, "a", 20); /* it began anew */
    pass_ms(&t, 2000);
    read_at(&t, 15000, "a", 50);
    read_at(&t, 15000, "b", 1000); /* another counter */
    assert_non_null(strstr(data_of(&t, "r"), "{\"series\":2,\"increase\":70,\"value\":7,"));
    pass_ms(&t, 5000); /* 170 is forgotten */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":50,"));
    pass_ms(&t, 1000); /* 190 leaves the window, but 20 is compared with it */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":50,"));
    pass_ms(&t, 2000);
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":30,"));
    pass_ms(&t, 20000);
    assert_non_null(strstr(data_of(&t, "r"), "{\"series\":0,\"per\""));
    fold_test_free(&t);
}

static void test_late_rows_go_where_they_belong(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, COUNTERS);
    pass_ms(&t, 9000);
    read_at(&t, 1000, "a", 10);
    read_at(&t, 9000, "a", 40);
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":30,"));
    read_at(&t, 5000, "a", 25); /* between them: nothing new */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":30,"));
    read_at(&t, 7000, "a", 5); /* a reset that nobody had seen: 15 to 25, and 40 since */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":55,"));
    read_at(&t, 7050, "a", 60); /* the last one of its slot counts: 15, 35, and 40 */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":90,"));
    read_at(&t, 7010, "a", 1);
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":90,"));
    read_at(&t, -5000, "a", 3); /* before the window, but not too old */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":97,"));
    read_at(&t, -12000, "a", 0); /* too old */
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":97,"));
    fold_test_free(&t);
}

static void test_large_counters_are_exact(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: r, type: rate, metric: m, window: 10s, per: hour}\n");
    fold_at(&t, 1, -2000, "metrics.updated", NULL, "{\"metric\":\"m\",\"value\":9007199254740993}");
    fold_at(&t, 2, -1000, "metrics.updated", NULL, "{\"metric\":\"m\",\"value\":9007199254740996}");
    assert_non_null(strstr(data_of(&t, "r"), "{\"series\":1,\"increase\":3,\"value\":1080,"));
    fold_at(&t, 3, -900, "metrics.updated", NULL, "{\"metric\":\"m\",\"value\":1.7e308}");
    fold_at(&t, 5, -500, "metrics.updated", NULL, "{\"metric\":\"m\",\"value\":0}");
    fold_at(&t, 4, 0, "metrics.updated", NULL, "{\"metric\":\"m\",\"value\":1.7e308}");
    assert_non_null(strstr(data_of(&t, "r"), "\"increase\":1.7976931348623157e308,\"value\":"
                                             "1.7976931348623157e308,"));
    fold_test_free(&t);
}

static void test_so_many_counters_and_no_more(void **state)
{
    (void)state;
    struct fold_test t;
    char name[16];
    fold_test_init(&t, COUNTERS);
    for (int i = 0; i < READINGS_SERIES_MAX + 5; i++) {
        snprintf(name, sizeof name, "c%d", i);
        read_at(&t, 0, name, 1);
    }
    assert_int_equal(fold_counters(t.fold)->items_refused, 5);
    assert_non_null(strstr(data_of(&t, "r"), "{\"series\":10000,"));
    pass_ms(&t, 20100);
    read_at(&t, 20100, name, 1); /* there is room again */
    assert_int_equal(fold_counters(t.fold)->items_refused, 5);
    fold_test_free(&t);
}

/* ---- Against a model ---- */

#define WIDTH_MS 100
#define SLOTS 100
#define MODEL_ROWS 3000

/* All rows, as they came. */
struct model {
    struct {
        int64_t ms;
        int series;
        int value;
    } rows[MODEL_ROWS];
    size_t count;
};

/* The last row of a series in a slot, by time and by the order of coming; or -1. */
static int last_in(const struct model *m, int series, int64_t slot)
{
    int last = -1;
    for (size_t i = 0; i < m->count; i++) {
        if (m->rows[i].series == series && m->rows[i].ms / WIDTH_MS == slot &&
            (last < 0 || m->rows[i].ms >= m->rows[last].ms)) {
            last = (int)i;
        }
    }
    return last;
}

/* What counters have grown by at that time, which is at least two windows after the start. */
static int64_t model_growth(const struct model *m, int64_t now_ms)
{
    int64_t growth = 0;
    for (int series = 0; series < 3; series++) {
        int before = -1;
        for (int64_t slot = now_ms / WIDTH_MS - 2 * SLOTS + 1; slot <= now_ms / WIDTH_MS; slot++) {
            const int at = last_in(m, series, slot);
            if (at < 0) {
                continue;
            }
            if (before >= 0 && slot > now_ms / WIDTH_MS - SLOTS) {
                const int was = m->rows[before].value;
                const int is = m->rows[at].value;
                growth += is < was ? is : is - was;
            }
            before = at;
        }
    }
    return growth;
}

static int64_t shown_growth(struct fold_test *t)
{
    const char *at = strstr(data_of(t, "r"), "\"increase\":");
    return at != NULL ? atoll(at + strlen("\"increase\":")) : 0;
}

/* Rows of three counters, some up to 25 s late, and time that stands still or jumps. */
static void check_model(unsigned seed)
{
    static struct model m;
    static const char *const names[] = {"a", "b", "c"};
    struct fold_test t;
    m.count = 0;
    fold_test_init(&t, COUNTERS);
    pass_ms(&t, 20000);
    while (m.count < MODEL_ROWS) {
        const int64_t now_ms = (t.now.wall.us - START_US) / US_PER_MS;
        const int late = rand_r(&seed) % 4 == 0 ? rand_r(&seed) % 25000 : 0;
        const int series = rand_r(&seed) % 3;
        m.rows[m.count].ms = now_ms > late ? now_ms - late : 0;
        m.rows[m.count].series = series;
        m.rows[m.count].value = rand_r(&seed) % 1000;
        read_at(&t, m.rows[m.count].ms, names[series], m.rows[m.count].value);
        m.count++;
        if (rand_r(&seed) % 2 == 0) {
            pass_ms(&t, rand_r(&seed) % (rand_r(&seed) % 100 == 0 ? 15000 : 300));
        }
        if (m.count % 40 == 0) {
            const int64_t at_ms = (t.now.wall.us - START_US) / US_PER_MS;
            assert_int_equal(shown_growth(&t), model_growth(&m, at_ms));
        }
    }
    fold_test_free(&t);
}

static void test_random_rows_against_a_model(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++) {
        check_model(seed);
    }
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    unsigned seed = 5;
    fold_test_init(&t, COUNTERS);
    fold_test_init(&again, COUNTERS);
    pass_ms(&t, 20000);
    pass_ms(&again, 20000);
    for (int i = 0; i < 500; i++) {
        read_at(&t, rand_r(&seed) % 20000, names[rand_r(&seed) % 3], rand_r(&seed) % 1000);
    }
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    again.next_id = t.next_id;
    for (int i = 0; i < 500; i++) {
        const int64_t ms = 2000 + 20 * i + rand_r(&seed) % 8000;
        const int series = rand_r(&seed) % 3;
        const int value = rand_r(&seed) % 1000;
        read_at(&t, ms, names[series], value);
        read_at(&again, ms, names[series], value);
        pass_ms(&t, 20);
        pass_ms(&again, 20);
        char *whole = x_strdup(data_of(&t, "r"));
        assert_string_equal(data_of(&again, "r"), whole);
        free(whole);
    }
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

static void test_what_is_damaged_is_not_loaded(void **state)
{
    (void)state;
    static const char *const damaged[] = {"1",
                                          "[]",
                                          "[9223372036854775807]",
                                          "[1000,1]",
                                          "[1000,[\"a\"]]",
                                          "[1000,[5,[1,100000000,1]]]",
                                          "[1000,[\"a\",[1,100000000]]]",
                                          "[1000,[\"a\",[\"x\",100000000,1]]]",
                                          "[1000,[\"a\",[1,80000000,1]]]",
                                          "[1000,[\"a\",[1,100100000,1]]]",
                                          "[1000,[\"a\",[1,99900000,1],[1,99900001,2]]]",
                                          "[1000,[\"a\",[1,99900000,1]],[\"a\",[1,99900000,1]]]"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct readings readings;
        struct json_value *json;
        struct buf bytes = {0};
        struct mp_doc doc;
        readings_init(&readings, WIDTH_MS * US_PER_MS, SLOTS, (wall_time){0});
        assert_int_equal(json_parse(str_of(damaged[i]), SIZE_MAX, &json), STATUS_OK);
        json_to_mp(&bytes, json);
        json_free(json);
        mp_doc_init(&doc);
        assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), STATUS_OK);
        if (readings_load(&readings, &doc.root)) {
            fail_msg("%s was loaded", damaged[i]);
        }
        readings_finish(&readings);
        mp_doc_free(&doc);
        buf_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_of_a_window),
        cmocka_unit_test(test_a_reset_and_what_came_before_the_window),
        cmocka_unit_test(test_late_rows_go_where_they_belong),
        cmocka_unit_test(test_large_counters_are_exact),
        cmocka_unit_test(test_so_many_counters_and_no_more),
        cmocka_unit_test(test_random_rows_against_a_model),
        cmocka_unit_test(test_what_is_saved_goes_on),
        cmocka_unit_test(test_what_is_damaged_is_not_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
