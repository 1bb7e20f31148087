/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_state.h"

#include "common/program/log.h"
#include "tests/unit.h"

#define BORN INT64_C(1700000000000000000)

/* Read up to message 42, which was stored 42 s after the stream was made. */
static struct nats_state at_42(void)
{
    return (struct nats_state){
        .origin = 5, .created = BORN, .next = 43, .last = {42, BORN + 42 * INT64_C(1000000000)}};
}

static struct nats_stream stream(uint64_t first, uint64_t end, int64_t last_time_ns)
{
    return (struct nats_stream){
        .created = BORN, .first = first, .end = end, .last_time_ns = last_time_ns};
}

static void assert_place(const struct nats_state *state, uint64_t next, uint64_t ordinal)
{
    assert_int_equal(state->next, next);
    assert_int_equal(nats_state_ordinal(state), ordinal);
}

static void test_a_stream_that_is_new_is_read_from_its_first_message(void **unused)
{
    (void)unused;
    struct nats_state state = {.origin = 5, .next = 1};
    const struct nats_stream old = stream(31, 43, 0);
    assert_int_equal(nats_state_meet(&state, &old, "S"), NATS_BEGUN);
    assert_place(&state, 31, 30);
    assert_int_equal(state.created, BORN);
    assert_int_equal(state.origin, 5);
}

static void test_what_is_the_same_is_gone_on_with(void **unused)
{
    (void)unused;
    struct nats_state state = at_42();
    const struct nats_stream here = stream(1, 43, state.last.time_ns);
    assert_int_equal(nats_state_meet(&state, &here, "S"), NATS_SAME);
    const struct nats_stream emptied = stream(43, 43, 0);
    assert_int_equal(nats_state_meet(&state, &emptied, "S"), NATS_SAME);
    assert_place(&state, 43, 42);
    assert_int_equal(state.origin, 5);
}

static void test_a_stream_that_was_made_anew_is_read_from_its_start(void **unused)
{
    (void)unused;
    struct nats_state state = at_42();
    struct nats_stream other = stream(1, 100, 0);
    other.created++;
    assert_int_equal(nats_state_meet(&state, &other, "S"), NATS_ANEW);
    assert_place(&state, 1, 42);
    assert_int_equal(state.created, other.created);
    assert_true(state.origin > 5);
    state.next = 11; /* ten were read */
    assert_int_equal(nats_state_ordinal(&state), 52);
    struct nats_stream third = stream(200, 300, 0);
    assert_int_equal(nats_state_meet(&state, &third, "S"), NATS_ANEW);
    assert_place(&state, 200, 199); /* ordinals grow, and need not be without gaps */
}

static void test_messages_that_are_gone_before_they_were_read_are_skipped(void **unused)
{
    (void)unused;
    struct nats_state state = at_42();
    const struct nats_stream trimmed = stream(50, 60, 0);
    assert_int_equal(nats_state_meet(&state, &trimmed, "S"), NATS_TRIMMED);
    assert_place(&state, 50, 49);
    assert_true(state.origin > 5);
}

static void test_a_stream_that_lacks_what_was_read_is_gone_on_with(void **unused)
{
    (void)unused;
    struct nats_state state = at_42();
    const struct nats_stream shorter = stream(1, 31, 0);
    assert_int_equal(nats_state_meet(&state, &shorter, "S"), NATS_SHORTER);
    assert_place(&state, 31, 42);
    assert_true(state.origin > 5);
}

static void test_a_stream_with_another_last_message_was_set_back(void **unused)
{
    (void)unused;
    struct nats_state state = at_42();
    const struct nats_stream other = stream(1, 60, state.last.time_ns + 1);
    assert_int_equal(nats_state_meet(&state, &other, "S"), NATS_OTHER);
    nats_state_go_on(&state, 31);
    assert_place(&state, 31, 42);
    assert_true(state.origin > 5);
}

static void test_it_is_loaded_as_it_was_saved(void **unused)
{
    (void)unused;
    struct nats_state state = at_42();
    struct nats_state loaded = {0};
    struct buf saved = {0};
    state.base = 7;
    nats_state_save(&state, &saved);
    assert_true(nats_state_load(&loaded, buf_str(&saved)));
    assert_memory_equal(&state, &loaded, sizeof state);
    assert_false(nats_state_is_newer(buf_str(&saved)));
    for (size_t len = 0; len < saved.len; len++) {
        assert_false(nats_state_load(&loaded, (struct str){saved.data, len}));
    }
    buf_free(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_that_is_new_is_read_from_its_first_message),
        cmocka_unit_test(test_what_is_the_same_is_gone_on_with),
        cmocka_unit_test(test_a_stream_that_was_made_anew_is_read_from_its_start),
        cmocka_unit_test(test_messages_that_are_gone_before_they_were_read_are_skipped),
        cmocka_unit_test(test_a_stream_that_lacks_what_was_read_is_gone_on_with),
        cmocka_unit_test(test_a_stream_with_another_last_message_was_set_back),
        cmocka_unit_test(test_it_is_loaded_as_it_was_saved),
    };
    log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
