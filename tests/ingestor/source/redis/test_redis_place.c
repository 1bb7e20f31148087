/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_place.h"

#include "tests/unit.h"

static struct redis_anchor entry(uint64_t ms)
{
    return (struct redis_anchor){{ms, 0}, ms * 7};
}

/* Entries 1-0 to last-0 were read, and as many had been added. */
static struct redis_state read_up_to(uint64_t last)
{
    struct redis_state state = {.origin = 5, .keep = 1000, .record_bytes = SIZE_MAX};
    struct redis_draft draft = {0};
    struct buf record = {0};
    for (uint64_t ms = 1; ms <= last; ms++) {
        redis_draft_deliver(&draft, &state, entry(ms));
    }
    redis_draft_put(&draft, &state, &record);
    redis_state_verify(&state);
    redis_draft_free(&draft);
    buf_free(&record);
    return state;
}

/* A stream that has first-0 to last-0, of `added` entries. */
static struct redis_info info_of(uint64_t first, uint64_t last, int64_t added,
                                 const struct redis_state *state)
{
    const bool any = first <= last && last != 0;
    const uint64_t here = state->position.ms;
    return (struct redis_info){.length = any ? last - first + 1 : 0,
                               .first = {any ? first : 0, 0},
                               .last = {last, 0},
                               .added = added,
                               .any_verified = any && here >= first && here <= last,
                               .digest = here * 7};
}

static void assert_judged(uint64_t first, uint64_t last, int64_t added, enum redis_verdict verdict,
                          uint64_t missed, int64_t added_then)
{
    struct redis_state state = read_up_to(9);
    const struct redis_info info = info_of(first, last, added, &state);
    uint64_t found;
    assert_int_equal(redis_place_judge(&state, &info, &found), verdict);
    if (verdict == REDIS_MISSED) {
        assert_int_equal(found, missed);
    }
    if (verdict != REDIS_COMPARE) {
        assert_int_equal(state.added, added_then);
    }
    redis_state_free(&state);
}

static void test_what_a_stream_tells_of_itself(void **unused)
{
    (void)unused;
    assert_judged(1, 9, 9, REDIS_GO_ON, 0, 9);
    assert_judged(1, 15, 15, REDIS_GO_ON, 0, 9);
    assert_judged(9, 15, 15, REDIS_GO_ON, 0, 9);
    assert_judged(10, 15, 15, REDIS_GO_ON, 0, 9);   /* trimmed to what was read */
    assert_judged(12, 15, 15, REDIS_MISSED, 2, 11); /* trimmed beyond */
    assert_judged(16, 15, 15, REDIS_MISSED, 6, 15); /* all are gone */
    assert_judged(10, 9, 9, REDIS_GO_ON, 0, 9);     /* empty, and all of it was read */
    assert_judged(1, 9, 12, REDIS_MISSED, 3, 12);   /* added and deleted again */
    assert_judged(1, 7, 7, REDIS_COMPARE, 0, 0);    /* shorter */
    assert_judged(11, 15, 5, REDIS_COMPARE, 0, 0);  /* made anew with ids that go on */
    assert_judged(1, 15, REDIS_ADDED_UNKNOWN, REDIS_GO_ON, 0, REDIS_ADDED_UNKNOWN);
}

static void test_another_entry_at_the_position(void **unused)
{
    (void)unused;
    struct redis_state state = read_up_to(9);
    struct redis_info info = info_of(1, 15, 15, &state);
    uint64_t missed;
    info.digest = 1;
    assert_int_equal(redis_place_judge(&state, &info, &missed), REDIS_COMPARE);
    info.any_verified = false; /* none, though others stand before */
    assert_int_equal(redis_place_judge(&state, &info, &missed), REDIS_COMPARE);
    redis_state_free(&state);
}

static void test_how_many_were_added_is_found_at_the_first_look(void **unused)
{
    (void)unused;
    struct redis_state state = {.added = REDIS_ADDED_UNKNOWN};
    const struct redis_info info = info_of(4, 9, 9, &state);
    uint64_t missed;
    assert_int_equal(redis_place_judge(&state, &info, &missed), REDIS_GO_ON);
    assert_int_equal(state.added, 3); /* before the first one that is there */
}

/* The fate of a stream that has these entries; above 1000 they are others with the same ids. */
static enum redis_fate fate_of(struct redis_state *state, const uint64_t *entries, size_t count,
                               uint64_t last, int64_t added, struct redis_id *position)
{
    struct redis_found found = {0};
    struct redis_info info = info_of(1, 0, added, state);
    info.last.ms = last;
    info.length = count;
    info.first.ms = count != 0 ? entries[0] % 1000 : 0;
    const struct redis_id from = redis_place_first(state);
    for (size_t i = 0; i < count; i++) {
        struct redis_anchor at = entry(entries[i] % 1000);
        at.digest += entries[i] > 1000;
        if (redis_id_compare(at.id, from) >= 0 && redis_id_compare(at.id, state->position) <= 0) {
            redis_place_find(state, at, &found);
        }
    }
    return redis_place_fate(state, &info, &found, position);
}

static void assert_fate(const uint64_t *entries, size_t count, uint64_t last, int64_t added,
                        enum redis_fate fate, uint64_t position)
{
    struct redis_state state = read_up_to(9);
    struct redis_id found;
    assert_int_equal(fate_of(&state, entries, count, last, added, &found), fate);
    assert_int_equal(found.ms, position);
    redis_state_free(&state);
}

#define ENTRIES(...)                                                                               \
    (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static void test_what_has_become_of_a_stream(void **unused)
{
    (void)unused;
    assert_fate(ENTRIES(1, 2, 3, 8), 9, 9, REDIS_SAME, 9);            /* the newest was deleted */
    assert_fate(ENTRIES(1, 2, 3, 8, 12), 12, 12, REDIS_SAME, 9);      /* and others came */
    assert_fate(ENTRIES(1, 2, 3), 3, 3, REDIS_SHORTER, 3);            /* rolled back */
    assert_fate(ENTRIES(1, 2, 3, 12), 12, 4, REDIS_SHORTER, 9);       /* and others came behind, */
    assert_fate(ENTRIES(1, 2, 3, 1005, 12), 12, 5, REDIS_SHORTER, 4); /* or in between */
    assert_fate(ENTRIES(1001, 1002), 2, 2, REDIS_ANEW, 0);            /* ids went back */
    assert_fate(ENTRIES(1001, 1009, 12), 12, 3, REDIS_ANEW, 0);       /* ids are used again */
    assert_fate(ENTRIES(12, 13), 13, 2, REDIS_ANEW, 9);               /* ids go on */
    assert_fate(NULL, 0, 9, 9, REDIS_SAME, 9);                        /* emptied */
    assert_fate(NULL, 0, 0, 0, REDIS_ANEW, 0);                        /* made anew and emptied */
}

/* What was read since the last look says nothing: a stream that was deleted and has come to ids
 * beyond the position has these, too. */
static void test_only_what_was_verified_is_evidence(void **unused)
{
    (void)unused;
    struct redis_state state = read_up_to(9);
    struct redis_draft draft = {0};
    struct buf record = {0};
    struct redis_id position;
    redis_draft_deliver(&draft, &state, entry(12));
    redis_draft_put(&draft, &state, &record);
    assert_int_equal(fate_of(&state, ENTRIES(1008, 12), 12, 2, &position), REDIS_ANEW);
    assert_int_equal(position.ms, 0);
    assert_int_equal(fate_of(&state, ENTRIES(1, 12), 12, 2, &position), REDIS_SHORTER);
    redis_state_verify(&state);
    assert_int_equal(fate_of(&state, ENTRIES(12, 13), 13, 10, &position), REDIS_SAME);
    redis_state_doubt(&state);
    redis_state_verify(&state); /* nothing was delivered since */
    assert_true(redis_id_is_zero(state.verified.id));
    redis_draft_free(&draft);
    redis_state_free(&state);
    buf_free(&record);
}

/* What was rolled back beyond the anchors is told by the last entries of older runs, and by the
 * milestones. */
static void test_a_stream_that_has_lost_more_than_the_anchors(void **unused)
{
    (void)unused;
    struct redis_state state = read_up_to(1000);
    struct redis_info info = info_of(1, 500, 500, &state);
    struct redis_found found = {.older_same = true};
    struct redis_id position;
    assert_int_equal(redis_place_fate(&state, &info, &found, &position), REDIS_SHORTER);
    assert_int_equal(position.ms, 500);
    info.last.ms = 2000; /* others came, at ids that were used */
    redis_place_find(&state, (struct redis_anchor){{980, 5}, 1}, &found);
    redis_place_find(&state, entry(990), &found);
    assert_int_equal(found.same, 0); /* it is behind a foreign one */
    assert_int_equal(redis_place_fate(&state, &info, &found, &position), REDIS_SHORTER);
    assert_int_equal(position.ms, 980);
    assert_int_equal(position.seq, 4);
    assert_int_equal(state.milestones.count, 10);
    for (uint64_t ordinal = 1; ordinal <= 512; ordinal *= 2) {
        assert_true(redis_state_knows(&state, entry(ordinal)));
    }
    redis_state_free(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_stream_tells_of_itself),
        cmocka_unit_test(test_another_entry_at_the_position),
        cmocka_unit_test(test_how_many_were_added_is_found_at_the_first_look),
        cmocka_unit_test(test_what_has_become_of_a_stream),
        cmocka_unit_test(test_only_what_was_verified_is_evidence),
        cmocka_unit_test(test_a_stream_that_has_lost_more_than_the_anchors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
