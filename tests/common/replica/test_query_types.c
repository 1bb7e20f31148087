/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_types.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/store/event_types.h"
#include "tests/unit.h"

struct patterns {
    struct buf bytes;
    struct mp_doc doc;
};

/* An array of that pattern, so many times. */
static const mp_value *patterns_of(struct patterns *p, const char *pattern, size_t count)
{
    *p = (struct patterns){0};
    mp_doc_init(&p->doc);
    mp_put_array(&p->bytes, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_text(&p->bytes, pattern);
    }
    assert_int_equal(mp_parse(&p->doc, p->bytes.data, p->bytes.len), STATUS_OK);
    return &p->doc.root;
}

static void patterns_free(struct patterns *p)
{
    mp_doc_free(&p->doc);
    buf_free(&p->bytes);
}

/* An event of that type, which has a number. */
static struct eventlog_entry event_of(struct event_types *types, const char *type)
{
    return (struct eventlog_entry){.event_type = str_of(type),
                                   .type = event_types_take(types, str_of(type))};
}

static void there_are_as_many_patterns_as_over_http(void **state)
{
    (void)state;
    struct query_types types;
    struct patterns p;
    static const struct {
        const char *pattern;
        size_t count;
        bool ok;
    } cases[] = {{"*q", 256, true},
                 {"*q", 257, false},
                 {"*q", 21000, false},
                 {"0123456789abcdef", 256, true},
                 {"0123456789abcdefg", 256, false},
                 {"a", 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            query_types_init(&types, patterns_of(&p, cases[i].pattern, cases[i].count)),
            cases[i].ok);
        query_types_free(&types);
        patterns_free(&p);
    }
    const mp_value number = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER};
    assert_false(query_types_init(&types, &number));
}

static void no_list_asks_for_all_and_an_empty_one_for_none(void **state)
{
    (void)state;
    struct query_types types;
    struct patterns p;
    const struct eventlog_entry event = {.event_type = STR("anything")};
    assert_true(query_types_init(&types, NULL));
    assert_true(query_types_want(&types, &event));
    query_types_free(&types);
    assert_true(query_types_init(&types, patterns_of(&p, "a", 0)));
    assert_false(query_types_want(&types, &event));
    assert_true(query_types_go_on(&types));
    query_types_free(&types);
    patterns_free(&p);
}

static void what_is_remembered_is_what_is_right(void **state)
{
    (void)state;
    struct query_types types;
    struct patterns p;
    struct event_types *names = event_types_create();
    assert_true(query_types_init(&types, patterns_of(&p, "*7", 1)));
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 500; i++) {
            char name[32];
            snprintf(name, sizeof name, "type.%zu", i);
            const struct eventlog_entry event = event_of(names, name);
            assert_int_equal(query_types_want(&types, &event), i % 10 == 7);
        }
    }
    query_types_free(&types);
    patterns_free(&p);
    event_types_destroy(&names);
}

/* How many of 10,000 events, which have so many types, one search gets to. */
static size_t searched(const char *pattern, const char *form, size_t distinct)
{
    struct query_types types;
    struct patterns p;
    struct event_types *names = event_types_create();
    size_t seen = 0;
    assert_true(query_types_init(&types, patterns_of(&p, pattern, 256)));
    query_types_begin(&types);
    for (; seen < 10000 && query_types_go_on(&types); seen++) {
        char name[80];
        snprintf(name, sizeof name, "%s%zu", form, seen % distinct);
        const struct eventlog_entry event = event_of(names, name);
        (void)query_types_want(&types, &event);
    }
    query_types_begin(&types);
    assert_true(query_types_go_on(&types)); /* the next one may begin */
    query_types_free(&types);
    patterns_free(&p);
    event_types_destroy(&names);
    return seen;
}

/* 10,000 events never end a search if they have few types, or the patterns are simple; if all of
 * them have to be searched for as many patterns as there may be, they do. */
static void a_search_ends_when_it_is_too_much_work(void **state)
{
    (void)state;
    assert_int_equal(searched("*a*b*c*q", "q-a-b-c-", 20), 10000);
    assert_int_equal(searched("orders.*", "type.", 10000), 10000);
    assert_in_range(searched("*a*b*1*", "a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b-", 10000), 10, 9999);
    assert_in_range(searched("*b*a*-*1*0*", "a-a-a-a-a-a-a-a-a-a-b10", 10000), 10, 9999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_as_many_patterns_as_over_http),
        cmocka_unit_test(no_list_asks_for_all_and_an_empty_one_for_none),
        cmocka_unit_test(what_is_remembered_is_what_is_right),
        cmocka_unit_test(a_search_ends_when_it_is_too_much_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
