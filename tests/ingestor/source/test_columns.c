/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/columns.h"

#include "common/base/xalloc.h"
#include "tests/unit.h"

/* The id is in column `n`; there is no summary; the payload is named, so it has to be there. The
 * caller frees the extras. */
static struct config_source source_with_extra(void)
{
    struct config_source source = {.table = "log", .extra_count = 1};
    source.extras = x_calloc(1, sizeof *source.extras);
    source.extras[0].field = "shop";
    source.extras[0].column = "shop_name";
    source.columns[EVENT_ID] = (struct config_column){"n", true};
    source.columns[EVENT_TIMESTAMP] = (struct config_column){"timestamp", false};
    source.columns[EVENT_TYPE] = (struct config_column){"event_type", false};
    source.columns[EVENT_ACTOR] = (struct config_column){"actor_id", false};
    source.columns[EVENT_TARGET] = (struct config_column){"target_id", false};
    source.columns[EVENT_SUMMARY] = (struct config_column){NULL, true};
    source.columns[EVENT_PAYLOAD] = (struct config_column){"payload", true};
    return source;
}

static void test_the_list_is_the_fields_and_then_the_extras(void **state)
{
    (void)state;
    const struct config_source source = source_with_extra();
    const struct columns_entry expected[] = {
        {"id", "n", true},
        {"timestamp", "timestamp", true},
        {"event_type", "event_type", true},
        {"actor_id", "actor_id", false},
        {"target_id", "target_id", false},
        {"summary", NULL, false},
        {"payload", "payload", true},
        {"shop", "shop_name", true},
    };
    assert_int_equal(columns_count(&source), 8);
    for (size_t i = 0; i < 8; i++) {
        const struct columns_entry column = columns_at(&source, i);
        assert_string_equal(column.field, expected[i].field);
        assert_true((column.name == NULL) == (expected[i].name == NULL));
        assert_true(column.name == NULL || strcmp(column.name, expected[i].name) == 0);
        assert_int_equal(column.needed, expected[i].needed);
    }
    free(source.extras);
}

static void test_a_missing_column_is_named_with_what_to_do(void **state)
{
    (void)state;
    struct config_source source = source_with_extra();
    const struct columns_entry id = columns_at(&source, EVENT_ID);
    struct error err = {{0}};
    assert_int_equal(columns_missing(&source, &id, "a, b", &err), STATUS_NOT_FOUND);
    assert_string_equal(err.text, "table \"log\" has no column \"n\" for id; its columns are a, b; "
                                  "set source.columns.id to the one that holds it");
    source.path = "x.db";
    assert_int_equal(columns_missing(&source, &id, "a, b", &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "table \"log\" of x.db has no column \"n\" for id;"));
    free(source.extras);
}

static struct str text_of(void *texts, size_t index)
{
    return ((const struct str *)texts)[index];
}

static void test_texts_go_to_their_fields(void **state)
{
    (void)state;
    const struct config_source source = source_with_extra();
    struct str texts[] = {STR_NULL,    STR_NULL, STR("sale"), STR("ann"),
                          STR("till"), STR_NULL, STR("{}"),   STR("north")};
    struct batch *batch = batch_create(source.extra_count);
    struct event *event = batch_event(batch);
    assert_int_equal(columns_fill(&source, text_of, texts, batch, event), UNUSABLE_KINDS);
    batch_finish(batch, STR(""), STR(""));
    event = &batch->events[0];
    assert_str(event->event_type, "sale");
    assert_str(event->actor_id, "ann");
    assert_str(event->target_id, "till");
    assert_null(event->summary.p);
    assert_str(event->payload, "{}");
    assert_string_equal(event->extras[0].name, "shop");
    assert_str(event->extras[0].value, "north");
    batch_destroy(&batch);
    free(source.extras);
}

static void test_unusable_texts(void **state)
{
    (void)state;
    const struct config_source source = source_with_extra();
    char *text = x_calloc(1, BATCH_TEXT_MAX + 1);
    const struct str longest = {text, BATCH_TEXT_MAX};
    const struct str too_long = {text, BATCH_TEXT_MAX + 1};
    struct str texts[8] = {[EVENT_TYPE] = STR("sale"), [EVENT_PAYLOAD] = longest};
    struct batch *batch = batch_create(source.extra_count);
    assert_int_equal(columns_fill(&source, text_of, texts, batch, batch_event(batch)),
                     UNUSABLE_KINDS);
    texts[EVENT_PAYLOAD] = too_long;
    assert_int_equal(columns_fill(&source, text_of, texts, batch, batch_event(batch)),
                     UNUSABLE_TOO_LONG);
    texts[EVENT_PAYLOAD] = STR_NULL;
    texts[EVENT_FIELDS] = too_long;
    assert_int_equal(columns_fill(&source, text_of, texts, batch, batch_event(batch)),
                     UNUSABLE_TOO_LONG);
    texts[EVENT_TYPE] = STR_NULL;
    assert_int_equal(columns_fill(&source, text_of, texts, batch, batch_event(batch)),
                     UNUSABLE_EVENT_TYPE);
    batch_destroy(&batch);
    free(text);
    free(source.extras);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_is_the_fields_and_then_the_extras),
        cmocka_unit_test(test_a_missing_column_is_named_with_what_to_do),
        cmocka_unit_test(test_texts_go_to_their_fields),
        cmocka_unit_test(test_unusable_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
