/* SPDX-License-Identifier: Apache-2.0 */
/* What is written of a tile or event for clients who may not see all of its fields. */
#include "gateway/stream/render/fields.h"

#include "common/codec/mp_patch.h"
#include "tests/common/codec/mp_unit.h"
#include "tests/gateway/base/view_unit.h"

#define TILE                                                                                       \
    "{\"ok\":1,\"worst\":[{\"id\":\"t\",\"due_at\":\"x\"}],"                                       \
    "\"breakdown\":{\"eu\":{\"open\":2}},\"note\":\"n\"}"

/* What is written of the data through a lens of these fields. */
static struct buf data_through(const char *fields, const mp_value *data, bool patch)
{
    struct buf out = {0};
    const struct view *view = view_of("*", "*", fields);
    fields_put_data(&out, lens_of(view, VIEW_TILES, STR("a")), data, patch);
    view_release(&view);
    return out;
}

static void assert_data(const char *fields, const char *json, const char *expected)
{
    struct buf bytes = packed(json);
    struct mp_doc doc;
    parse(&doc, &bytes);
    struct buf out = data_through(fields, &doc.root, false);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
    mp_doc_free(&doc);
    buf_free(&bytes);
}

static void test_figures_are_always_shown_and_details_only_by_name(void **state)
{
    (void)state;
    assert_data("summary", TILE, "{\"ok\":1}");
    assert_data("", TILE, "{\"ok\":1}");
    assert_data("data.*", TILE, TILE);
    assert_data(NULL, TILE, TILE);
    assert_data("data.worst,data.note", TILE,
                "{\"ok\":1,\"worst\":[{\"id\":\"t\",\"due_at\":\"x\"}],\"note\":\"n\"}");
}

static void test_a_part_of_a_detail_is_shown_by_its_path(void **state)
{
    (void)state;
    assert_data("data.worst.due_at", TILE, "{\"ok\":1,\"worst\":[{\"due_at\":\"x\"}]}");
    assert_data("data.breakdown.*.open", TILE, "{\"ok\":1,\"breakdown\":{\"eu\":{\"open\":2}}}");
    assert_data("data.breakdown.us", TILE, "{\"ok\":1,\"breakdown\":{}}");
    assert_data("data.note.x", TILE, "{\"ok\":1}");
    assert_data("data.worst.id", "{\"worst\":[1,[{\"id\":2,\"x\":3}],{\"x\":4}]}",
                "{\"worst\":[[{\"id\":2}],{}]}");
}

static void assert_member(const char *fields, const char *name, const char *json,
                          const char *expected)
{
    struct buf bytes = packed(json);
    struct mp_doc doc;
    struct buf out = {0};
    const struct view *view = view_of("*", "*", fields);
    parse(&doc, &bytes);
    fields_put_member(&out, lens_of(view, VIEW_EVENTS, STR("a")), str_of(name), &doc.root);
    assert_string_equal(buf_cstr(&out), expected);
    view_release(&view);
    buf_free(&out);
    mp_doc_free(&doc);
    buf_free(&bytes);
}

static void test_a_payload_is_shown_as_far_as_it_is_named(void **state)
{
    (void)state;
    const char *payload = "{\"card\":\"4111\",\"customer\":{\"name\":\"a\",\"mail\":\"b\"}}";
    assert_member("summary", "payload", payload, "");
    assert_member("payload.customer.name", "payload", payload,
                  ",\"payload\":{\"customer\":{\"name\":\"a\"}}");
    assert_member("payload.c*,payload.x", "payload", payload,
                  ",\"payload\":{\"card\":\"4111\",\"customer\":{\"name\":\"a\",\"mail\":\"b\"}}");
    assert_member("payload.card", "payload", "\"{\\\"card\\\":1}\"",
                  ""); /* a text has no members */
    assert_member("payload", "payload", "\"x\"", ",\"payload\":\"x\"");
    assert_member("payload.*", "payloads", payload, "");
}

/* A long name must not make others long, nor be taken for another one. */
static void test_what_is_nested_too_deep_is_hidden_unless_what_it_is_in_is_shown(void **state)
{
    (void)state;
    char name[FIELD_PATH_MAX + 2];
    char json[2 * FIELD_PATH_MAX];
    char expected[2 * FIELD_PATH_MAX + 16];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    snprintf(json, sizeof json, "{\"%s\":1,\"b\":2}", name);
    assert_member("a.*n,a.b", "a", json, ",\"a\":{\"b\":2}");
    snprintf(expected, sizeof expected, ",\"a\":%s", json);
    assert_member("a", "a", json, expected);
    snprintf(expected, sizeof expected, ",\"%s\":1", name);
    assert_member(NULL, name, "1", expected);
    assert_member("n*", name, "1", "");
}

static void assert_truncated(const char *fields, enum fields_of what, const char *expected)
{
    struct buf bytes = packed("[\"worst\",\"points\",\"breakdown\"]");
    struct mp_doc doc;
    struct buf out = {0};
    const struct view *view = view_of("*", "*", fields);
    parse(&doc, &bytes);
    fields_put_truncated(&out, lens_of(view, VIEW_EVENTS, STR("a")), &doc.root, what);
    assert_string_equal(buf_cstr(&out), expected);
    view_release(&view);
    buf_free(&out);
    mp_doc_free(&doc);
    buf_free(&bytes);
}

static void test_what_was_cut_is_named_if_it_may_be_seen(void **state)
{
    (void)state;
    assert_truncated(NULL, FIELDS_OF_EVENT, ",\"truncated\":[\"worst\",\"points\",\"breakdown\"]");
    assert_truncated("worst", FIELDS_OF_EVENT, ",\"truncated\":[\"worst\"]");
    assert_truncated("x", FIELDS_OF_EVENT, "");
    assert_truncated("x", FIELDS_OF_TILE, ",\"truncated\":[\"points\"]");
    assert_truncated("data.worst.id", FIELDS_OF_TILE, ",\"truncated\":[\"worst\",\"points\"]");
    assert_truncated("x", FIELDS_OF_PATCH, ",\"truncated\":[\"points\"]");
}

static void test_a_patch_that_names_nothing_more_removes_the_member(void **state)
{
    (void)state;
    struct buf bytes = packed("[\"worst\"]");
    struct mp_doc doc;
    struct buf out = {0};
    const struct view *view = view_of("*", "*", "x");
    parse(&doc, &bytes);
    fields_put_truncated(&out, lens_of(view, VIEW_TILES, STR("a")), &doc.root, FIELDS_OF_PATCH);
    assert_string_equal(buf_cstr(&out), ",\"truncated\":null");
    view_release(&view);
    buf_free(&out);
    mp_doc_free(&doc);
    buf_free(&bytes);
}

/* ---- Patches ---- */

static bool put_json_member(void *arg, struct str name, const struct json_value *value);

struct members {
    struct buf *out;
    size_t count;
};

/* JSON as MessagePack, with the members that are null: those of patches. */
static void put_json(struct buf *out, const struct json_value *value)
{
    if (json_is_map(value)) {
        struct mp_open_map map = mp_open_map(out);
        struct members members = {out, 0};
        json_each(value, put_json_member, &members);
        map.count = members.count;
        mp_close_map(out, map);
    } else if (json_absent(value)) {
        mp_put_nil(out);
    } else {
        json_to_mp(out, value);
    }
}

static bool put_json_member(void *arg, struct str name, const struct json_value *value)
{
    struct members *members = arg;
    mp_put_str(members->out, name);
    put_json(members->out, value);
    members->count++;
    return true;
}

/* What a client has after it parsed that text. */
static void read_back(struct mp_doc *doc, struct buf *bytes, struct buf *text)
{
    struct json_value *value = NULL;
    assert_int_equal(json_parse(buf_str(text), SIZE_MAX, &value), STATUS_OK);
    put_json(bytes, value);
    json_free(value);
    parse(doc, bytes);
}

/* True when the client that has what was narrowed of `from` comes to what is narrowed of `to`. */
static bool narrowed_patch_leads(const char *fields, const mp_value *from, const mp_value *patch,
                                 const mp_value *to)
{
    struct buf texts[3] = {data_through(fields, from, false), data_through(fields, patch, true),
                           data_through(fields, to, false)};
    struct buf bytes[4] = {{0}};
    struct mp_doc docs[4];
    for (size_t i = 0; i < 3; i++) {
        read_back(&docs[i], &bytes[i], &texts[i]);
    }
    mp_merge(&bytes[3], &docs[0].root, &docs[1].root);
    parse(&docs[3], &bytes[3]);
    const bool equal = mp_equal(&docs[3].root, &docs[2].root, 0);
    if (!equal) {
        print_message("%s: %s + %s is not %s\n", fields, buf_cstr(&texts[0]), buf_cstr(&texts[1]),
                      buf_cstr(&texts[2]));
    }
    for (size_t i = 0; i < 4; i++) {
        mp_doc_free(&docs[i]);
        buf_free(&bytes[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        buf_free(&texts[i]);
    }
    return equal;
}

static void test_a_narrowed_patch_leads_from_what_was_narrowed_to_what_is(void **state)
{
    (void)state;
    static const char *const fields[] = {"data.a", "data.a.b,data.c", "data.*.a", "data.b.*.c",
                                         "",       "data.*b*"};
    unsigned seed = seed_of_run();
    for (int round = 0; round < 5000; round++) {
        struct buf a = {0};
        struct buf b = {0};
        struct buf patch = {0};
        struct mp_doc docs[3];
        put_random_map(&a, &seed, 0);
        put_random_map(&b, &seed, 0);
        parse(&docs[0], &a);
        parse(&docs[1], &b);
        if (mp_diff(&patch, &docs[0].root, &docs[1].root)) {
            parse(&docs[2], &patch);
            const char *chosen = fields[random_below(&seed, 6)];
            assert_true(narrowed_patch_leads(chosen, &docs[0].root, &docs[2].root, &docs[1].root));
            mp_doc_free(&docs[2]);
        }
        mp_doc_free(&docs[1]);
        mp_doc_free(&docs[0]);
        buf_free(&patch);
        buf_free(&b);
        buf_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_are_always_shown_and_details_only_by_name),
        cmocka_unit_test(test_a_part_of_a_detail_is_shown_by_its_path),
        cmocka_unit_test(test_a_payload_is_shown_as_far_as_it_is_named),
        cmocka_unit_test(test_what_is_nested_too_deep_is_hidden_unless_what_it_is_in_is_shown),
        cmocka_unit_test(test_what_was_cut_is_named_if_it_may_be_seen),
        cmocka_unit_test(test_a_patch_that_names_nothing_more_removes_the_member),
        cmocka_unit_test(test_a_narrowed_patch_leads_from_what_was_narrowed_to_what_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
