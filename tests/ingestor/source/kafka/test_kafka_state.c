/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_state.h"

#include "common/base/xalloc.h"
#include "tests/unit.h"

static struct kafka_state fresh(void)
{
    return (struct kafka_state){.origin = 5, .keep = 100, .record_bytes = SIZE_MAX};
}

/* Delivers messages of partitions by turns, and appends the record. */
static void deliver(struct kafka_state *state, const char *order, struct buf *out)
{
    struct kafka_draft draft = {0};
    for (const char *c = order; *c != '\0'; c++) {
        const size_t index = kafka_state_partition(state, "t", *c - 'a');
        struct kafka_partition *p = &state->partitions[index];
        kafka_draft_deliver(&draft, state, index, p->next < 0 ? 0 : p->next);
        kafka_state_anchor(state, index, (struct kafka_anchor){p->next - 1, (uint64_t)*c});
    }
    kafka_draft_put(&draft, state, out);
    kafka_draft_free(&draft);
}

static void assert_same(const struct kafka_state *a, const struct kafka_state *b)
{
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->ordinal, b->ordinal);
    assert_int_equal(a->record, b->record);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->partitions[i].topic, b->partitions[i].topic);
        assert_int_equal(a->partitions[i].next, b->partitions[i].next);
        assert_int_equal(a->partitions[i].first.digest, b->partitions[i].first.digest);
        assert_int_equal(a->partitions[i].last.offset, b->partitions[i].last.offset);
    }
    assert_int_equal(a->run_count, b->run_count);
    for (size_t i = 0; i < a->run_count; i++) {
        assert_int_equal(a->runs[i].partition, b->runs[i].partition);
        assert_int_equal(a->runs[i].first, b->runs[i].first);
        assert_int_equal(a->runs[i].next, b->runs[i].next);
        assert_int_equal(a->runs[i].count, b->runs[i].count);
        assert_int_equal(a->runs[i].ordinal, b->runs[i].ordinal);
    }
}

static void test_a_state_and_the_records_behind_it_say_where_it_stands(void **unused)
{
    (void)unused;
    struct kafka_state state = fresh();
    struct buf saved = {0};
    struct buf record = {0};
    deliver(&state, "aab", &record);
    kafka_state_save(&state, &saved);
    deliver(&state, "bca", &saved);
    deliver(&state, "aaad", &saved);
    assert_int_equal(state.ordinal, 10);
    assert_int_equal(state.runs[0].count, 2);
    struct kafka_state loaded = {.keep = 100};
    assert_true(kafka_state_load(&loaded, buf_str(&saved)));
    assert_same(&loaded, &state);
    assert_false(kafka_state_is_newer(buf_str(&saved)));
    kafka_state_free(&loaded);
    kafka_state_free(&state);
    buf_free(&saved);
    buf_free(&record);
}

/* Where offsets have no message, those of transactions say, a run ends, as where retention took
 * some.
 */
static void test_runs_and_gaps(void **unused)
{
    (void)unused;
    struct kafka_state state = fresh();
    struct kafka_draft draft = {0};
    struct buf record = {0};
    const size_t index = kafka_state_partition(&state, "t", 0);
    assert_int_equal(kafka_draft_deliver(&draft, &state, index, 10), 1);
    kafka_state_anchor(&state, index, (struct kafka_anchor){10, 1});
    assert_int_equal(kafka_draft_deliver(&draft, &state, index, 12), 2);
    kafka_draft_skip(&draft, &state, index, 50);
    assert_int_equal(kafka_draft_deliver(&draft, &state, index, 50), 3);
    kafka_state_anchor(&state, index, (struct kafka_anchor){50, 3});
    kafka_draft_put(&draft, &state, &record);
    assert_int_equal(state.run_count, 3);
    assert_int_equal(state.runs[0].first, 10);
    assert_int_equal(state.runs[0].next, 11);
    assert_int_equal(state.runs[1].first, 12);
    assert_int_equal(state.runs[1].next, 13);
    assert_int_equal(state.runs[1].ordinal, 2);
    assert_int_equal(state.runs[2].first, 50);
    assert_int_equal(state.partitions[0].first.offset, 10);
    assert_int_equal(state.partitions[0].last.offset, 50);
    kafka_draft_free(&draft);
    kafka_state_free(&state);
    buf_free(&record);
}

static void test_runs_are_kept_as_long_as_the_event_log_holds_their_messages(void **unused)
{
    (void)unused;
    struct kafka_state state = fresh();
    struct buf record = {0};
    for (int i = 0; i < 2000; i++) {
        buf_clear(&record);
        deliver(&state, i % 2 == 0 ? "a" : "b", &record);
        assert_true(state.run_count <= 202);
    }
    assert_true(state.runs[0].ordinal <= 1901);
    assert_int_equal(state.runs[state.run_count - 1].ordinal, 2000);
    kafka_state_renumber(&state);
    assert_int_equal(state.run_count, 0);
    assert_true(state.origin > 5);
    kafka_state_free(&state);
    buf_free(&record);
}

/* A damaged state is refused, whatever is wrong with it, and nothing is read beyond its end. */
static void test_damage_is_refused(void **unused)
{
    (void)unused;
    struct kafka_state state = fresh();
    struct buf saved = {0};
    struct buf record = {0};
    deliver(&state, "abc", &record);
    kafka_state_save(&state, &saved);
    const size_t whole = saved.len;
    deliver(&state, "abc", &saved);
    for (size_t len = 0; len < saved.len; len++) {
        struct kafka_state loaded = {.keep = 100};
        char *copy = x_memdup(saved.data, len);
        assert_int_equal(kafka_state_load(&loaded, (struct str){copy, len}), len == whole);
        kafka_state_free(&loaded);
        free(copy);
    }
    for (size_t at = 0; at < saved.len; at++) {
        struct kafka_state loaded = {.keep = 100};
        char *copy = x_memdup(saved.data, saved.len);
        copy[at] = (char)(copy[at] ^ 0x41);
        (void)kafka_state_load(&loaded, (struct str){copy, saved.len});
        kafka_state_free(&loaded);
        free(copy);
    }
    kafka_state_free(&state);
    buf_free(&saved);
    buf_free(&record);
}

static void test_a_newer_format_is_known_as_such(void **unused)
{
    (void)unused;
    struct buf saved = {0};
    mp_put_array(&saved, 2);
    mp_put_int(&saved, 2);
    mp_put_text(&saved, "kafka");
    assert_true(kafka_state_is_newer(buf_str(&saved)));
    struct kafka_state loaded = {.keep = 100};
    assert_false(kafka_state_load(&loaded, buf_str(&saved)));
    kafka_state_free(&loaded);
    buf_free(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_state_and_the_records_behind_it_say_where_it_stands),
        cmocka_unit_test(test_runs_and_gaps),
        cmocka_unit_test(test_runs_are_kept_as_long_as_the_event_log_holds_their_messages),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_a_newer_format_is_known_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
