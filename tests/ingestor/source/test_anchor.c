/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/anchor.h"

#include "ingestor/source/batch.h"
#include "tests/unit.h"

static struct batch *batch_of(int64_t id, int64_t us, const char *type)
{
    struct batch *batch = batch_create(0);
    struct event *event = batch_event(batch);
    event->id.number = id;
    event->timestamp.us = us;
    event->event_type = batch_text(batch, str_of(type));
    return batch;
}

static bool holds(const struct anchor *anchor, int64_t id, int64_t us, const char *type)
{
    struct batch *batch = batch_of(id, us, type);
    const bool held = anchor_holds(anchor, batch);
    batch_destroy(&batch);
    return held;
}

static void test_it_holds_in_the_same_row_alone(void **state)
{
    (void)state;
    struct anchor anchor = {0};
    struct batch *none = batch_create(0);
    assert_true(anchor_holds(&anchor, none)); /* nothing was read */
    struct batch *batch = batch_of(7, 1000, "made");
    anchor_drop(&anchor, batch);
    batch_destroy(&batch);
    anchor_drop(&anchor, none); /* no event: it stays where it was */
    assert_false(anchor_holds(&anchor, none));
    batch_destroy(&none);
    struct buf saved = {0};
    struct mp_doc doc;
    struct anchor loaded = {0};
    anchor_save(&anchor, &saved);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    assert_true(anchor_load(&loaded, &doc.root));
    assert_true(holds(&loaded, 7, 1000, "made"));
    assert_false(holds(&loaded, 8, 1000, "made"));
    assert_false(holds(&loaded, 7, 1001, "made"));
    assert_false(holds(&loaded, 7, 1000, "mode"));
    assert_false(anchor_load(&loaded, NULL));
    mp_doc_free(&doc);
    buf_free(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_holds_in_the_same_row_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
