/* SPDX-License-Identifier: Apache-2.0 */
/* What a checkpoint says of the moment that its tiles have come to. */
#include "ingestor/snapshot.h"

#include "ingestor/source/list.h"
#include "tests/ingestor/fold/fold_unit.h"

static void test_the_moment_is_kept(void **state)
{
    (void)state;
    static const int64_t moments[] = {START_US, 0, INT64_MAX};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct fold_test t;
        struct buf bytes = {0};
        struct snapshot read;
        const struct snapshot written = {7, 8, 9, STR("source"), STR("sqlite"), {moments[i]}};
        fold_test_init(&t, "  - {key: a, type: count}\n");
        snapshot_write(&written, t.fold, &bytes);
        assert_int_equal(snapshot_read(&read, buf_str(&bytes), &source_sqlite, t.fold, NULL),
                         STATUS_OK);
        assert_int_equal(read.epoch, 7);
        assert_int_equal(read.as_of.us, moments[i]);
        buf_free(&bytes);
        fold_test_free(&t);
    }
}

/* Formats of two sources are numbers of their own: only a source's own one can be newer. */
static void test_only_a_state_of_the_same_source_can_be_newer(void **state)
{
    (void)state;
    struct buf newer = {0};
    mp_put_array(&newer, 1);
    mp_put_int(&newer, 1000);
    for (int i = 0; i < 2; i++) {
        struct fold_test t;
        struct buf bytes = {0};
        struct snapshot read;
        const struct snapshot written = {
            1, 2, 3, buf_str(&newer), i == 0 ? STR("sqlite") : STR("postgresql"), {0}};
        fold_test_init(&t, "  - {key: a, type: count}\n");
        snapshot_write(&written, t.fold, &bytes);
        assert_int_equal(snapshot_read(&read, buf_str(&bytes), &source_sqlite, t.fold, NULL),
                         i == 0 ? STATUS_NEWER : STATUS_OK);
        buf_free(&bytes);
        fold_test_free(&t);
    }
    buf_free(&newer);
}

/* Version 0.1.0 wrote six parts. */
static void test_a_checkpoint_without_it_is_read(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf bytes = {0};
    struct buf fold = {0};
    struct snapshot read;
    fold_test_init(&t, "  - {key: a, type: count}\n");
    fold_save(t.fold, &fold);
    mp_put_array(&bytes, 6);
    for (int i = 1; i <= 4; i++) {
        mp_put_int(&bytes, i);
    }
    mp_put_bin(&bytes, STR("source"));
    mp_put_bin(&bytes, buf_str(&fold));
    assert_int_equal(snapshot_read(&read, buf_str(&bytes), &source_sqlite, t.fold, NULL),
                     STATUS_OK);
    assert_int_equal(read.ordinal, 3);
    assert_int_equal(read.as_of.us, 0);
    buf_free(&bytes);
    buf_free(&fold);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_moment_is_kept),
        cmocka_unit_test(test_only_a_state_of_the_same_source_can_be_newer),
        cmocka_unit_test(test_a_checkpoint_without_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
