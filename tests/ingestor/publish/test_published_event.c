/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "common/base/utf8.h"
#include "common/codec/mp.h"
#include "ingestor/publish/published_event.h"

#define FIELD (16 << 10)
#define EVENT (64 << 10)

struct published {
    struct config *config;
    struct buf bytes;
    struct mp_doc doc;
    bool cut;
};

static struct config *config_with_extras(size_t extras)
{
    struct buf text = {0};
    struct config *config;
    struct error err = {{0}};
    buf_append_text(&text, "source: {uri: \"sqlite:x.db\", payload_in_events: true, columns: {");
    for (size_t i = 0; i < extras; i++) {
        buf_printf(&text, "x%zu: x%zu,", i, i);
    }
    buf_append_text(&text, "}}\n");
    if (config_parse(text.data, text.len, "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    buf_free(&text);
    return config;
}

static struct published publish(struct config *config, const struct event *event)
{
    struct published p = {.config = config};
    mp_doc_init(&p.doc);
    p.cut = published_event_put(&p.bytes, config, event);
    assert_int_equal(mp_parse(&p.doc, p.bytes.data, p.bytes.len), STATUS_OK);
    assert_true(p.bytes.len <= EVENT);
    return p;
}

static void published_free(struct published *p)
{
    mp_doc_free(&p->doc);
    buf_free(&p->bytes);
}

static struct str member(const struct published *p, const char *name)
{
    struct str text = STR_NULL;
    (void)mp_as_str(mp_get(&p->doc.root, name), &text);
    return text;
}

static bool is_named(const struct published *p, const char *name)
{
    const mp_value *names = mp_get(&p->doc.root, "truncated");
    struct str text;
    for (size_t i = 0; i < mp_count(names); i++) {
        if (mp_as_str(mp_at(names, i), &text) && str_is(text, name)) {
            return true;
        }
    }
    return false;
}

static struct str repeated(struct buf *out, const char *pattern, size_t len)
{
    buf_clear(out);
    for (size_t i = 0; i < len; i++) {
        buf_append_char(out, pattern[i % strlen(pattern)]);
    }
    return (struct str){buf_cstr(out), len};
}

static struct event event_of(struct str summary)
{
    return (struct event){
        .id = {.number = 7}, .ordinal = 7, .event_type = STR("a.b"), .summary = summary};
}

static void an_event_within_the_limits_is_as_it_was(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct config *config = config_with_extras(0);
    struct str text = repeated(&buf, "x", FIELD);
    struct event event = event_of(text);
    event.payload = STR("{\"a\":1}");
    struct published p = publish(config, &event);
    assert_false(p.cut);
    assert_null(mp_get(&p.doc.root, "truncated"));
    assert_true(str_equal(member(&p, "summary"), text));
    assert_true(mp_is_map(mp_get(&p.doc.root, "payload")));
    assert_null(mp_get(&p.doc.root, "actor_id"));
    published_free(&p);
    buf_free(&buf);
    config_destroy(&config);
}

static void a_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct config *config = config_with_extras(0);
    static const char *const patterns[] = {"x", "é", "€", "😀", "aé€😀"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (size_t more = 1; more <= 9; more++) {
            struct str text = repeated(&buf, patterns[i], FIELD + more);
            const struct event event = event_of(text);
            struct published p = publish(config, &event);
            const struct str got = member(&p, "summary");
            assert_true(p.cut && is_named(&p, "summary") && !is_named(&p, "event_type"));
            assert_true(got.len <= FIELD && got.len > FIELD - 4);
            assert_memory_equal(got.p, text.p, got.len);
            assert_true(utf8_valid(got));
            published_free(&p);
        }
    }
    buf_free(&buf);
    config_destroy(&config);
}

static void bytes_that_are_no_utf8_are_measured_as_they_are_sent(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct config *config = config_with_extras(0);
    struct str text = repeated(&buf, "\xff", 1 << 20); /* Each becomes three bytes. */
    struct event event = event_of(text);
    event.actor_id = text;
    event.event_type = text;
    struct published p = publish(config, &event);
    assert_true(is_named(&p, "summary") && is_named(&p, "actor_id") && is_named(&p, "event_type"));
    assert_int_equal(member(&p, "summary").len, FIELD - FIELD % 3);
    published_free(&p);
    struct str shorter = {text.p, FIELD / 3 + 1}; /* Only what it becomes is too long. */
    event = event_of(shorter);
    p = publish(config, &event);
    assert_true(is_named(&p, "summary"));
    published_free(&p);
    shorter.len = FIELD / 3;
    event = event_of(shorter);
    p = publish(config, &event);
    assert_false(p.cut);
    published_free(&p);
    buf_free(&buf);
    config_destroy(&config);
}

static void the_longest_texts_of_a_large_event_are_cut_further(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct config *config = config_with_extras(32);
    struct str text = repeated(&buf, "x", 1 << 20);
    struct event event = event_of(text);
    struct event_extra extras[32];
    for (size_t i = 0; i < 32; i++) {
        extras[i] = (struct event_extra){config->source.extras[i].field, text};
    }
    event.extras = extras;
    event.extra_count = 32;
    extras[5].value = STR("short");
    struct published p = publish(config, &event);
    assert_true(str_is(member(&p, "x5"), "short"));
    assert_false(is_named(&p, "x5"));
    assert_true(is_named(&p, "summary") && is_named(&p, "x0") && is_named(&p, "x31"));
    assert_true(p.bytes.len > EVENT - 4096); /* Not more is cut than need be. */
    assert_int_equal(member(&p, "x0").len, member(&p, "x31").len);
    published_free(&p);
    buf_free(&buf);
    config_destroy(&config);
}

static void a_payload_is_whole_or_left_out_unless_it_is_text(void **state)
{
    (void)state;
    struct buf buf = {0};
    struct config *config = config_with_extras(0);
    struct str text = repeated(&buf, "x", 2 * FIELD);
    struct buf json = {0};
    struct event event = event_of(STR("short"));
    buf_printf(&json, "{\"a\":\"%s\"}", text.p);
    event.payload = buf_str(&json);
    struct published p = publish(config, &event);
    assert_true(is_named(&p, "payload"));
    assert_null(mp_get(&p.doc.root, "payload"));
    assert_true(str_is(member(&p, "summary"), "short"));
    published_free(&p);
    event.payload = text;
    p = publish(config, &event);
    assert_true(is_named(&p, "payload"));
    assert_int_equal(member(&p, "payload").len, FIELD);
    published_free(&p);
    buf_free(&json);
    buf_free(&buf);
    config_destroy(&config);
}

static void an_event_that_came_again_says_so(void **state)
{
    (void)state;
    struct config *config = config_with_extras(0);
    struct event event = event_of(STR("short"));
    struct published p = publish(config, &event);
    assert_null(mp_get(&p.doc.root, "redelivered"));
    published_free(&p);
    event.redelivered = 1795411920123;
    p = publish(config, &event);
    uint64_t origin;
    assert_true(mp_as_uint(mp_get(&p.doc.root, "redelivered"), &origin));
    assert_int_equal(origin, 1795411920123);
    published_free(&p);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_within_the_limits_is_as_it_was),
        cmocka_unit_test(a_long_text_is_cut_at_a_character),
        cmocka_unit_test(bytes_that_are_no_utf8_are_measured_as_they_are_sent),
        cmocka_unit_test(the_longest_texts_of_a_large_event_are_cut_further),
        cmocka_unit_test(a_payload_is_whole_or_left_out_unless_it_is_text),
        cmocka_unit_test(an_event_that_came_again_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
