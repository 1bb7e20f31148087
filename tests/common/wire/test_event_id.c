/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/event_id.h"

#include "tests/unit.h"

static struct event_id text(const char *s)
{
    return event_id_of_text(str_of(s));
}

static void test_order(void **state)
{
    (void)state;
    const struct event_id ordered[] = {
        {0},
        event_id_of_number(1),
        event_id_of_number(9),
        event_id_of_number(10),
        text("10"),
        text("1700000000000-10"), /* of a table */
        text("1700000000000-9"),
        text("9"),
        text("9a"),
        text("A"),
        text("a\xc3\xa4"),
        text("\xc3\xa4"),
    };
    const size_t count = sizeof ordered / sizeof *ordered;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            const int order = event_id_compare(ordered[i], ordered[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
            assert_int_equal(event_id_equal(ordered[i], ordered[k]), i == k);
        }
    }
}

/* Those of a bus: in one stream by their offsets, however many digits these have. */
static void test_order_of_places(void **state)
{
    (void)state;
    const struct event_id ordered[] = {
        event_id_of_place(STR("1700000000000-0"), 1),
        event_id_of_place(STR("1700000000000-9"), 10),
        event_id_of_place(STR("1700000000000-10"), 11),
        event_id_of_place(STR("1700000000000-9223372036854775807"), INT64_MAX),
        event_id_of_place(STR("1700000000000-9999999999999999999"), INT64_MAX),
        event_id_of_place(STR("1700000000000-18446744073709551615"), INT64_MAX),
        event_id_of_place(STR("1700000000001-1"), 2),
        event_id_of_place(STR("a-1-9"), 10), /* partition 1 of topic a */
        event_id_of_place(STR("a-1-10"), 11),
        event_id_of_place(STR("a-1-2-5"), 6), /* partition 2 of topic a-1 */
        event_id_of_place(STR("a-10-0"), 1),
        event_id_of_place(STR("a-2-0"), 1),
    };
    const size_t count = sizeof ordered / sizeof *ordered;
    for (size_t i = 0; i < count; i++) {
        struct buf out = {0};
        struct event_id loaded;
        struct mp_doc doc;
        mp_doc_init(&doc);
        event_id_save(&out, ordered[i]);
        assert_int_equal(mp_parse(&doc, out.data, out.len), 0);
        assert_true(event_id_load(&doc.root, &loaded));
        for (size_t k = 0; k < count; k++) {
            const int order = event_id_compare(loaded, ordered[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
        mp_doc_free(&doc);
        buf_free(&out);
    }
}

static void test_texts(void **state)
{
    (void)state;
    char longest[EVENT_ID_MAX + 2];
    memset(longest, 'x', sizeof longest);
    assert_true(event_id_valid((struct str){longest, EVENT_ID_MAX}));
    assert_false(event_id_valid((struct str){longest, EVENT_ID_MAX + 1}));
    assert_true(event_id_valid_own((struct str){longest, EVENT_ID_OWN_MAX}));
    assert_false(event_id_valid_own((struct str){longest, EVENT_ID_OWN_MAX + 1}));
    assert_true(event_id_valid(STR("018f9a3e-7b1c-7def-8123-456789abcdef")));
    assert_true(event_id_valid(STR("order 42/\xc3\xa4")));
    const struct str bad[] = {STR_NULL,    STR(""),     STR(" a"),    STR("a "),
                              STR("a\nb"), STR("a\0b"), STR("a\x7f"), STR("a\xff")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(event_id_valid(bad[i]));
    }
}

static void test_ids_with_the_order_in_which_they_were_seen(void **state)
{
    (void)state;
    char out[EVENT_ID_ORDER_SIZE];
    char longest[EVENT_ID_MAX];
    struct str id;
    uint64_t order;
    memset(longest, 'x', sizeof longest);
    const struct event_id ids[] = {event_id_of_number(42), event_id_of_text(STR("a~1")),
                                   event_id_of_text((struct str){longest, sizeof longest})};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char digits[EVENT_ID_NUMBER_SIZE];
        const struct str text = event_id_put_order(ids[i], INT64_MAX, out);
        assert_true(event_id_split_order(text, &id, &order));
        assert_true(str_equal(id, event_id_format(ids[i], digits)));
        assert_int_equal(order, INT64_MAX);
        assert_true(str_equal(event_id_put_order(ids[i], 0, out), id));
    }
    const struct str none[] = {STR_NULL,    STR(""),     STR("a"),
                               STR("a~"),   STR("~1"),   STR("a~0"),
                               STR("a~-1"), STR("a ~1"), STR("a~99999999999999999999")};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(event_id_split_order(none[i], &id, &order));
    }
}

static void test_streams(void **state)
{
    (void)state;
    int64_t a;
    int64_t b;
    assert_int_equal(event_id_stream(STR("orders"), &a), 0);
    assert_int_equal(event_id_stream(STR("-1"), &a), 0);
    assert_int_equal(event_id_stream(STR("orders-3-1042"), &a),
                     event_id_stream(STR("orders-3-1043"), &b));
    assert_int_equal(a, 1042);
    assert_int_not_equal(event_id_stream(STR("orders-4-1042"), &b),
                         event_id_stream(STR("orders-3-1042"), &a));
    const char *const ordered[] = {"0-1",
                                   "1-0",
                                   "9-10",
                                   "10-9",
                                   "1700000000000-9",
                                   "1700000000000-10",
                                   "1700000000001-0",
                                   "18446744073709551615-18446744073709551615"};
    for (size_t i = 1; i < sizeof ordered / sizeof *ordered; i++) {
        assert_int_equal(event_id_stream(str_of(ordered[i - 1]), &a),
                         event_id_stream(str_of(ordered[i]), &b));
        assert_true(a < b);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t number;
    char digits[EVENT_ID_NUMBER_SIZE];
    assert_true(event_id_parse_number(STR("9223372036854775807"), &number));
    assert_int_equal(number, INT64_MAX);
    assert_str(event_id_format(event_id_of_number(number), digits), "9223372036854775807");
    assert_true(event_id_parse_number(STR("0"), &number));
    assert_int_equal(number, 0);
    const struct str bad[] = {STR(""), STR("9223372036854775808"), STR("-1"), STR("1 "), STR("x")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(event_id_parse_number(bad[i], &number));
    }
}

static void test_encoding(void **state)
{
    (void)state;
    struct buf bytes = {0};
    struct mp_doc doc;
    struct event_id id;
    mp_doc_init(&doc);
    const struct event_id ids[] = {event_id_of_number(INT64_MAX), text("42"), text("x")};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        buf_clear(&bytes);
        event_id_put(&bytes, ids[i]);
        assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), 0);
        assert_true(event_id_read(&doc.root, &id));
        assert_true(event_id_equal(id, ids[i]));
    }
    buf_clear(&bytes);
    mp_put_str(&bytes, STR("two\nlines"));
    assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), 0);
    assert_false(event_id_read(&doc.root, &id));
    assert_false(event_id_read(NULL, &id));
    mp_doc_free(&doc);
    buf_free(&bytes);
}

/* Eight bytes are judged at once, so each value is tried in each place of a word and behind one. */
static void test_every_byte_in_every_place(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 0x100; value++) {
        for (size_t at = 1; at < 20; at++) {
            char text[] = "aaaaaaaaaaaaaaaaaaaa";
            text[at] = (char)value;
            const bool good = value >= 0x20 && value < 0x7f; /* above, it is no UTF-8 by itself */
            assert_int_equal(event_id_valid((struct str){text, 20}),
                             good && !(value == ' ' && at == 19));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_of_places),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_ids_with_the_order_in_which_they_were_seen),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_every_byte_in_every_place),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
