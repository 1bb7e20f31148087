/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/partition.h"

#include "common/base/buf.h"
#include "common/wire/lane.h"
#include "tests/common/config/config_unit.h"

/* lanes: 2, partitions: 3, and what else the ingestor's section has. */
static struct config *parse_with(const char *more)
{
    struct buf text = {0};
    buf_printf(&text,
               "source: {uri: 'kafka://b/t', fields: {customer: key}}\n"
               "ingestor: {lanes: 2, partitions: 3, checkpoint: 'file:/s'%s}\n"
               "tiles:\n"
               "  - {key: whole, type: count}\n"
               "  - {key: shared, type: count, group_by: customer, partition: true}\n",
               more);
    struct config *config = parse_ok(buf_cstr(&text));
    buf_free(&text);
    return config;
}

static void test_one_ingestor_owns_all(void **state)
{
    (void)state;
    struct config *config = parse_with("");
    assert_int_equal(partition_lane_count(config), 5);
    assert_true(config->ingestor.own_lanes == 0x1f && config->ingestor.own_partitions == 7);
    assert_true(partition_reads_all(config) && partition_is_read(config, 4));
    assert_int_equal(partition_lane_of_tile(config, &config->tiles[0]),
                     lane_of_key(STR("whole"), 2));
    assert_int_equal(partition_lane_of_tile(config, &config->tiles[1]), 2);
    assert_string_equal(config->ingestor.checkpoint_path, "/s");
    config_destroy(&config);
}

static void test_who_owns_lanes_reads_all_and_folds_no_partitioned_family(void **state)
{
    (void)state;
    struct config *config = parse_with(", own_lanes: [0, 1]");
    assert_true(config->ingestor.own_lanes == 3 && config->ingestor.own_partitions == 0);
    assert_true(partition_reads_all(config) && partition_is_read(config, 7));
    const unsigned lane = partition_lane_of_tile(config, &config->tiles[1]);
    assert_true(lane >= 2 && (config->ingestor.own_lanes >> lane & 1) == 0);
    assert_string_equal(config->ingestor.checkpoint_path, "/s.lanes-3");
    config_destroy(&config);
}

static void test_who_owns_partitions_reads_these_and_has_a_state_of_its_own(void **state)
{
    (void)state;
    struct config *config = parse_with(", own_partitions: [1, 2]");
    assert_true(config->ingestor.own_lanes == 0x18);
    assert_false(partition_reads_all(config));
    for (int32_t number = 0; number < 9; number++) {
        assert_int_equal(partition_is_read(config, number), number % 3 != 0);
        assert_int_equal(partition_lane(config, number), 2 + number % 3);
    }
    assert_int_equal(partition_lane_of_tile(config, &config->tiles[1]), 3);
    assert_false(config->ingestor.own_lanes >> partition_lane_of_tile(config, &config->tiles[0]) &
                 1);
    assert_string_equal(config->ingestor.checkpoint_path, "/s.partitions-6-of-3");
    config_destroy(&config);
}

static void test_without_partitions_a_family_is_on_the_lane_of_its_key(void **state)
{
    (void)state;
    struct config *config =
        parse_ok("source: {uri: 'kafka://b/t', fields: {customer: key}}\n"
                 "ingestor: {lanes: 64}\n"
                 "tiles: [{key: shared, type: count, group_by: customer, partition: true}]\n");
    assert_int_equal(partition_lane_count(config), LANES_MAX);
    assert_false(partition_has(config, &config->tiles[0]));
    assert_true(partition_reads_all(config) && partition_is_read(config, 3));
    assert_int_equal(partition_lane_of_tile(config, &config->tiles[0]),
                     lane_of_key(STR("shared"), LANES_MAX));
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_ingestor_owns_all),
        cmocka_unit_test(test_who_owns_lanes_reads_all_and_folds_no_partitioned_family),
        cmocka_unit_test(test_who_owns_partitions_reads_these_and_has_a_state_of_its_own),
        cmocka_unit_test(test_without_partitions_a_family_is_on_the_lane_of_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
