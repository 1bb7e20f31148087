/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/frames.h"
#include "gateway/stream/render/coding.h"
#include "tests/gateway/base/view_unit.h"

static const struct lens all;

static void an_event_is_as_f18_wants_it(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(4, SIZE_MAX, render_event_free);
    struct buf fields = {0};
    mp_put_map(&fields, 6);
    mp_put_text(&fields, "region"); /* a column of the user's */
    mp_put_text(&fields, "EU \"west\"");
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "work_item_claimed");
    mp_put_text(&fields, "id");
    mp_put_int(&fields, 42);
    mp_put_text(&fields, "timestamp");
    mp_put_text(&fields, "2026-11-23T05:12:01.220Z");
    mp_put_text(&fields, "actor_id");
    mp_put_text(&fields, "ada");
    mp_put_text(&fields, "summary");
    mp_put_text(&fields, "two\nlines");
    struct eventlog_entry *entry = eventlog_append(
        log, 0, 42, event_id_of_number(42), buf_str(&fields), (wall_time){0}, (wall_time){0});
    const struct message event = render_event(entry, all);
    struct buf frame = {0};
    message_append_sse(&frame, &event);
    assert_str(buf_str(&frame),
               "id: 42\nevent: work_item_claimed\ndata: {\"id\":42,"
               "\"timestamp\":\"2026-11-23T05:12:01.220Z\",\"event_type\":\"work_item_claimed\","
               "\"actor_id\":\"ada\",\"target_id\":null,\"summary\":\"two\\nlines\","
               "\"region\":\"EU \\\"west\\\"\"}\n\n");
    assert_ptr_equal(render_event(entry, all).json.p, event.json.p); /* made once */
    const struct message message = frames_event(CHANNEL_MESSAGES, entry, all);
    buf_clear(&frame);
    message_append_sse(&frame, &message);
    assert_int_equal(occurrences(&frame, "event:"), 0);
    assert_memory_equal(frame.data, "id: 42\ndata: {\"id\":42,", 22);
    buf_free(&frame);
    buf_free(&fields);
    eventlog_destroy(&log);
}

/* Who may not see its columns may see that it came again: the id of SSE says so as well. */
static void an_event_that_came_again_says_so_to_everybody(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(4, SIZE_MAX, render_event_free);
    struct buf fields = {0};
    mp_put_map(&fields, 5);
    mp_put_text(&fields, "id");
    mp_put_text(&fields, "shop-7");
    mp_put_text(&fields, "timestamp");
    mp_put_text(&fields, "2026-11-23T05:12:01.220Z");
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "a");
    mp_put_text(&fields, "region");
    mp_put_text(&fields, "west");
    mp_put_text(&fields, "redelivered");
    mp_put_uint(&fields, 1795411920123);
    struct eventlog_entry *entry =
        eventlog_append(log, 0, 1, event_id_of_text(STR("shop-7")), buf_str(&fields),
                        (wall_time){0}, (wall_time){0});
    const struct view *view = view_of("*", "*", "x");
    const struct message narrowed = render_event(entry, lens_of(view, VIEW_EVENTS, STR("a")));
    assert_str(narrowed.id, "shop-7~1795411920123");
    assert_str(narrowed.json, "{\"id\":\"shop-7\",\"timestamp\":\"2026-11-23T05:12:01.220Z\","
                              "\"event_type\":\"a\",\"actor_id\":null,\"target_id\":null,"
                              "\"summary\":null,\"redelivered\":1795411920123}");
    view_release(&view);
    buf_free(&fields);
    eventlog_destroy(&log);
}

/* A field of SSE ends with its line: a type must not begin another one. */
static void no_type_breaks_out_of_its_line(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 65536, 4);
    world_event(&w, 1, "evil\n\ndata: {}\r");
    struct eventlog_entry *entry = eventlog_at(w.events, 0);
    struct buf frame = {0};
    const struct message event = render_event(entry, all);
    message_append_sse(&frame, &event);
    assert_memory_equal(frame.data, "id: 1\nevent: evil__data: {}_\ndata: {", 36);
    const struct str json = event.json;
    assert_int_equal(json.p[0], '{');
    assert_int_equal(json.p[json.len - 1], '}');
    assert_null(memchr(json.p, '\n', json.len));
    buf_free(&frame);
    world_finish(&w);
}

static void a_tile_is_rendered_once_per_change(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 65536, 4);
    world_set(&w, "orders.open", 42, 1);
    const struct tile *tile = store_get(w.store, STR("orders.open"));
    const struct rendering *rendered = render_tile(tile, all);
    assert_ptr_equal(render_tile(tile, all), rendered);
    assert_str(render_tile_json(rendered),
               "{\"key\":\"orders.open\",\"type\":\"count\",\"version\":\"7-1\","
               "\"as_of\":{\"position\":\"1\",\"time\":\"1970-01-01T00:00:00.000Z\"},"
               "\"updated_at\":\"2023-11-14T22:13:20.000Z\",\"ttl_ms\":60000,\"stale\":false,"
               "\"data\":{\"value\":42,\"pad\":\"x\"}}");
    const struct message message = render_tile_message(tile, rendered);
    struct buf text = {0};
    struct buf chunk = {0};
    message_append_sse(&text, &message);
    assert_memory_equal(text.data, "id: 7-1\nevent: tile\ndata: {", 27);
    coding_append(&chunk, CODING_CHUNKED, buf_str(&text), NULL);
    assert_true(str_equal(blob_str(rendered->frame), buf_str(&chunk)));
    buf_free(&text);
    buf_free(&chunk);
    struct blob *old = blob_ref(rendered->frame);
    world_patch(&w, "orders.open", 43);
    rendered = render_tile(tile, all);
    assert_true(rendered->frame != old);
    assert_non_null(memmem(rendered->frame->data, rendered->frame->len, "\"value\":43", 10));
    assert_non_null(memmem(old->data, old->len, "\"value\":42", 10)); /* still being sent */
    blob_unref(&old);
    world_finish(&w);
}

/* The ETag is made of what is the same on every gateway. */
static void etags_follow_version_and_staleness(void **state)
{
    (void)state;
    struct world w;
    char text[RENDER_ETAG_SIZE];
    world_init(&w, 65536, 4);
    world_set(&w, "a", 1, 1);
    const struct tile *tile = store_get(w.store, STR("a"));
    assert_string_equal(render_etag(tile, all, text), "W/\"7-1\"");
    store_expire(w.store, (mono_time){w.now.us + 61000000});
    assert_true(tile->stale);
    assert_string_equal(render_etag(tile, all, text), "W/\"7-1-stale\"");
    const struct rendered_tile *rendered = tile->cache;
    assert_true(rendered->restated);
    world_set(&w, "a", 2, 1);
    assert_string_equal(render_etag(tile, all, text), "W/\"7-2\"");
    rendered = tile->cache;
    assert_false(rendered->restated);
    world_finish(&w);
}

/* Each lens has its rendering and its ETag, and leaves the others' alone. */
static void who_may_not_see_all_fields_gets_another_rendering(void **state)
{
    (void)state;
    struct world w;
    char texts[3][RENDER_ETAG_SIZE];
    world_init(&w, 65536, 4);
    world_set(&w, "a", 1, 1);
    const struct tile *tile = store_get(w.store, STR("a"));
    const struct view *view = view_of("*", "*", "x");
    const struct view *equal = view_of("a", "", "x");
    const struct lens lens = lens_of(view, VIEW_TILES, STR("a"));
    const struct rendering *narrowed = render_tile(tile, lens);
    const struct rendering *whole = render_tile(tile, all);
    assert_non_null(strstr(narrowed->frame->data, "\"data\":{\"value\":1}}"));
    assert_non_null(strstr(whole->frame->data, "\"data\":{\"value\":1,\"pad\":\"x\"}}"));
    assert_ptr_equal(render_tile(tile, lens_of(equal, VIEW_TILES, STR("a"))), narrowed);
    assert_string_equal(render_etag(tile, lens, texts[0]),
                        render_etag(tile, lens_of(equal, VIEW_TILES, STR("a")), texts[1]));
    assert_string_not_equal(texts[0], render_etag(tile, all, texts[2]));
    view_release(&view);
    view_release(&equal);
    world_finish(&w);
}

static void an_event_is_narrowed_and_its_memory_counts(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 65536, 4);
    world_event(&w, 1, "a");
    struct eventlog_entry *entry = eventlog_at(w.events, 0);
    static const char *const fields[] = {"a", "b", "c", "d", "e", "f"};
    size_t bytes[6];
    for (size_t i = 0; i < 6; i++) {
        const struct view *view = view_of("*", "*", fields[i]);
        const struct message event = render_event(entry, lens_of(view, VIEW_EVENTS, STR("a")));
        assert_str(event.json, "{\"id\":1,\"timestamp\":\"2026-11-23T05:12:01.220Z\","
                               "\"event_type\":\"a\",\"actor_id\":null,\"target_id\":null,"
                               "\"summary\":null}");
        assert_str(event.id, "1");
        bytes[i] = eventlog_bytes(w.events);
        view_release(&view);
    }
    assert_true(bytes[1] > bytes[0] && bytes[NARROWED_MAX - 1] > bytes[1]);
    assert_int_equal(bytes[5], bytes[NARROWED_MAX - 1]); /* what is dropped does not count */
    world_finish(&w);
}

static void heartbeats_tell_the_lag(void **state)
{
    (void)state;
    struct buf json = {0};
    struct buf out = {0};
    struct message message = render_heartbeat(&json, (wall_time){1700000001500000},
                                              (wall_time){1700000000000000}, "0123456789ab");
    message_append_sse(&out, &message);
    assert_str(
        buf_str(&out),
        "event: heartbeat\ndata: {\"now\":\"2023-11-14T22:13:21.500Z\","
        "\"as_of\":\"2023-11-14T22:13:20.000Z\",\"lag_ms\":1500,\"page\":\"0123456789ab\"}\n\n");
    buf_clear(&out);
    message =
        render_heartbeat(&json, (wall_time){1700000001500000}, (wall_time){0}, "0123456789ab");
    message_append_sse(&out, &message);
    assert_str(buf_str(&out),
               "event: heartbeat\ndata: "
               "{\"now\":\"2023-11-14T22:13:21.500Z\",\"page\":\"0123456789ab\"}\n\n");
    buf_free(&json);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_as_f18_wants_it),
        cmocka_unit_test(an_event_that_came_again_says_so_to_everybody),
        cmocka_unit_test(no_type_breaks_out_of_its_line),
        cmocka_unit_test(a_tile_is_rendered_once_per_change),
        cmocka_unit_test(etags_follow_version_and_staleness),
        cmocka_unit_test(who_may_not_see_all_fields_gets_another_rendering),
        cmocka_unit_test(an_event_is_narrowed_and_its_memory_counts),
        cmocka_unit_test(heartbeats_tell_the_lag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
