/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_state.h"

#include "common/codec/mp_check.h"
#include "tests/unit.h"

static struct redis_state fresh(void)
{
    return (struct redis_state){.origin = 5, .keep = 1000, .record_bytes = SIZE_MAX};
}

static struct redis_anchor entry(uint64_t ms)
{
    return (struct redis_anchor){{ms, 0}, ms * 7};
}

/* Delivers the entries of these times, and appends the record. */
static void deliver(struct redis_state *state, uint64_t first, uint64_t last, struct buf *out)
{
    struct redis_draft draft = {0};
    for (uint64_t ms = first; ms <= last; ms++) {
        redis_draft_deliver(&draft, state, entry(ms));
    }
    assert_false(redis_draft_empty(&draft));
    redis_draft_put(&draft, state, out);
    assert_true(redis_draft_empty(&draft));
    redis_draft_free(&draft);
}

static void assert_same(const struct redis_state *a, const struct redis_state *b)
{
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->numbered, b->numbered);
    assert_int_equal(a->ordinal, b->ordinal);
    assert_int_equal(a->record, b->record);
    assert_int_equal(a->added, b->added);
    assert_int_equal(redis_id_compare(a->position, b->position), 0);
    assert_int_equal(redis_id_compare(a->verified.id, b->verified.id), 0);
    assert_int_equal(a->verified.digest, b->verified.digest);
    assert_int_equal(a->verified_ordinal, b->verified_ordinal);
    assert_int_equal(a->milestone, b->milestone);
    assert_int_equal(a->milestones.count, b->milestones.count);
    assert_int_equal(a->anchors.count, b->anchors.count);
    assert_memory_equal(a->anchors.list, b->anchors.list,
                        a->anchors.count * sizeof a->anchors.list[0]);
    assert_int_equal(a->runs.count, b->runs.count);
    for (size_t i = 0; i < a->runs.count; i++) {
        assert_int_equal(redis_id_compare(a->runs.list[i].first, b->runs.list[i].first), 0);
        assert_int_equal(redis_id_compare(a->runs.list[i].last.id, b->runs.list[i].last.id), 0);
        assert_int_equal(a->runs.list[i].last.digest, b->runs.list[i].last.digest);
        assert_int_equal(a->runs.list[i].count, b->runs.list[i].count);
        assert_int_equal(a->runs.list[i].ordinal, b->runs.list[i].ordinal);
    }
}

static void test_a_state_and_the_records_behind_it_say_where_it_stands(void **unused)
{
    (void)unused;
    struct redis_state state = fresh();
    struct buf saved = {0};
    struct buf record = {0};
    deliver(&state, 1, 300, &record);
    redis_state_save(&state, "s", &saved);
    deliver(&state, 301, 301, &saved);
    redis_state_verify(&state);
    deliver(&state, 302, 900, &saved);
    assert_int_equal(state.ordinal, 900);
    assert_int_equal(state.added, 900);
    assert_int_equal(state.position.ms, 900);
    struct redis_state loaded = {.keep = 1000};
    assert_true(redis_state_load(&loaded, "s", buf_str(&saved)));
    assert_same(&loaded, &state);
    assert_false(redis_state_is_newer(buf_str(&saved)));
    struct redis_state other = {.keep = 1000};
    assert_false(redis_state_load(&other, "another", buf_str(&saved)));
    redis_state_free(&other);
    redis_state_free(&loaded);
    redis_state_free(&state);
    buf_free(&saved);
    buf_free(&record);
}

static void test_runs_are_joined_and_never_long(void **unused)
{
    (void)unused;
    struct redis_state state = fresh();
    struct buf record = {0};
    for (uint64_t ms = 1; ms <= 300; ms++) {
        deliver(&state, ms, ms, &record);
    }
    assert_int_equal(state.runs.count, 3);
    assert_int_equal(state.runs.list[1].ordinal, REDIS_RUN_MAX + 1);
    assert_int_equal(state.runs.list[1].count, REDIS_RUN_MAX);
    redis_state_renumber(
        &state); /* what comes is not joined to what belongs to the old numbering */
    deliver(&state, 301, 301, &record);
    assert_int_equal(state.runs.count, 4);
    assert_int_equal(state.runs.list[3].ordinal, state.numbered);
    redis_state_free(&state);
    buf_free(&record);
}

static void test_old_runs_are_forgotten(void **unused)
{
    (void)unused;
    struct redis_state state = fresh();
    struct buf record = {0};
    deliver(&state, 1, 100000, &record);
    assert_true(state.runs.count <= 160);
    const struct redis_run *last = &state.runs.list[state.runs.count - 1];
    assert_int_equal(last->ordinal + last->count - 1, 100000);
    assert_int_equal(state.anchors.count, REDIS_ANCHORS_MAX);
    assert_true(redis_state_knows(&state, entry(100000)));
    assert_true(redis_state_knows(&state, last->last));
    assert_false(redis_state_knows(&state, entry(3)));
    assert_false(redis_state_knows(&state, (struct redis_anchor){{100000, 0}, 1}));
    redis_state_free(&state);
    buf_free(&record);
}

static void test_a_stream_that_is_read_anew_makes_runs_of_its_own(void **unused)
{
    (void)unused;
    struct redis_state state = fresh();
    struct redis_draft draft = {0};
    struct buf record = {0};
    redis_draft_deliver(&draft, &state, entry(50));
    redis_draft_move(&draft, &state, (struct redis_id){0}, REDIS_ADDED_UNKNOWN);
    assert_int_equal(redis_draft_deliver(&draft, &state, entry(3)), 2);
    redis_draft_pass(&draft, &state, (struct redis_id){50, 0});
    redis_draft_put(&draft, &state, &record);
    assert_int_equal(draft.runs.count, 0);
    assert_int_equal(state.ordinal, 2);
    assert_int_equal(state.added, REDIS_ADDED_UNKNOWN);
    assert_int_equal(state.position.ms, 50);
    struct mp_doc doc;
    struct redis_record read;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, record.data, record.len), STATUS_OK);
    assert_true(redis_record_read(&doc.root, &read));
    assert_int_equal(read.runs.count, 2);
    assert_int_equal(read.runs.list[1].ordinal, 2);
    redis_record_free(&read);
    mp_doc_free(&doc);
    redis_draft_free(&draft);
    redis_state_free(&state);
    buf_free(&record);
}

static void test_what_is_damaged_is_refused(void **unused)
{
    (void)unused;
    struct redis_state state = fresh();
    struct buf record = {0};
    struct buf saved = {0};
    deliver(&state, 1, 10, &record);
    redis_state_save(&state, "s", &saved);
    deliver(&state, 11, 12, &saved);
    for (size_t len = 0; len < saved.len; len++) {
        struct redis_state loaded = {.keep = 1000};
        const bool ok = redis_state_load(&loaded, "s", (struct str){saved.data, len});
        assert_true(!ok || loaded.ordinal == 10); /* cut right behind the whole state */
        redis_state_free(&loaded);
    }
    redis_state_free(&state);
    buf_free(&record);
    buf_free(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_state_and_the_records_behind_it_say_where_it_stands),
        cmocka_unit_test(test_runs_are_joined_and_never_long),
        cmocka_unit_test(test_old_runs_are_forgotten),
        cmocka_unit_test(test_a_stream_that_is_read_anew_makes_runs_of_its_own),
        cmocka_unit_test(test_what_is_damaged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
