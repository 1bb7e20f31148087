/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_types.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/error.h"
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

static void there_are_as_many_patterns_as_over_http(void **state)
{
    (void)state;
    static struct query_types types;
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
        patterns_free(&p);
    }
    assert_true(query_types_init(&types, NULL));
    assert_true(query_types_want(&types, STR("anything")));
    const mp_value number = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER};
    assert_false(query_types_init(&types, &number));
}

static void what_is_remembered_is_what_is_right(void **state)
{
    (void)state;
    static struct query_types types;
    struct patterns p;
    assert_true(query_types_init(&types, patterns_of(&p, "*7", 1)));
    static char names[500][32];
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 500; i++) {
            snprintf(names[i], sizeof names[i], "type.%zu", i);
            assert_int_equal(query_types_want(&types, str_of(names[i])), i % 10 == 7);
        }
    }
    patterns_free(&p);
}

/* 10,000 events of few types never end a search; of as many types and with as many patterns as
 * there may be, or with long names, they do. */
static void a_search_ends_when_it_is_too_much_work(void **state)
{
    (void)state;
    static struct query_types types;
    static char names[10000][24];
    struct patterns p;
    assert_true(query_types_init(&types, patterns_of(&p, "*q", 256)));
    query_types_begin(&types);
    for (size_t i = 0; i < 10000; i++) {
        snprintf(names[i], sizeof names[i], "type.%zu", i);
        assert_true(query_types_go_on(&types));
        (void)query_types_want(&types, str_of(names[i % 20]));
    }
    query_types_begin(&types);
    size_t seen = 0;
    for (; seen < 10000 && query_types_go_on(&types); seen++) {
        (void)query_types_want(&types, str_of(names[seen]));
    }
    assert_in_range(seen, 1000, 9999);
    struct buf letters = {0};
    for (size_t i = 0; i < 16 << 10; i++) {
        buf_append_char(&letters, (char)('a' + i % 2));
    }
    query_types_begin(&types);
    for (seen = 0; seen < 10000 && query_types_go_on(&types); seen++) {
        const struct str name = {letters.data + seen, letters.len - seen};
        (void)query_types_want(&types, name);
    }
    assert_true(seen < 100);
    buf_free(&letters);
    patterns_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_as_many_patterns_as_over_http),
        cmocka_unit_test(what_is_remembered_is_what_is_right),
        cmocka_unit_test(a_search_ends_when_it_is_too_much_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
