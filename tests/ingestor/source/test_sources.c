/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sources.h"

#include <stdio.h>

#include "common/codec/mp.h"
#include "common/lease/lease_file.h"
#include "common/lease/lease_postgres.h"
#include "common/state/state_file.h"
#include "common/state/state_postgres.h"
#include "tests/unit.h"

static struct config *config_with(const char *uri, const char *checkpoint)
{
    char text[512];
    struct config *config = NULL;
    struct error err = {{0}};
    snprintf(text, sizeof text,
             "source: {uri: '%s'}\ningestor: {checkpoint: %s}\n"
             "tiles:\n  - {key: a, title: A, type: count, match: {event_type: x}}\n",
             uri, checkpoint);
    if (config_parse(text, strlen(text), "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return config;
}

static void assert_source(const char *uri, const char *checkpoint, const char *scheme,
                          const struct source_stores *stores)
{
    struct config *config = config_with(uri, checkpoint);
    assert_string_equal(sources_find(config)->scheme, scheme);
    assert_ptr_equal(sources_stores(config)->state, stores->state);
    assert_ptr_equal(sources_stores(config)->lease, stores->lease);
    config_destroy(&config);
}

static void test_each_source_is_found_with_its_stores(void **state)
{
    (void)state;
    const struct source_stores files = {&state_file, &lease_file};
    const struct source_stores tables = {&state_postgres, &lease_postgres};
    assert_source("sqlite:/tmp/x.db", "auto", "sqlite", &files);
    assert_source("postgresql://h/db", "auto", "postgresql", &tables);
    if (source_kind_built(SOURCE_KAFKA)) {
        assert_source("kafka://h:9092/t', fields: {}, format: 'json", "auto", "kafka", &files);
        const struct source_stores database = {&state_postgres_apart, &lease_postgres};
        assert_source("kafka://h:9092/t", "'postgresql://h/db'", "kafka", &database);
    }
    if (source_kind_built(SOURCE_NATS)) {
        assert_source("nats://h/S", "auto", "nats", &files);
    }
    if (source_kind_built(SOURCE_REDIS)) {
        assert_source("redis://h/s", "auto", "redis", &files);
    }
    assert_source("postgresql://h/db", "postgresql", "postgresql", &tables);
    assert_source("postgresql://h/db", "'file:/tmp/x'", "postgresql", &files);
}

/* A kind that has no row in the table must not become one that has. */
static void test_another_kind_is_none_of_them(void **state)
{
    (void)state;
    struct config config = {.has_source = true};
    config.source.kind = (enum source_kind)99;
    config.ingestor.checkpoint = CHECKPOINT_FILE;
    assert_null(sources_find(&config));
    assert_null(sources_stores(&config));
    config = (struct config){.has_source = false};
    assert_null(sources_find(&config));
}

static struct str array_with(struct buf *out, int64_t format)
{
    buf_clear(out);
    mp_put_array(out, 2);
    mp_put_int(out, format);
    mp_put_int(out, 42);
    return buf_str(out);
}

/* Whatever follows the number of the format: only that version can read it. */
static void test_each_source_knows_the_states_of_newer_versions(void **state)
{
    (void)state;
    struct buf bytes = {0};
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        const struct config config = {.has_source = true, .source.kind = (enum source_kind)kind};
        const struct source_ops *source = sources_find(&config);
        assert_true((source != NULL) == source_kind_built((enum source_kind)kind));
        if (source == NULL) {
            continue;
        }
        assert_true(source->state_is_newer(array_with(&bytes, 1000)));
        assert_false(source->state_is_newer(array_with(&bytes, 1)));
        assert_false(source->state_is_newer(STR("")));
        assert_false(source->state_is_newer(STR("\xc1")));
        assert_false(source->state_is_newer(STR("\x2a"))); /* a number, not an array */
    }
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_source_is_found_with_its_stores),
        cmocka_unit_test(test_another_kind_is_none_of_them),
        cmocka_unit_test(test_each_source_knows_the_states_of_newer_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
