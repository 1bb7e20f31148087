/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told what, by example, and over random days beside a model that knows only what was told.
 */
#include "ingestor/alerts/alert_book.h"

#include "tests/ingestor/alerts/alerts_unit.h"

#define HOOK "webhook: \"http://127.0.0.1:1/\""

/* A book of one rule. */
struct day {
    struct config *config;
    struct alert_book book;
};

static struct day begin(const char *keys)
{
    char alerts[300];
    struct day day;
    snprintf(alerts, sizeof alerts, "{name: r, wait: 0, " HOOK "%s}", keys);
    day.config = configure(alerts);
    alert_book_init(&day.book, day.config, 1);
    return day;
}

static void finish(struct day *day)
{
    alert_book_free(&day->book);
    config_destroy(&day->config);
}

/* What is told at that moment, and taken: "a! b-", "" when nothing is; ! is critical, ? warn, -
 * over.
 */
static const char *told(struct day *day, int64_t s)
{
    static char text[400];
    struct alert_rule *rule = &day->book.rules[0];
    text[0] = '\0';
    if (!alert_rule_gather(rule, at(s))) {
        return text;
    }
    for (size_t i = 0; i < rule->leaving_count; i++) {
        const struct alert *alert = rule->leaving[i];
        const size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s%s", len != 0 ? " " : "", alert->key,
                 alert->leaving_over                     ? "-"
                 : alert->leaving_level == TILE_CRITICAL ? "!"
                                                         : "?");
    }
    alert_book_taken(&day->book, rule, at(s).wall);
    return text;
}

static void test_it_is_told_once_that_it_began_and_once_that_it_ended(void **state)
{
    (void)state;
    struct day day = begin("");
    see_at(&day.book, "a", -1, 0);
    assert_string_equal(told(&day, 0), "");
    see_at(&day.book, "a", TILE_WARN, 1);
    assert_string_equal(told(&day, 1), "");
    see_at(&day.book, "a", TILE_CRITICAL, 2);
    assert_int_equal(alert_book_wait_us(&day.book, at(2)), 0);
    assert_string_equal(told(&day, 2), "a!");
    see_at(&day.book, "a", TILE_CRITICAL, 3);
    assert_string_equal(told(&day, 4), "");
    assert_int_equal(alert_book_wait_us(&day.book, at(4)), INT64_MAX);
    see_at(&day.book, "a", TILE_WARN, 5);
    assert_string_equal(told(&day, 5), "a-");
    assert_int_equal(day.book.count, 0);
    finish(&day);
}

static void test_for_is_waited_for_and_what_is_over_before_is_told_to_nobody(void **state)
{
    (void)state;
    struct day day = begin(", for: 10s");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 9), "");
    assert_int_equal(alert_book_wait_us(&day.book, at(9)), US_PER_S);
    see_at(&day.book, "a", -1, 9);
    assert_int_equal(day.book.count, 0);
    see_at(&day.book, "a", TILE_CRITICAL, 20);
    assert_string_equal(told(&day, 30), "a!");
    finish(&day);
}

static void test_what_was_due_is_told_though_it_is_over(void **state)
{
    (void)state;
    struct day day = begin(", for: 10s");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    see_at(&day.book, "a", -1, 12); /* the receiver could not be told meanwhile */
    assert_string_equal(told(&day, 100), "a!");
    assert_string_equal(told(&day, 100), "a-");
    assert_string_equal(told(&day, 100), "");
    finish(&day);
}

static void test_what_was_not_taken_stays_due(void **state)
{
    (void)state;
    struct day day = begin("");
    struct alert_rule *rule = &day.book.rules[0];
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    for (int64_t s = 0; s < 1000; s += 100) {
        assert_true(alert_rule_gather(rule, at(s)));
        assert_false(alert_rule_gather(rule, at(s)));
        alert_book_failed(&day.book, rule, 0, at(s));
        assert_false(alert_rule_gather(rule, at(s)));
        assert_in_range(alert_book_wait_us(&day.book, at(s)), 500000, 60 * US_PER_S);
    }
    assert_true(alert_rule_gather(rule, at(1000)));
    alert_book_failed(&day.book, rule, 600000, at(1000)); /* it asked for ten minutes */
    assert_string_equal(told(&day, 1599), "");
    assert_string_equal(told(&day, 1600), "a!");
    assert_int_equal(day.book.counters.failures, 11);
    finish(&day);
}

static void test_levels_that_change_are_told(void **state)
{
    (void)state;
    struct day day = begin(", status: warn");
    see_at(&day.book, "a", TILE_WARN, 0);
    assert_string_equal(told(&day, 0), "a?");
    see_at(&day.book, "a", TILE_CRITICAL, 1);
    assert_string_equal(told(&day, 1), "a!");
    see_at(&day.book, "a", TILE_WARN, 2);
    assert_string_equal(told(&day, 2), "a?");
    see_at(&day.book, "a", -1, 3);
    assert_string_equal(told(&day, 3), "a-");
    finish(&day);
}

static void test_it_is_repeated_while_it_lasts(void **state)
{
    (void)state;
    struct day day = begin(", repeat: 1h, resolved: false");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 5), "a!");
    assert_string_equal(told(&day, 3604), "");
    assert_string_equal(told(&day, 3605), "a!");
    see_at(&day.book, "a", -1, 4000);
    assert_string_equal(told(&day, 8000), "");
    assert_int_equal(day.book.count, 0);
    finish(&day);
}

static void test_what_begins_together_goes_together(void **state)
{
    (void)state;
    struct day day = begin("");
    alert_book_free(&day.book);
    config_destroy(&day.config);
    day.config = configure("{name: r, wait: 5s, " HOOK "}");
    alert_book_init(&day.book, day.config, 1);
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 0), "");
    see_at(&day.book, "b", TILE_CRITICAL, 3);
    assert_string_equal(told(&day, 4), "");
    assert_int_equal(alert_book_wait_us(&day.book, at(4)), US_PER_S);
    assert_string_equal(told(&day, 5), "a! b!");
    finish(&day);
}

static void test_a_message_has_a_hundred_and_pagerduty_takes_one(void **state)
{
    (void)state;
    char key[20];
    struct day day = begin("");
    for (int i = 0; i < 250; i++) {
        snprintf(key, sizeof key, "m%d", i);
        see_at(&day.book, key, TILE_CRITICAL, 0);
    }
    struct alert_rule *rule = &day.book.rules[0];
    const size_t parts[] = {100, 100, 50};
    for (size_t i = 0; i < 3; i++) {
        assert_true(alert_rule_gather(rule, at(1)));
        assert_int_equal(rule->leaving_count, parts[i]);
        alert_book_taken(&day.book, rule, at(1).wall);
    }
    assert_false(alert_rule_gather(rule, at(1)));
    finish(&day);
    day.config =
        configure("{name: r, wait: 0, " HOOK ", format: pagerduty, routing_key_file: key}");
    alert_book_init(&day.book, day.config, 1);
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    see_at(&day.book, "b", TILE_CRITICAL, 0);
    assert_int_equal(strlen(told(&day, 1)), 2);
    assert_int_equal(strlen(told(&day, 1)), 2);
    assert_string_equal(told(&day, 1), "");
    finish(&day);
}

static void test_a_silence_keeps_quiet_but_for_what_was_told(void **state)
{
    (void)state;
    struct day day = begin("");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 0), "a!");
    assert_true(alert_book_silence(&day.book, STR("*"), at(100).wall, at(1).wall));
    see_at(&day.book, "b", TILE_CRITICAL, 2);
    assert_string_equal(told(&day, 2), "");
    see_at(&day.book, "a", -1, 3);
    assert_string_equal(told(&day, 3), "a-");
    see_at(&day.book, "a", TILE_CRITICAL, 4); /* it comes and goes in silence */
    see_at(&day.book, "a", -1, 5);
    assert_string_equal(told(&day, 99), "");
    assert_string_equal(told(&day, 100), "b!");
    assert_true(alert_book_silence(&day.book, STR("b"), at(300).wall, at(101).wall));
    see_at(&day.book, "b", -1, 102);
    see_at(&day.book, "b", TILE_CRITICAL, 103); /* nobody was told that it had ended */
    assert_string_equal(told(&day, 104), "");
    assert_int_equal(day.book.silence_count, 1); /* the one that is over is forgotten */
    assert_true(alert_book_silence(&day.book, STR("b"), at(0).wall, at(105).wall));
    assert_int_equal(day.book.silence_count, 0);
    finish(&day);
}

static void test_there_is_a_bound_of_silences_and_of_alerts(void **state)
{
    (void)state;
    char key[20];
    struct day day = begin("");
    for (int i = 0; i < ALERT_SILENCES_MAX + 1; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(alert_book_silence(&day.book, str_of(key), at(1).wall, at(0).wall),
                         i < ALERT_SILENCES_MAX);
    }
    for (int i = 0; i < ALERTS_MAX + 5; i++) {
        snprintf(key, sizeof key, "m%d", i);
        see_at(&day.book, key, TILE_CRITICAL, 100);
    }
    assert_int_equal(day.book.count, ALERTS_MAX);
    assert_int_equal(day.book.counters.refused, 5);
    finish(&day);
}

static void test_tiles_that_are_gone_are_over(void **state)
{
    (void)state;
    struct day day = begin("");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    see_at(&day.book, "b", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 0), "a! b!");
    alert_book_mark(&day.book);
    const struct alert_view building = {.key = STR("b"), .sight = ALERT_UNKNOWN};
    alert_book_see(&day.book, &building, at(1).wall);
    alert_book_sweep(&day.book, at(1).wall);
    assert_string_equal(told(&day, 1), "a-");
    assert_string_equal(told(&day, 1), "");
    finish(&day);
}

static void test_another_configuration_goes_on_by_names(void **state)
{
    (void)state;
    struct day day = begin("");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    see_at(&day.book, "b", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 0), "a! b!");
    see_at(&day.book, "b", -1, 1);
    assert_true(alert_rule_gather(&day.book.rules[0], at(1)));
    alert_book_abandon(&day.book, at(1).wall); /* b- was under way */
    struct config *next =
        configure("{name: other, " HOOK "}, {name: r, wait: 0, tiles: [b], " HOOK "}");
    alert_book_change(&day.book, next, at(2).wall);
    config_destroy(&day.config);
    day.config = next;
    assert_int_equal(day.book.rule_count, 2);
    struct alert_rule *rule = &day.book.rules[1];
    assert_true(alert_rule_gather(rule, at(3)));
    assert_int_equal(rule->leaving_count, 2); /* the rule is about a no longer */
    assert_true(rule->leaving[0]->leaving_over && rule->leaving[1]->leaving_over);
    alert_book_taken(&day.book, rule, at(3).wall);
    assert_int_equal(day.book.count, 0);
    finish(&day);
}

static void test_what_is_over_is_told_though_the_rule_is_about_it_no_more(void **state)
{
    (void)state;
    struct day day = begin("");
    see_at(&day.book, "a", TILE_CRITICAL, 0);
    assert_string_equal(told(&day, 0), "a!");
    see_at(&day.book, "a", -1, 1);
    struct config *next = configure("{name: r, wait: 0, tiles: [b], " HOOK "}");
    alert_book_change(&day.book, next, at(2).wall);
    config_destroy(&day.config);
    day.config = next;
    assert_string_equal(told(&day, 3), "a-");
    finish(&day);
}

/* Whatever happens, what is told alternates, and in the end it is what is so. */
static void test_random_days(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct day day = begin(seed % 2 == 0 ? ", status: warn" : ", status: warn, for: 3s");
        struct alert_rule *rule = &day.book.rules[0];
        bool known[2] = {false, false};
        int level[2] = {-1, -1};
        int64_t s = 0;
        srandom(seed);
        for (int step = 0; step < 400; step++) {
            const int tile = (int)(random() % 2);
            s += random() % 3;
            if (random() % 3 != 0) {
                level[tile] = (int)(random() % 3) - 1;
            }
            see_at(&day.book, tile == 0 ? "a" : "b", level[tile], s);
            if (random() % 2 == 0 || !alert_rule_gather(rule, at(s))) {
                continue;
            }
            see_at(&day.book, "a", level[0] = (int)(random() % 3) - 1, s); /* meanwhile */
            if (random() % 4 == 0) {
                alert_book_failed(&day.book, rule, 0, at(s));
                continue;
            }
            for (size_t i = 0; i < rule->leaving_count; i++) {
                const struct alert *alert = rule->leaving[i];
                bool *of = &known[alert->key[0] - 'a'];
                assert_true(!alert->leaving_over || *of); /* nothing ends that never began */
                *of = !alert->leaving_over;
            }
            alert_book_taken(&day.book, rule, at(s).wall);
        }
        for (int end = 0; end < 4; end++) {
            s += 100;
            while (alert_rule_gather(rule, at(s))) {
                for (size_t i = 0; i < rule->leaving_count; i++) {
                    known[rule->leaving[i]->key[0] - 'a'] = !rule->leaving[i]->leaving_over;
                }
                alert_book_taken(&day.book, rule, at(s).wall);
            }
        }
        assert_int_equal(known[0], level[0] >= 0);
        assert_int_equal(known[1], level[1] >= 0);
        finish(&day);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_told_once_that_it_began_and_once_that_it_ended),
        cmocka_unit_test(test_for_is_waited_for_and_what_is_over_before_is_told_to_nobody),
        cmocka_unit_test(test_what_was_due_is_told_though_it_is_over),
        cmocka_unit_test(test_what_was_not_taken_stays_due),
        cmocka_unit_test(test_levels_that_change_are_told),
        cmocka_unit_test(test_it_is_repeated_while_it_lasts),
        cmocka_unit_test(test_what_begins_together_goes_together),
        cmocka_unit_test(test_a_message_has_a_hundred_and_pagerduty_takes_one),
        cmocka_unit_test(test_a_silence_keeps_quiet_but_for_what_was_told),
        cmocka_unit_test(test_there_is_a_bound_of_silences_and_of_alerts),
        cmocka_unit_test(test_tiles_that_are_gone_are_over),
        cmocka_unit_test(test_another_configuration_goes_on_by_names),
        cmocka_unit_test(test_what_is_over_is_told_though_the_rule_is_about_it_no_more),
        cmocka_unit_test(test_random_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
