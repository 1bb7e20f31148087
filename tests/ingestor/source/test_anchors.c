/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/anchors.h"

#include "ingestor/source/batch.h"
#include "tests/unit.h"

static struct batch *batch_of(int64_t first, int64_t last)
{
    struct batch *batch = batch_create(0);
    for (int64_t id = first; id <= last; id++) {
        struct event *event = batch_event(batch);
        event->id.number = id;
        event->timestamp.us = id * 1000;
        event->event_type = batch_text(batch, STR("made"));
    }
    return batch;
}

static struct anchor row(int64_t id, int64_t us)
{
    return (struct anchor){id, anchor_digest((wall_time){us}, STR("made"))};
}

static enum anchors_match match(const struct anchors *anchors, int64_t id, int64_t us)
{
    const struct anchor now = row(id, us);
    return anchors_match(anchors, &now);
}

static void test_the_newest_rows_are_known_again(void **state)
{
    (void)state;
    struct anchors anchors = {0};
    assert_int_equal(match(&anchors, 1, 1000), ANCHORS_UNKNOWN);
    struct batch *batch = batch_of(1, 3);
    anchors_add_batch(&anchors, batch, false);
    batch_destroy(&batch);
    assert_int_equal(match(&anchors, 3, 3000), ANCHORS_SAME);
    assert_int_equal(match(&anchors, 3, 3001), ANCHORS_OTHER);
    assert_int_equal(match(&anchors, 4, 4000), ANCHORS_UNKNOWN);
    batch = batch_of(4, 3 + ANCHORS_MAX); /* the first three are given up */
    anchors_add_batch(&anchors, batch, false);
    batch_destroy(&batch);
    assert_int_equal(match(&anchors, 3, 3000), ANCHORS_UNKNOWN);
    assert_int_equal(match(&anchors, 4, 4000), ANCHORS_SAME);
    batch = batch_of(1000, 2000);
    anchors_add_batch(&anchors, batch, false);
    batch_destroy(&batch);
    assert_int_equal(match(&anchors, 2000, 2000000), ANCHORS_SAME);
    assert_int_equal(match(&anchors, 2001 - ANCHORS_MAX, 0), ANCHORS_OTHER);
    assert_int_equal(match(&anchors, 2000 - ANCHORS_MAX, 0), ANCHORS_UNKNOWN);
}

static void test_what_is_read_again_does_not_replace_what_was_read(void **state)
{
    (void)state;
    struct anchors anchors = {0};
    anchors_add(&anchors, row(2, 7));
    struct batch *batch = batch_of(1, 2);
    anchors_add_batch(&anchors, batch, true);
    batch_destroy(&batch);
    assert_int_equal(anchors.count, 2);
    assert_int_equal(match(&anchors, 1, 1000), ANCHORS_SAME);
    assert_int_equal(match(&anchors, 2, 7), ANCHORS_SAME);
}

static void test_they_outlive_the_program(void **state)
{
    (void)state;
    struct anchors anchors = {0};
    struct anchors loaded;
    struct buf saved = {0};
    struct mp_doc doc;
    struct batch *batch = batch_of(1, ANCHORS_MAX);
    anchors_add_batch(&anchors, batch, false);
    batch_destroy(&batch);
    anchors_add(&anchors, row(100, 5));
    anchors_save(&anchors, &saved);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    assert_true(anchors_load(&loaded, &doc.root));
    assert_int_equal(loaded.count, ANCHORS_MAX);
    assert_int_equal(match(&loaded, 100, 5), ANCHORS_SAME);
    assert_int_equal(match(&loaded, 2, 2000), ANCHORS_SAME);
    anchors_add(&loaded, row(101, 6)); /* the oldest goes first, as before */
    assert_int_equal(match(&loaded, 2, 2000), ANCHORS_UNKNOWN);
    assert_true(anchors_load(&loaded, NULL)); /* an older program saved none */
    assert_int_equal(loaded.count, 0);
    buf_clear(&saved);
    mp_put_array(&saved, 1);
    mp_put_int(&saved, 7);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    assert_false(anchors_load(&loaded, &doc.root));
    mp_doc_free(&doc);
    buf_free(&saved);
}

static void test_the_least_id_is_that_of_any_of_them(void **state)
{
    (void)state;
    struct anchors anchors = {.count = 0};
    assert_int_equal(anchors_least(&anchors), 0);
    anchors_add(&anchors, row(9, 1));
    anchors_add(&anchors, row(7, 1)); /* ids are given out again */
    anchors_add(&anchors, row(8, 1));
    assert_int_equal(anchors_least(&anchors), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_rows_are_known_again),
        cmocka_unit_test(test_what_is_read_again_does_not_replace_what_was_read),
        cmocka_unit_test(test_they_outlive_the_program),
        cmocka_unit_test(test_the_least_id_is_that_of_any_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
