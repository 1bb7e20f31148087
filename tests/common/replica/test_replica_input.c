/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/common/replica/replica_scene.h"

static void test_join(void **state)
{
    (void)state;
    struct scene scene;
    const char *reason = NULL;
    begin(&scene, 1, 10);
    assert_false(replica_fresh(scene.replica, scene.now, &reason));
    assert_non_null(reason);
    assert_false(replica_upstream_alive(scene.replica, 0, scene.now));
    hear_tile(&scene, 1, 11, 0); /* waits for the snapshot */
    assert_int_equal(store_count(scene.store), 0);
    answer_ping(&scene, 0, "one");
    answer_snapshot(&scene, 1, 10);
    assert_int_equal(store_count(scene.store), 1);
    assert_int_equal(scene.accepted, 1);
    assert_true(replica_fresh(scene.replica, scene.now, &reason));
    hear_heartbeat(&scene, 1, 11);
    assert_int_equal(scene.accepted, 2);
    struct query_state standing_now = {0};
    replica_standing(scene.replica, scene.now, &standing_now);
    assert_string_equal(standing_now.position, "9");
    assert_int_equal(standing_now.last[0].seq, 11);
    finish(&scene);
}

static void test_a_server_that_lags_is_asked_again(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    hear_tile(&scene, 1, 15, 0);
    answer_snapshot(&scene, 1, 10);
    assert_false(replica_fresh(scene.replica, scene.now, NULL));
    assert_int_equal(counters(&scene)->retries, 1);
    pass(&scene, 20);
    answer_snapshot(&scene, 1, 14);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_duplicates_and_the_past_are_dropped(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    hear_tile(&scene, 1, 11, 0);
    hear_tile(&scene, 1, 11, 0);
    assert_int_equal(counters(&scene)->duplicates, 1);
    hear_heartbeat(&scene, 2, 0); /* the ingestor was restarted */
    hear_tile(&scene, 1, 12, 11);
    assert_int_equal(counters(&scene)->outdated, 1);
    assert_int_equal(store_count(scene.store), 1); /* served until the new state is here */
    pass(&scene, 0);
    answer_snapshot(&scene, 2, 0);
    assert_int_equal(store_count(scene.store), 0);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_another_upstream_may_close_a_gap(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 2, 10);
    hear_tile(&scene, 1, 13, 0);
    hear_tile(&scene, 1, 12, 0);
    pass(&scene, REPLICA_GAP_WAIT_MS - 1);
    assert_int_equal(scene.asked, 2);
    hear_tile(&scene, 1, 11, 0);
    assert_int_equal(counters(&scene)->healed, 1);
    assert_int_equal(scene.accepted, 3);
    hear_tile(&scene, 1, 15, 0);
    pass(&scene, REPLICA_GAP_WAIT_MS); /* nobody did */
    assert_int_equal(scene.asked, 3);
    finish(&scene);
}

static void test_a_beat_tells_of_what_was_lost(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    hear_heartbeat(&scene, 1, 12);
    pass(&scene, 0); /* there is no other upstream to wait for */
    assert_int_equal(scene.asked, 3);
    answer_snapshot(&scene, 1, 11); /* behind what the heartbeat told */
    assert_false(replica_fresh(scene.replica, scene.now, NULL));
    pass(&scene, 20);
    answer_snapshot(&scene, 1, 12);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_a_base_that_is_not_here(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    hear_tile(&scene, 1, 11, 7);
    assert_int_equal(counters(&scene)->mismatches, 1);
    pass(&scene, 0);
    assert_int_equal(scene.asked, 3);
    finish(&scene);
}

static void test_a_full_store_is_no_reason_to_ask(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 0);
    hear_tile(&scene, 1, 11, 0);
    hear_tile(&scene, 1, 12, 11);
    pass(&scene, 0);
    assert_int_equal(counters(&scene)->refused, 2);
    assert_int_equal(scene.asked, 2);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_what_waits_is_bounded(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    for (uint64_t i = 0; i <= REPLICA_PENDING_MAX; i++) {
        hear_tile(&scene, 1, 12 + i, 0);
    }
    assert_int_equal(counters(&scene)->overflows, 1);
    pass(&scene, 0);
    answer_snapshot(&scene, 1, 12 + REPLICA_PENDING_MAX);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_a_restarted_server_is_not_waited_for(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    assert_int_equal(scene.asked, 1);
    pass(&scene, REPLICA_PING_MS);
    answer_ping(&scene, 0, "two");
    pass(&scene, 20);
    assert_int_equal(scene.asked, 2);
    answer_asked(&scene, "two", 1, 10);
    answer_asked(&scene, "one", 1, 10); /* events of the old one do not belong to it */
    assert_false(replica_ready(scene.replica));
    finish(&scene);
}

/* The table lost the events 3 and 4, and got others; the server hears that between two pages. */
static void test_nothing_follows_on_what_the_server_dropped(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    answer_asked(&scene, "one", 1, 10);
    answer_events(&scene, 7, 1, 3, "lost");
    assert_int_equal(eventlog_last(scene.events), 3);
    answer_events(&scene, 8, 4, 4, "new");
    assert_int_equal(eventlog_last(scene.events), 3);
    answer_events(&scene, 8, 1, 3, "new");
    assert_int_equal(eventlog_count(scene.events), 0);
    answer_events(&scene, 8, 1, 4, "new");
    assert_int_equal(eventlog_count(scene.events), 4);
    assert_true(replica_ready(scene.replica));
    assert_int_equal(counters(&scene)->event_resets, 1);
    finish(&scene);
}

static void test_it_sleeps_while_nobody_can_be_asked(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 2, 10);
    hear_heartbeat(&scene, 1, 50);
    pass(&scene, 5000); /* both are dead now */
    assert_false(replica_upstream_alive(scene.replica, 0, scene.now));
    assert_int_equal(scene.asked, 2);
    assert_true(replica_wait_ms(scene.replica, scene.now) >= REPLICA_PING_MS - 1);
    scene.connected = false;
    pass(&scene, REPLICA_PING_MS);
    assert_true(replica_wait_ms(scene.replica, scene.now) >= REPLICA_RECONNECT_MS - 1);
    finish(&scene);
}

/* Bytes that were changed on the way do no harm, whatever they say afterwards. */
static void mutate(struct buf *bytes)
{
    for (int left = rand() % 3; left > 0 && bytes->len != 0; left--) {
        bytes->data[(size_t)rand() % bytes->len] = (char)rand();
    }
    if (rand() % 10 == 0) {
        bytes->len = bytes->len != 0 ? (size_t)rand() % bytes->len : 0;
    }
}

static struct buf some_page(void)
{
    struct buf out = standing(6, "one", 1, 10);
    mp_put_text(&out, "serving");
    mp_put_bool(&out, true);
    mp_put_text(&out, "more");
    mp_put_bool(&out, rand() % 2 == 0);
    mp_put_text(&out, "next");
    mp_put_uint(&out, (uint64_t)rand());
    mp_put_text(&out, "restart");
    mp_put_bool(&out, false);
    mp_put_text(&out, "tiles");
    mp_put_array(&out, 1);
    buf_append_str(&out, STR("\x8a\xa1k\xa1x\xa1l\x00\xa1v\x92\x01\x05\xa1p\x81\xa1v\x01\xa1t"
                             "\xcd\xea\x60\xa1g\x0a\xa1s\xa1"
                             "7\xa1w\x05\xa1u\x05\xa3"
                             "age\x05"));
    mp_put_text(&out, "floor");
    mp_put_uint(&out, 0);
    return out;
}

static void test_mutated_input(void **state)
{
    (void)state;
    struct scene whole; /* without a change the page is one */
    begin(&whole, 1, 10);
    answer_ping(&whole, 0, "one");
    struct buf well_formed = some_page();
    reply(&whole, 0, whole.last.tag, &well_formed);
    assert_int_equal(store_count(whole.store), 1);
    finish(&whole);
    const unsigned seed = seed_of_run();
    srand(seed);
    for (int run = 0; run < 300; run++) {
        struct scene scene;
        begin(&scene, 1, 10);
        answer_ping(&scene, 0, "one");
        for (uint64_t i = 1; i < 60; i++) {
            struct buf out[WIRE_FRAMES] = {{0}};
            encode_tile(out, 1, i, i > 1 ? i - 1 : 0, "a");
            mutate(&out[rand() % WIRE_FRAMES]);
            hear(&scene, out);
            struct buf page = some_page();
            mutate(&page);
            reply(&scene, 0, rand() % 2 == 0 ? scene.ping_tags[0] : scene.last.tag, &page);
            pass(&scene, rand() % 300);
            store_expire(scene.store, scene.now);
            assert_true(replica_wait_ms(scene.replica, scene.now) >= 0);
        }
        finish(&scene);
    }
}

/* ---- Narrow ways ---- */

static void test_a_page_that_still_arrives_is_waited_for(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    assert_int_equal(scene.asked, 1);
    const uint32_t tag = scene.last.tag;
    for (int i = 0; i < 40; i++) {
        pass(&scene, 1000);
        replica_arriving(scene.replica, 0, scene.now);
    }
    assert_true(replica_upstream_alive(scene.replica, 0, scene.now)); /* pings wait behind it */
    assert_int_equal(scene.last.tag, tag);
    answer_snapshot(&scene, 1, 10);
    assert_true(replica_ready(scene.replica));
    assert_int_equal(counters(&scene)->retries, 0);
    finish(&scene);
}

static void test_what_arrives_after_a_later_answer_is_no_page(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    const uint64_t bytes = scene.last.bytes;
    for (int ms = 0; ms < REPLICA_QUERY_TIMEOUT_MS; ms += REPLICA_PING_MS) {
        assert_int_equal(counters(&scene)->retries, 0);
        pass(&scene, REPLICA_PING_MS);
        replica_arriving(scene.replica, 0, scene.now);
        answer_ping(&scene, 0, "one"); /* asked later than the page, which was dropped */
    }
    assert_int_equal(counters(&scene)->retries, 1);
    pass(&scene, 20);
    assert_int_equal(scene.asked, 2);
    assert_int_equal(scene.last.bytes, bytes / 2);
    finish(&scene);
}

static void test_a_snapshot_that_stalled_goes_on_where_it_was(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    answer_with_more(&scene, 7);
    pass(&scene, REPLICA_QUERY_TIMEOUT_MS);
    assert_int_equal(counters(&scene)->retries, 1);
    answer_ping(&scene, 0, "one");
    pass(&scene, 20);
    assert_int_equal(scene.asked, 3);
    assert_int_equal(scene.last.after, 7);
    pass(&scene, REPLICA_QUERY_TIMEOUT_MS);
    answer_ping(&scene, 0, "two"); /* it knows nothing of the first page */
    pass(&scene, 40);
    assert_int_equal(scene.asked, 4);
    assert_int_equal(scene.last.after, 0);
    answer_asked(&scene, "two", 1, 10);
    answer_asked(&scene, "two", 1, 10);
    assert_true(replica_ready(scene.replica));
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_a_server_that_lags_is_asked_again),
        cmocka_unit_test(test_duplicates_and_the_past_are_dropped),
        cmocka_unit_test(test_another_upstream_may_close_a_gap),
        cmocka_unit_test(test_a_beat_tells_of_what_was_lost),
        cmocka_unit_test(test_a_base_that_is_not_here),
        cmocka_unit_test(test_a_full_store_is_no_reason_to_ask),
        cmocka_unit_test(test_what_waits_is_bounded),
        cmocka_unit_test(test_a_restarted_server_is_not_waited_for),
        cmocka_unit_test(test_nothing_follows_on_what_the_server_dropped),
        cmocka_unit_test(test_it_sleeps_while_nobody_can_be_asked),
        cmocka_unit_test(test_a_page_that_still_arrives_is_waited_for),
        cmocka_unit_test(test_what_arrives_after_a_later_answer_is_no_page),
        cmocka_unit_test(test_a_snapshot_that_stalled_goes_on_where_it_was),
        cmocka_unit_test(test_mutated_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
