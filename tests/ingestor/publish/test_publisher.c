/* SPDX-License-Identifier: Apache-2.0 */
/* What the publisher says of a tile, of an event, and every second. */
#include "tests/unit.h"

#include "common/codec/json.h"
#include "ingestor/publish/publisher.h"

#define EPOCH 7

struct world {
    struct config *config;
    struct publisher *publisher;
    struct moment now;
    size_t messages;
    struct wire_header header; /* of the last message, as is what follows */
    struct wire_tile tile;
    struct wire_heartbeat heartbeat;
    struct mp_doc doc;
    struct buf frames[WIRE_FRAMES];
};

static void take_message(void *arg, const struct str frames[WIRE_FRAMES])
{
    struct world *w = arg;
    w->messages++;
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_clear(&w->frames[i]);
        buf_append_str(&w->frames[i], frames[i]);
    }
    const struct str body = buf_str(&w->frames[2]);
    assert_int_equal(wire_decode_header(buf_str(&w->frames[0]), buf_str(&w->frames[1]), &w->header),
                     STATUS_OK);
    if (w->header.kind == WIRE_TILE) {
        assert_int_equal(wire_decode_tile(&w->header, &w->doc, body, &w->tile), STATUS_OK);
    } else if (w->header.kind == WIRE_HEARTBEAT) {
        assert_int_equal(wire_decode_heartbeat(&w->header, &w->doc, body, &w->heartbeat),
                         STATUS_OK);
    }
}

static void world_init(struct world *w)
{
    static const char text[] = "source: {uri: \"sqlite:x.db\"}\n"
                               "tiles: [{key: a, type: count}, {key: b, type: count}]\n";
    struct error err = {{0}};
    *w = (struct world){.now = {{INT64_C(1795411920000000)}, {1000000}}};
    mp_doc_init(&w->doc);
    if (config_parse(text, sizeof text - 1, "test.yaml", &w->config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    w->publisher = publisher_create(w->config, take_message, w);
    publisher_begin(w->publisher, EPOCH);
    publisher_set_position(w->publisher, 40, 5);
}

static void world_finish(struct world *w)
{
    publisher_destroy(&w->publisher);
    config_destroy(&w->config);
    mp_doc_free(&w->doc);
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&w->frames[i]);
    }
}

/* The fold hands out a tile with that value; NULL: it is removed. Returns how many messages went
 * out. */
static size_t hand_out(struct world *w, const char *key, const char *json, bool keyframe)
{
    struct buf value = {0};
    const size_t before = w->messages;
    if (json != NULL) {
        struct json_value *parsed;
        assert_int_equal(json_parse(str_of(json), SIZE_MAX, &parsed), STATUS_OK);
        json_to_mp(&value, parsed);
        json_free(parsed);
    }
    const struct fold_output output = {.key = str_of(key),
                                       .config = &w->config->tiles[0],
                                       .removed = json == NULL,
                                       .keyframe = keyframe,
                                       .value = buf_str(&value)};
    publisher_tile(w->publisher, &output, w->now);
    buf_free(&value);
    return w->messages - before;
}

static void assert_version(struct version version, uint64_t sequence)
{
    assert_int_equal(version.epoch, EPOCH);
    assert_int_equal(version.seq, sequence);
}

static void a_new_tile_is_sent_whole(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(hand_out(&w, "a", "{\"x\":1,\"y\":2}", false), 1);
    assert_true(w.tile.keyframe);
    assert_false(w.tile.removed);
    assert_int_equal(mp_count(w.tile.value), 2);
    assert_version(w.header.version, 1);
    assert_version(w.tile.version, 1);
    assert_true(str_is(w.tile.position, "40"));
    assert_int_equal(publisher_counters(w.publisher)->deltas, 1);
    world_finish(&w);
}

static void a_changed_tile_is_sent_as_a_patch_on_what_is_known(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    int64_t x;
    (void)hand_out(&w, "a", "{\"x\":1,\"y\":2}", false);
    assert_int_equal(hand_out(&w, "a", "{\"x\":3,\"y\":2}", false), 1);
    assert_false(w.tile.keyframe);
    assert_version(w.tile.base, 1);
    assert_version(w.tile.version, 2);
    assert_int_equal(mp_count(w.tile.value), 1);
    assert_true(mp_as_int(mp_get(w.tile.value, "x"), &x));
    assert_int_equal(x, 3);
    assert_int_equal(hand_out(&w, "a", "{\"x\":4,\"y\":2}", true), 1);
    assert_true(w.tile.keyframe);
    assert_version(w.tile.version, 3);
    assert_int_equal(mp_count(w.tile.value), 2);
    assert_int_equal(publisher_counters(w.publisher)->deltas, 3);
    world_finish(&w);
}

static void a_tile_that_is_the_same_is_refreshed_under_its_version_or_not_sent(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    (void)hand_out(&w, "a", "{\"x\":1}", false);
    assert_int_equal(hand_out(&w, "a", "{\"x\":1}", false), 0);
    assert_int_equal(publisher_counters(w.publisher)->unchanged, 1);
    assert_int_equal(hand_out(&w, "a", "{\"x\":1}", true), 1);
    assert_true(w.tile.keyframe);
    assert_version(w.header.version, 2); /* the message has a number of its own */
    assert_version(w.tile.version, 1);
    assert_int_equal(publisher_counters(w.publisher)->keyframes, 1);
    world_finish(&w);
}

/* Rows come all the time, none changes what is shown, and so the fold never finds the tile quiet.
 */
static void a_busy_tile_that_stays_the_same_is_refreshed(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const int64_t third_us = w.config->tiles[0].ttl_ms * US_PER_MS / 3;
    (void)hand_out(&w, "a", "{\"x\":1}", false);
    for (int round = 1; round <= 3; round++) {
        w.now.mono.us += third_us - 1;
        assert_int_equal(hand_out(&w, "a", "{\"x\":1}", false), 0);
        w.now.mono.us += 1;
        assert_int_equal(hand_out(&w, "a", "{\"x\":1}", false), 1);
        assert_true(w.tile.keyframe);
        assert_version(w.tile.version, 1);
        assert_int_equal(publisher_counters(w.publisher)->keyframes, round);
    }
    world_finish(&w);
}

/* Only so a refresh costs little: the bytes alone tell that nothing is new. */
static void what_is_known_of_a_tile_has_the_bytes_that_the_fold_wrote(void **state)
{
    (void)state;
    static const char *const values[] = {
        "{\"x\":{\"y\":1},\"z\":[1.5,\"t\"]}",
        "{\"x\":{\"y\":2},\"z\":[1.5,\"t\"]}",
        "{\"x\":{\"y\":2,\"n\":{}},\"z\":[70000]}",
    };
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buf value = {0};
        struct json_value *parsed;
        assert_int_equal(hand_out(&w, "a", values[i], false), 1);
        assert_int_equal(json_parse(str_of(values[i]), SIZE_MAX, &parsed), STATUS_OK);
        json_to_mp(&value, parsed);
        json_free(parsed);
        const struct tile *tile = store_get(publisher_store(w.publisher), STR("a"));
        assert_true(str_equal(blob_str(tile->value), buf_str(&value)));
        buf_free(&value);
    }
    int64_t z;
    assert_int_equal(hand_out(&w, "a", values[2], true), 1);
    assert_true(w.tile.keyframe);
    assert_true(mp_as_int(mp_at(mp_get(w.tile.value, "z"), 0), &z));
    assert_int_equal(z, 70000);
    world_finish(&w);
}

static void a_removal_is_sent_once_and_only_of_what_was_known(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(hand_out(&w, "a", NULL, true), 0);
    (void)hand_out(&w, "a", "{\"x\":1}", false);
    assert_int_equal(hand_out(&w, "a", NULL, true), 1);
    assert_true(w.tile.removed);
    assert_int_equal(hand_out(&w, "a", NULL, true), 0);
    assert_int_equal(store_count(publisher_store(w.publisher)), 0);
    assert_int_equal(hand_out(&w, "a", "{\"x\":1}", false), 1); /* and it may come back */
    assert_true(w.tile.keyframe);
    world_finish(&w);
}

static void what_a_rebuild_did_not_publish_is_swept(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    (void)hand_out(&w, "a", "{\"x\":1}", false);
    (void)hand_out(&w, "b", "{\"x\":1}", false);
    const uint32_t mark = publisher_mark(w.publisher);
    (void)hand_out(&w, "b", "{\"x\":1}", true);
    const size_t before = w.messages;
    publisher_sweep(w.publisher, mark, w.now);
    assert_int_equal(w.messages, before + 1);
    assert_true(w.tile.removed);
    assert_true(str_is(w.tile.key, "a"));
    assert_non_null(store_get(publisher_store(w.publisher), STR("b")));
    world_finish(&w);
}

static void an_event_is_kept_and_sent_unless_silent_or_known(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    struct event event = {.id = {.number = 41},
                          .ordinal = 41,
                          .timestamp = w.now.wall,
                          .arrival = w.now.wall,
                          .event_type = STR("made"),
                          .payload = STR("no json")};
    publisher_event(w.publisher, &event, w.now, true);
    assert_int_equal(w.messages, 0);
    assert_int_equal(eventlog_last(publisher_events(w.publisher)), 41);
    publisher_event(w.publisher, &event, w.now, false);
    assert_int_equal(w.messages, 0);
    event.id.number = 42;
    event.ordinal = 42;
    publisher_event(w.publisher, &event, w.now, false);
    assert_int_equal(w.messages, 1);
    assert_int_equal(w.header.kind, WIRE_EVENT);
    assert_int_equal(publisher_counters(w.publisher)->events, 1);
    assert_int_equal(eventlog_count(publisher_events(w.publisher)), 2);
    publisher_set_position(w.publisher, 1, 6); /* the table began anew */
    assert_int_equal(eventlog_count(publisher_events(w.publisher)), 0);
    world_finish(&w);
}

static void a_heartbeat_tells_the_last_version_and_takes_none(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    (void)hand_out(&w, "a", "{\"x\":1}", false);
    publisher_heartbeat(w.publisher, true, w.now);
    assert_int_equal(w.messages, 2);
    assert_int_equal(w.header.kind, WIRE_HEARTBEAT);
    assert_version(w.header.version, 1);
    assert_int_equal(w.heartbeat.ordinal, 40);
    assert_int_equal(w.heartbeat.origin, 5);
    assert_true(w.heartbeat.caught_up);
    assert_version(publisher_last_version(w.publisher, 0), 1);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_tile_is_sent_whole),
        cmocka_unit_test(a_changed_tile_is_sent_as_a_patch_on_what_is_known),
        cmocka_unit_test(a_tile_that_is_the_same_is_refreshed_under_its_version_or_not_sent),
        cmocka_unit_test(a_busy_tile_that_stays_the_same_is_refreshed),
        cmocka_unit_test(what_is_known_of_a_tile_has_the_bytes_that_the_fold_wrote),
        cmocka_unit_test(a_removal_is_sent_once_and_only_of_what_was_known),
        cmocka_unit_test(what_a_rebuild_did_not_publish_is_swept),
        cmocka_unit_test(an_event_is_kept_and_sent_unless_silent_or_known),
        cmocka_unit_test(a_heartbeat_tells_the_last_version_and_takes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
