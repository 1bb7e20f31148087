/* SPDX-License-Identifier: Apache-2.0 */
/* Who was told what outlives the program. */
#include "ingestor/alerts/alert_record.h"

#include "common/codec/mp.h"
#include "tests/ingestor/alerts/alerts_unit.h"

#define HOOK "webhook: \"http://127.0.0.1:1/\""
#define RULES "{name: r, wait: 0, " HOOK "}, {name: s, status: warn, wait: 0, " HOOK "}"

/* What a store has of these changes. */
static void settle(struct state_changes *saved)
{
    size_t kept = 0;
    state_changes_settle(saved);
    for (size_t i = 0; i < saved->count; i++) {
        if (saved->list[i].kind == STATE_PUT) {
            saved->list[kept++] = saved->list[i];
        }
    }
    saved->count = kept;
}

/* Fills a book from what was saved, as a new program does. */
static void load(struct alert_book *book, const struct config *config, struct state_changes *saved,
                 size_t expect_damaged)
{
    size_t damaged = 0;
    struct error err = {{0}};
    alert_book_init(book, config, 1);
    assert_int_equal(alert_record_load(book, saved, at(50).wall, &damaged, &err), STATUS_OK);
    assert_int_equal(damaged, expect_damaged);
}

static void tell(struct alert_book *book, size_t rule, int64_t s)
{
    assert_true(alert_rule_gather(&book->rules[rule], at(s)));
    alert_book_taken(book, &book->rules[rule], at(s).wall);
}

static void test_a_book_is_what_was_saved(void **state)
{
    (void)state;
    struct config *config = configure(RULES);
    struct state_changes saved = {0};
    struct alert_book book;
    alert_book_init(&book, config, 1);
    see_at(&book, "a", TILE_CRITICAL, 0);
    tell(&book, 0, 1);
    assert_true(alert_book_silence(&book, STR("b*"), at(100).wall, at(2).wall));
    assert_true(alert_book_silence(&book, STR("old"), at(3).wall, at(2).wall));
    alert_record_save(&book, &saved);
    const size_t once = saved.count;
    alert_record_save(&book, &saved);
    assert_int_equal(saved.count, once); /* nothing has changed */
    see_at(&book, "b", TILE_CRITICAL, 4);
    see_at(&book, "a", -1, 5);
    alert_record_save(&book, &saved);
    alert_book_free(&book);

    settle(&saved);
    load(&book, config, &saved, 0);
    assert_int_equal(book.count, 4);
    assert_int_equal(book.silence_count, 1);
    tell(&book, 0, 60); /* that a is over */
    assert_int_equal(book.count, 3);
    assert_false(alert_rule_gather(&book.rules[0], at(60))); /* b is silenced */
    tell(&book, 1, 60); /* a, of which nobody was told in time, began… */
    tell(&book, 1, 60); /* … and ended */
    alert_record_save(&book, &saved);
    alert_book_free(&book);

    settle(&saved);
    load(&book, config, &saved, 0);
    assert_int_equal(book.count, 2);
    alert_record_unsave(&book);
    state_changes_clear(&saved);
    alert_record_save(&book, &saved);
    alert_book_free(&book);

    settle(&saved);
    load(&book, config, &saved, 0); /* all of it was put again */
    assert_int_equal(book.count, 2);
    assert_int_equal(book.silence_count, 1);
    alert_book_free(&book);
    state_changes_free(&saved);
    config_destroy(&config);
}

static void test_rules_that_are_gone_are_forgotten(void **state)
{
    (void)state;
    struct config *config = configure(RULES);
    struct config *less = configure("{name: s, status: warn, " HOOK "}");
    struct state_changes saved = {0};
    struct alert_book book;
    alert_book_init(&book, config, 1);
    see_at(&book, "a", TILE_CRITICAL, 0);
    alert_record_save(&book, &saved);
    alert_book_free(&book);
    settle(&saved);
    load(&book, less, &saved, 0);
    assert_int_equal(book.count, 1);
    see_at(&book, "b", TILE_CRITICAL, 60); /* its record gets a number that none has */
    alert_record_save(&book, &saved);
    alert_book_free(&book);
    settle(&saved);
    load(&book, config, &saved, 0);
    assert_int_equal(book.count, 2);
    alert_book_free(&book);
    state_changes_free(&saved);
    config_destroy(&less);
    config_destroy(&config);
}

static void test_damage_costs_its_record_and_a_newer_format_all(void **state)
{
    (void)state;
    struct config *config = configure(RULES);
    struct state_changes saved = {0};
    struct alert_book book;
    struct error err = {{0}};
    size_t damaged;
    alert_book_init(&book, config, 1);
    see_at(&book, "a", TILE_CRITICAL, 0);
    alert_record_save(&book, &saved);
    alert_book_free(&book);
    state_put(&saved, (struct state_id){.member = STATE_ALERT, .item = 1}, STR("\x93\x01\x02\x03"));
    state_put(&saved, (struct state_id){.member = STATE_ALERT, .item = 77}, STR("\xc1"));
    state_put(&saved, (struct state_id){.item = STATE_SILENCES}, STR("\x92\x01\x05"));
    settle(&saved);
    load(&book, config, &saved, 3);
    assert_int_equal(book.count, 1);
    alert_record_save(&book, &saved);
    alert_book_free(&book);
    settle(&saved);
    load(&book, config, &saved, 0); /* what was damaged is not there any more */
    assert_int_equal(book.count, 1);
    alert_book_free(&book);
    for (size_t i = 0; i < saved.count; i++) {
        if (saved.list[i].id.member == STATE_ALERT) {
            saved.list[i].kind = STATE_ITEM_GONE; /* as a store tells that it is damaged */
        }
    }
    load(&book, config, &saved, 1);
    assert_int_equal(book.count, 0);
    see_at(&book, "a", TILE_CRITICAL, 60); /* it is told again, by another record */
    assert_true(book.rules[0].alerts->number > 2);
    alert_book_free(&book);
    state_put(&saved, (struct state_id){.member = STATE_ALERT, .item = 78}, STR("\x91\x02"));
    settle(&saved);
    alert_book_init(&book, config, 1);
    assert_int_equal(alert_record_load(&book, &saved, at(0).wall, &damaged, &err), STATUS_NEWER);
    assert_string_equal(err.text, "the state has alerts that a newer version of Tilewire wrote");
    alert_book_free(&book);
    state_changes_free(&saved);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_book_is_what_was_saved),
        cmocka_unit_test(test_rules_that_are_gone_are_forgotten),
        cmocka_unit_test(test_damage_costs_its_record_and_a_newer_format_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
