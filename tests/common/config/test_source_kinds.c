/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of source has all that the configuration has to know of it. */
#include "common/config/source_kinds.h"

#include <stdio.h>

#include "tests/common/config/config_unit.h"

static struct config *config_with_uri(const char *uri)
{
    char text[256];
    snprintf(text, sizeof text, "source: {uri: '%s'}", uri);
    return parse_ok(text);
}

static void test_what_to_write_is_that_kind(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        struct config *config = config_with_uri(config_source_kind((enum source_kind)kind)->form);
        assert_int_equal(config->source.kind, kind);
        config_destroy(&config);
    }
}

static void test_auto_checkpoint_lies_somewhere(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        const struct config_source_kind *row = config_source_kind((enum source_kind)kind);
        struct config *config = config_with_uri(row->form);
        assert_int_not_equal(row->checkpoint, CHECKPOINT_NONE);
        assert_int_equal(config->ingestor.checkpoint, row->checkpoint);
        assert_true((config->ingestor.checkpoint_path != NULL) ==
                    (row->checkpoint == CHECKPOINT_FILE));
        config_destroy(&config);
    }
}

static void test_each_scheme_is_that_kind(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        const struct config_source_kind *row = config_source_kind((enum source_kind)kind);
        assert_non_null(row->schemes[0]);
        for (size_t i = 0; i < CONFIG_SCHEMES_MAX && row->schemes[i] != NULL; i++) {
            char uri[64];
            snprintf(uri, sizeof uri, "%sx", row->schemes[i]);
            enum source_kind found;
            struct str rest;
            assert_true(config_find_source_kind(str_of(uri), &found, &rest));
            assert_int_equal(found, kind);
            assert_str(rest, "x");
        }
    }
    enum source_kind found;
    struct str rest;
    assert_false(config_find_source_kind(STR("mysql://x"), &found, &rest));
    assert_false(config_find_source_kind(STR("sqlite"), &found, &rest));
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(source_kind_name(SOURCE_SQLITE), "SQLite");
    assert_string_equal(source_kind_name(SOURCE_POSTGRESQL), "PostgreSQL");
}

static void test_a_kind_that_is_not_built_is_refused_where_rows_are_read(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        const struct config_source_kind *row = config_source_kind((enum source_kind)kind);
        struct config *config = config_with_uri(row->form);
        struct error err = {{0}};
        const int status = config_need_source(config, &err);
        assert_int_equal(status,
                         source_kind_built((enum source_kind)kind) ? STATUS_OK : STATUS_INVALID);
        if (status != STATUS_OK) {
            char expected[256];
            snprintf(expected, sizeof expected,
                     CONFIG_NAME ": source.uri: this tilewire was built without %s: install %s, "
                                 "and build it again",
                     row->name, row->package);
            assert_string_equal(err.text, expected);
        }
        config_destroy(&config);
    }
    assert_true(source_kind_built(SOURCE_SQLITE));
    assert_true(source_kind_built(SOURCE_POSTGRESQL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_to_write_is_that_kind),
        cmocka_unit_test(test_auto_checkpoint_lies_somewhere),
        cmocka_unit_test(test_each_scheme_is_that_kind),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_kind_that_is_not_built_is_refused_where_rows_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
