/* SPDX-License-Identifier: Apache-2.0 */
/* Members of families are handed out again before a third of their TTL has passed. */
#include "tests/ingestor/fold/fold_unit.h"

#define MEMBERS 1000
#define THIRD_MS 20000 /* of the TTL below */
#define TILES                                                                                      \
    "  - {key: f, type: count, group_by: target_id, ttl: 60s, max_groups: 1000, idle: 1h, "        \
    "refresh: {min_interval: 1s}}\n"

/* When each member of the family was handed out last. */
struct watch {
    struct fold_test *t;
    int64_t at_us[2 * MEMBERS]; /* by the number in its group; 0: it is not shown */
    size_t handed_out;
    bool keyframes_only; /* nothing has changed */
};

static void note(void *arg, const struct fold_output *output)
{
    struct watch *watch = arg;
    const size_t number = (size_t)strtoul(output->key.p + strlen("f/m"), NULL, 10);
    assert_true(number < 2 * MEMBERS);
    assert_true(output->keyframe || output->removed || !watch->keyframes_only);
    watch->at_us[number] = output->removed ? 0 : watch->t->now.mono.us;
    watch->handed_out++;
}

static void flush_and_note(struct watch *watch)
{
    fold_flush(watch->t->fold, watch->t->now, note, watch);
}

static void row_of_member(struct fold_test *t, size_t number)
{
    char group[24];
    snprintf(group, sizeof group, "m%zu", number);
    fold_now(t, "x", group, NULL);
}

/* The longest time that any member that is shown has not been handed out for. */
static int64_t longest_ms(const struct watch *watch)
{
    int64_t longest = 0;
    for (size_t i = 0; i < 2 * MEMBERS; i++) {
        const int64_t us = watch->at_us[i] != 0 ? watch->t->now.mono.us - watch->at_us[i] : 0;
        longest = us > longest ? us : longest;
    }
    return longest / US_PER_MS;
}

/* Lets that time pass as the program does: it sleeps until there is something to do. Returns how
 * often it woke. */
static size_t live_ms(struct watch *watch, int64_t ms)
{
    struct fold_test *t = watch->t;
    const int64_t end = t->now.mono.us + ms * US_PER_MS;
    size_t wakes = 0;
    while (t->now.mono.us < end) {
        const int64_t wait_us = fold_wait_us(t->fold, t->now);
        const int64_t left_us = end - t->now.mono.us;
        const int64_t sleep_us = wait_us < left_us ? wait_us : left_us;
        t->now.mono.us += sleep_us;
        t->now.wall.us += sleep_us;
        fold_advance(t->fold, t->now);
        assert_in_range(longest_ms(watch), 0, THIRD_MS);
        flush_and_note(watch);
        wakes++;
    }
    return wakes;
}

static void watch_family(struct watch *watch, struct fold_test *t, size_t members)
{
    *watch = (struct watch){.t = t};
    fold_test_init(t, TILES);
    for (size_t i = 0; i < members; i++) {
        row_of_member(t, i);
    }
    flush_and_note(watch);
}

static void test_quiet_members_come_evenly_and_in_time(void **state)
{
    (void)state;
    struct fold_test t;
    struct watch watch;
    watch_family(&watch, &t, MEMBERS);
    assert_int_equal(watch.handed_out, MEMBERS);
    watch.keyframes_only = true;
    watch.handed_out = 0;
    /* Each beat of 100 ms some of them, and never many at once. */
    for (int second = 0; second < 100; second++) {
        const size_t before = watch.handed_out;
        assert_in_range(live_ms(&watch, 1000), 1, 11);
        assert_in_range(watch.handed_out - before, MEMBERS / 20 - 6, MEMBERS / 20 + 6);
    }
    /* Five times a third of the TTL: each as often, and few once more. */
    assert_in_range(watch.handed_out, 5 * MEMBERS, 5 * MEMBERS + MEMBERS / 10);
    fold_test_free(&t);
}

static void test_a_lonely_member_wakes_nobody_in_vain(void **state)
{
    (void)state;
    struct fold_test t;
    struct watch watch;
    watch_family(&watch, &t, 1);
    watch.handed_out = 0;
    assert_in_range(live_ms(&watch, 10 * THIRD_MS), 10, 11);
    assert_int_equal(watch.handed_out, 10);
    fold_test_free(&t);
}

static void test_what_has_changed_waits_for_its_policy(void **state)
{
    (void)state;
    struct fold_test t;
    struct watch watch;
    watch_family(&watch, &t, 1);
    live_ms(&watch, 19000);
    row_of_member(&t, 0);
    flush_and_note(&watch);
    live_ms(&watch, 600);
    row_of_member(&t,
                  0); /* it may be published 1 s after the last time, and its turn comes before */
    watch.handed_out = 0;
    live_ms(&watch, 399);
    assert_int_equal(watch.handed_out, 0);
    live_ms(&watch, 1);
    assert_int_equal(watch.handed_out, 1);
    fold_test_free(&t);
}

/* Members come and go, are busy and quiet, in any order. */
static void test_members_that_come_and_go_are_in_time(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++) {
        struct fold_test t;
        struct watch watch;
        watch_family(&watch, &t, 1);
        srand(seed);
        for (int step = 0; step < 600; step++) {
            const size_t from = (size_t)rand() % (2 * MEMBERS);
            const size_t count = (size_t)rand() % 40;
            for (size_t i = from; i < from + count; i++) {
                row_of_member(&t, i % (2 * MEMBERS));
            }
            flush_and_note(&watch);
            if (rand() % 50 == 0) {
                fold_republish(t.fold);
            }
            live_ms(&watch, rand() % 3000);
            if (rand() % 60 == 0) {
                pass_ms(&t, INT64_C(3600000)); /* all become idle, and make room */
                flush_and_note(&watch);
            }
        }
        fold_test_free(&t);
    }
}

/* An ingestor that may not publish for a while owes each member once. */
static void test_after_a_silence_each_comes_at_once(void **state)
{
    (void)state;
    struct fold_test t;
    struct watch watch;
    watch_family(&watch, &t, MEMBERS);
    watch.handed_out = 0;
    pass_ms(&t, 10 * THIRD_MS);
    flush_and_note(&watch);
    assert_int_equal(longest_ms(&watch), 0);
    assert_in_range(watch.handed_out, MEMBERS, MEMBERS + MEMBERS / 10);
    live_ms(&watch, 3 * THIRD_MS);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet_members_come_evenly_and_in_time),
        cmocka_unit_test(test_a_lonely_member_wakes_nobody_in_vain),
        cmocka_unit_test(test_what_has_changed_waits_for_its_policy),
        cmocka_unit_test(test_members_that_come_and_go_are_in_time),
        cmocka_unit_test(test_after_a_silence_each_comes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
