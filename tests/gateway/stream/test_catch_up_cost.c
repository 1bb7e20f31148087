/* SPDX-License-Identifier: Apache-2.0 */
/* What catch-ups cost whom: searching takes turns, is charged, and waits while its client is in
 * debt. */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/streams_state.h"

#define EVENTS 20000
#define TURN_STEPS ((uint64_t)6000) /* a turn's bound, and what one event more may cost */

/* The world, and what its clients have been charged. */
struct bill {
    struct world w; /* The first member: what the engine hands to charge(). */
    uint64_t steps;
    uint64_t most; /* of one charge */
    size_t charges;
    bool in_debt;
};

static bool charge(void *arg, const struct ip *client, uint64_t steps)
{
    struct bill *bill = arg;
    assert_int_equal(client->bytes[15], 9);
    bill->steps += steps;
    bill->most = steps > bill->most ? steps : bill->most;
    bill->charges += steps != 0;
    return !bill->in_debt;
}

/* A log of EVENTS events, of which only the last one is of type "wanted". */
static void begin(struct bill *bill)
{
    static const struct streams_accounts accounts = {.charge = charge};
    *bill = (struct bill){.steps = 0};
    world_init(&bill->w, 65536, EVENTS);
    streams_set_accounts(bill->w.streams, &accounts);
    for (int64_t id = 1; id < EVENTS; id++) {
        world_event(&bill->w, id, "other");
    }
    world_event(&bill->w, EVENTS, "wanted");
    feed_events(bill->w.streams);
}

static int open_from_the_beginning(struct bill *bill, const char *types)
{
    struct stream_request request = {.kind = CHANNEL_EVENTS, .address = {.bytes = {[15] = 9}}};
    return world_open(&bill->w, &request, types, 0);
}

static void a_long_search_takes_turns_and_is_charged(void **state)
{
    (void)state;
    struct bill bill;
    struct buf got = {0};
    begin(&bill);
    const int client = open_from_the_beginning(&bill, "w*d");
    assert_in_range(bill.steps, 1, 2 * TURN_STEPS); /* then others get their turn */
    for (unsigned turns = 0; occurrences(&got, "event: wanted") == 0; turns++) {
        assert_true(turns < 20);
        const uint64_t before = bill.steps;
        (void)fanout_run(bill.w.streams, 1, bill.w.now);
        assert_true(bill.steps - before <= TURN_STEPS);
        (void)world_read(client, &got, SIZE_MAX);
    }
    assert_in_range(bill.steps, EVENTS, EVENTS + 100);
    assert_true(bill.most <= TURN_STEPS && bill.charges >= EVENTS / TURN_STEPS);
    buf_free(&got);
    close(client);
    world_finish(&bill.w);
}

static void what_is_given_costs_nothing(void **state)
{
    (void)state;
    struct bill bill;
    struct buf got = {0};
    begin(&bill);
    const int client = open_from_the_beginning(&bill, "other");
    world_settle(&bill.w, client, &got);
    assert_int_equal(occurrences(&got, "event: other"), EVENTS - 1);
    assert_in_range(bill.steps, 0, 100);
    buf_free(&got);
    close(client);
    world_finish(&bill.w);
}

static void who_is_in_debt_waits_with_searching_and_hears_news(void **state)
{
    (void)state;
    struct bill bill;
    struct buf news = {0};
    struct buf got = {0};
    begin(&bill);
    struct stream_request request = {.kind = CHANNEL_TILES, .address = {.bytes = {[15] = 9}}};
    const int live = world_open(&bill.w, &request, NULL, 0);
    world_settle(&bill.w, live, &news);
    bill.in_debt = true;
    const int client = open_from_the_beginning(&bill, "w*d");
    assert_int_equal(streams_paused(bill.w.streams), 1);
    const uint64_t before = bill.steps;
    world_set(&bill.w, "a", 1, 1);
    for (int i = 0; i < 10; i++) {
        streams_resume(bill.w.streams); /* it is asked, and still in debt */
        world_turn(&bill.w, 1000);
    }
    (void)world_read(live, &news, SIZE_MAX);
    assert_int_equal(occurrences(&news, "event: tile"), 1);
    assert_int_equal(bill.steps, before);
    bill.in_debt = false;
    streams_resume(bill.w.streams);
    assert_int_equal(streams_paused(bill.w.streams), 0);
    world_settle(&bill.w, client, &got);
    assert_int_equal(occurrences(&got, "event: wanted"), 1);
    assert_int_equal(streams_counters(bill.w.streams)->paused, 1);
    buf_free(&news);
    buf_free(&got);
    close(client);
    close(live);
    world_finish(&bill.w);
}

static void one_that_ends_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    struct bill bill;
    begin(&bill);
    bill.in_debt = true;
    const int one = open_from_the_beginning(&bill, "w*d");
    const int other = open_from_the_beginning(&bill, "w*d");
    assert_int_equal(streams_paused(bill.w.streams), 2);
    close(one);
    world_turn(&bill.w, 10);
    assert_int_equal(streams_paused(bill.w.streams), 1);
    assert_int_equal(streams_count(bill.w.streams), 1);
    close(other);
    world_turn(&bill.w, 10);
    assert_int_equal(streams_paused(bill.w.streams), 0);
    world_finish(&bill.w);
}

/* The same answer as by walking all tiles: newest values and removals, in the order of changes. */
static void who_wants_few_keys_has_few_tiles_looked_at(void **state)
{
    (void)state;
    struct bill bill;
    struct world *w = &bill.w;
    struct buf got = {0};
    begin(&bill);
    world_set(w, "b", 1, 1);
    const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w->seq}}};
    world_set(w, "gone", 1, 1);
    for (int i = 0; i < 900; i++) {
        char key[16];
        snprintf(key, sizeof key, "tile%d", i);
        world_set(w, key, i, 1);
    }
    world_set(w, "c", 1, 1);
    world_remove(w, "gone");
    world_set(w, "a", 1, 1);
    struct stream_request request = {
        .kind = CHANNEL_TILES, .address = {.bytes = {[15] = 9}}, .cursor = &cursor};
    const int client = world_open(w, &request, "a,b,c,gone,never", 0);
    assert_in_range(bill.steps, 5, 30);
    world_settle(w, client, &got);
    assert_int_equal(occurrences(&got, "\"key\":\"b\""), 0); /* the cursor speaks for it */
    const char *c = strstr(buf_cstr(&got), "\"key\":\"c\"");
    const char *gone = strstr(buf_cstr(&got), "event: expired\ndata: {\"key\":\"gone\"}");
    const char *a = strstr(buf_cstr(&got), "\"key\":\"a\"");
    assert_true(c != NULL && gone != NULL && a != NULL && c < gone && gone < a);
    assert_int_equal(occurrences(&got, "event: "), 3);
    buf_clear(&got);
    world_set(w, "b", 2, 1);
    world_settle(w, client, &got);
    assert_int_equal(occurrences(&got, "\"key\":\"b\""), 1);
    buf_free(&got);
    close(client);
    world_finish(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_wants_few_keys_has_few_tiles_looked_at),
        cmocka_unit_test(a_long_search_takes_turns_and_is_charged),
        cmocka_unit_test(what_is_given_costs_nothing),
        cmocka_unit_test(who_is_in_debt_waits_with_searching_and_hears_news),
        cmocka_unit_test(one_that_ends_while_it_waits_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
