/* SPDX-License-Identifier: Apache-2.0 */
/* What a token's claim `tilewire` shows, and what is refused. */
#include "gateway/access/claim.h"

#include "tests/unit.h"

static int parse(const char *text, const struct view **out, struct error *err)
{
    struct json_value *root = NULL;
    assert_int_equal(json_parse(str_of(text), strlen(text), &root), STATUS_OK);
    const int status = claim_parse(json_at(root, STR("tilewire")), out, err);
    json_free(root);
    return status;
}

static const struct view *view_of(const char *text)
{
    const struct view *view = NULL;
    struct error err = {{0}};
    if (parse(text, &view, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return view;
}

static void test_a_claim_shows_what_its_lists_name(void **state)
{
    (void)state;
    const struct view *view = view_of("{\"tilewire\":{\"tiles\":[\"b\",\"a.*\"],\"events\":[],"
                                      "\"fields\":[\"summary\"]}}");
    assert_true(str_is(view_text(view, VIEW_TILES), "a.*,b showing \"summary\""));
    assert_true(str_is(view_text(view, VIEW_EVENTS), ""));
    view_release(&view);
}

static void test_a_list_that_is_missing_shows_everything(void **state)
{
    (void)state;
    const struct view *view = view_of("{\"tilewire\":{}}");
    assert_true(view_equal(view, view_everything()));
    view_release(&view);
}

static void test_what_is_no_claim_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"tilewire\":null}",
        "{\"tilewire\":[\"a\"]}",
        "{\"tilewire\":{\"tiles\":\"a\"}}",
        "{\"tilewire\":{\"tiles\":null}}",
        "{\"tilewire\":{\"tiles\":[1]}}",
        "{\"tilewire\":{\"tiles\":[\"a\",\"\"]}}",
        "{\"tilewire\":{\"tiles\":[\"a b\"]}}",
        "{\"tilewire\":{\"tile\":[\"a\"]}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct view *view = NULL;
        struct error err = {{0}};
        assert_int_equal(parse(bad[i], &view, &err), STATUS_INVALID);
        assert_null(view);
        assert_non_null(strstr(err.text, "the claim `tilewire`"));
    }
}

static void test_a_claim_is_bounded(void **state)
{
    (void)state;
    char *text = calloc(1, (size_t)VIEW_PATTERNS_MAX * 8);
    const struct view *view = NULL;
    char *end = stpcpy(text, "{\"tilewire\":{\"tiles\":[\"a\"");
    for (size_t i = 0; i < VIEW_PATTERNS_MAX; i++) {
        end = stpcpy(end, ",\"a\"");
    }
    stpcpy(end, "]}}");
    assert_int_equal(parse(text, &view, NULL), STATUS_FULL);
    assert_null(view);
    free(text);
}

static int pushes(const char *text, struct buf *out, struct error *err)
{
    struct json_value *root = NULL;
    assert_int_equal(json_parse(str_of(text), strlen(text), &root), STATUS_OK);
    const int status = claim_pushes(json_at(root, STR("tilewire")), out, err);
    json_free(root);
    return status;
}

static void test_nothing_may_be_pushed_that_is_not_named(void **state)
{
    (void)state;
    struct buf out = {0};
    struct error err = {{0}};
    assert_int_equal(pushes("{\"tilewire\":{}}", &out, &err), STATUS_OK);
    assert_int_equal(pushes("{\"tilewire\":{\"push\":[]}}", &out, &err), STATUS_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(pushes("{\"tilewire\":{\"push\":[\"deploy\",\"alert.*\"]}}", &out, &err),
                     STATUS_OK);
    assert_string_equal(buf_cstr(&out), "deploy,alert.*");
    assert_int_equal(pushes("{\"tilewire\":{\"push\":[\"a,b\"]}}", &out, &err), STATUS_INVALID);
    assert_int_equal(pushes("{\"tilewire\":{\"push\":[1]}}", &out, &err), STATUS_INVALID);
    const struct view *view = view_of("{\"tilewire\":{\"push\":[\"deploy\"]}}");
    assert_true(view_equal(view, view_everything()));
    view_release(&view);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_may_be_pushed_that_is_not_named),
        cmocka_unit_test(test_a_claim_shows_what_its_lists_name),
        cmocka_unit_test(test_a_list_that_is_missing_shows_everything),
        cmocka_unit_test(test_what_is_no_claim_is_refused),
        cmocka_unit_test(test_a_claim_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
