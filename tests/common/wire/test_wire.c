/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/wire.h"

#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/codec/mp_patch.h"
#include "tests/unit.h"

struct message {
    struct buf frames[WIRE_FRAMES];
    struct mp_doc doc;
};

static void message_init(struct message *m)
{
    *m = (struct message){0};
    mp_doc_init(&m->doc);
}

static void message_free(struct message *m)
{
    for (int i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&m->frames[i]);
    }
    mp_doc_free(&m->doc);
}

static int decode_header(const struct message *m, struct wire_header *out)
{
    return wire_decode_header(buf_str(&m->frames[0]), buf_str(&m->frames[1]), out);
}

static void test_tile_round_trip(void **state)
{
    (void)state;
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc,
                              "\x81\xa4"
                              "data\x80",
                              7),
                     STATUS_OK);
    const struct wire_tile tile = {
        .key = STR("orders.open/eu%20west"),
        .version = {7, 42},
        .base = {6, 41},
        .value = &doc.root,
        .ttl_ms = 60000,
        .grace_ms = 0,
        .position = STR("1042"),
        .as_of = {123},
        .arrival = {99},
        .source = {98},
        .tally = {true, 12, UINT64_MAX},
    };
    struct message m;
    message_init(&m);
    wire_encode_tile(m.frames, 3, (struct version){7, 42}, (wall_time){456}, &tile);
    assert_string_equal(buf_cstr(&m.frames[0]), "tile.3.orders.open/eu%20west");

    struct wire_header header;
    struct wire_tile back;
    assert_int_equal(decode_header(&m, &header), STATUS_OK);
    assert_int_equal(header.kind, WIRE_TILE);
    assert_int_equal(header.lane, 3);
    assert_int_equal(header.version.epoch, 7);
    assert_int_equal(header.version.seq, 42);
    assert_int_equal(header.published_at.us, 456);
    assert_int_equal(wire_decode_tile(&header, &m.doc, buf_str(&m.frames[2]), &back), STATUS_OK);
    assert_true(str_equal(back.key, tile.key));
    assert_false(back.keyframe || back.removed);
    assert_int_equal(version_compare(back.base, tile.base), 0);
    assert_true(mp_equal(back.value, tile.value, 0));
    assert_int_equal(back.ttl_ms, 60000);
    assert_true(str_is(back.position, "1042"));
    assert_int_equal(back.as_of.us, 123);
    assert_int_equal(back.arrival.us, 99);
    assert_int_equal(back.source.us, 98);
    assert_true(tally_equal(&back.tally, &tile.tally));
    message_free(&m);
    mp_doc_free(&doc);
}

static void encode_removal(struct message *m)
{
    const struct wire_tile tile = {
        .key = STR("a.b"), .keyframe = true, .removed = true, .ttl_ms = 1000, .position = STR("1")};
    message_init(m);
    wire_encode_tile(m->frames, 0, (struct version){1, 1}, (wall_time){1}, &tile);
}

static void test_removal_round_trip(void **state)
{
    (void)state;
    struct message m;
    encode_removal(&m);
    struct wire_header header;
    struct wire_tile back;
    assert_int_equal(decode_header(&m, &header), STATUS_OK);
    assert_int_equal(wire_decode_tile(&header, &m.doc, buf_str(&m.frames[2]), &back), STATUS_OK);
    assert_true(back.keyframe && back.removed);
    assert_null(back.value);
    message_free(&m);
}

static void test_a_refresh_repeats_the_version(void **state)
{
    (void)state;
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, "\x80", 1), STATUS_OK);
    const struct wire_tile tile = {.key = STR("a"),
                                   .version = {1, 5},
                                   .keyframe = true,
                                   .value = &doc.root,
                                   .ttl_ms = 1000,
                                   .position = STR("1")};
    struct message m;
    message_init(&m);
    wire_encode_tile(m.frames, 0, (struct version){2, 9}, (wall_time){1}, &tile);
    struct wire_header header;
    struct wire_tile back;
    assert_int_equal(decode_header(&m, &header), STATUS_OK);
    assert_int_equal(header.version.seq, 9);
    assert_int_equal(wire_decode_tile(&header, &m.doc, buf_str(&m.frames[2]), &back), STATUS_OK);
    assert_int_equal(version_compare(back.version, tile.version), 0);
    /* A version from the future of its own message is a lie. */
    header.version = (struct version){1, 4};
    assert_int_equal(wire_decode_tile(&header, &m.doc, buf_str(&m.frames[2]), &back),
                     STATUS_INVALID);
    message_free(&m);
    mp_doc_free(&doc);
}

static void test_event_round_trip(void **state)
{
    (void)state;
    struct buf fields = {0};
    mp_put_map(&fields, 3);
    mp_put_text(&fields, "id");
    mp_put_int(&fields, 42);
    mp_put_text(&fields, "timestamp");
    mp_put_text(&fields, "1970-01-01T00:00:01.500Z");
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "order created");
    struct message m;
    message_init(&m);
    wire_encode_event(m.frames, (struct version){1, 2}, (wall_time){3}, 43, 5, (wall_time){6},
                      STR("order created"), buf_str(&fields));
    assert_string_equal(buf_cstr(&m.frames[0]), "event.0.order_created");
    struct wire_header header;
    struct wire_event event;
    assert_int_equal(decode_header(&m, &header), STATUS_OK);
    assert_int_equal(wire_decode_event(&header, &m.doc, buf_str(&m.frames[2]), &event), STATUS_OK);
    assert_int_equal(event.ordinal, 43);
    assert_int_equal(event.origin, 5);
    assert_int_equal(event.id.number, 42);
    assert_int_equal(event.arrival.us, 6);
    assert_int_equal(event.timestamp.us, 1500000);
    assert_true(str_is(event.event_type, "order created"));
    message_free(&m);
    buf_free(&fields);
}

static void test_beat_round_trip(void **state)
{
    (void)state;
    struct lag lag = {0};
    lag_add(&lag, STR("orders-1"), 6);
    struct sources_up sources = {.count = 0};
    sources_up_add(&sources, STR("shop"), true);
    const struct wire_heartbeat beat = {
        .position = STR("43"),
        .as_of = {7},
        .origin = 5,
        .ordinal = 43,
        .clocks = {true, -90000000, true, 1500, 250, 3, true},
        .caught_up = true,
        .lag = &lag,
        .sources = &sources,
    };
    struct message m;
    message_init(&m);
    wire_encode_heartbeat(m.frames, 63, (struct version){1, 2}, (wall_time){3}, &beat);
    struct wire_header header;
    struct wire_heartbeat back;
    assert_int_equal(decode_header(&m, &header), STATUS_OK);
    assert_int_equal(header.lane, 63);
    assert_int_equal(wire_decode_heartbeat(&header, &m.doc, buf_str(&m.frames[2]), &back),
                     STATUS_OK);
    assert_int_equal(back.ordinal, 43);
    assert_int_equal(back.origin, 5);
    assert_int_equal(back.as_of.us, 7);
    assert_true(back.clocks.database_known && back.clocks.rows_known && back.clocks.held);
    assert_int_equal(back.clocks.database_ahead_us, -90000000);
    assert_int_equal(back.clocks.row_age_us, 1500);
    assert_int_equal(back.clocks.rows_ahead_us, 250);
    assert_int_equal(back.clocks.steps, 3);
    assert_true(back.caught_up);
    lag_read(back.lag_map, &lag);
    assert_int_equal(lag.messages, 6);
    assert_string_equal(lag.worst[0].name, "orders-1");
    sources_up_read(back.sources_map, &sources);
    assert_int_equal(sources.count, 1);
    assert_true(sources.list[0].up);
    message_free(&m);
}

static int decode_beat(const char *json, struct message *m, struct wire_heartbeat *out)
{
    struct wire_header header;
    struct json_value *body;
    message_init(m);
    buf_append_text(&m->frames[0], "beat.0");
    buf_append_str(&m->frames[1], STR("\x94\x01\x01\x01\x01"));
    assert_int_equal(json_parse(str_of(json), 1000, &body), STATUS_OK);
    json_to_mp(&m->frames[2], body);
    json_free(body);
    assert_int_equal(decode_header(m, &header), STATUS_OK);
    return wire_decode_heartbeat(&header, &m->doc, buf_str(&m->frames[2]), out);
}

static void test_a_beat_needs_no_clocks(void **state)
{
    (void)state;
    static const char *const without[] = {
        "{\"s\":\"1\",\"w\":7,\"o\":5,\"n\":1}", /* of an older ingestor */
        "{\"s\":\"1\",\"w\":7,\"o\":5,\"n\":1,\"c\":{}}",
        ("{\"s\":\"1\",\"w\":7,\"o\":5,\"n\":1,\"c\":{\"d\":\"x\",\"r\":0.5,\"f\":{},\"j\":-1,"
         "\"h\":1}}"),
        "{\"s\":\"1\",\"w\":7,\"o\":5,\"n\":1,\"c\":[1]}",
    };
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct message m;
        struct wire_heartbeat beat;
        assert_int_equal(decode_beat(without[i], &m, &beat), STATUS_OK);
        assert_int_equal(beat.as_of.us, 7);
        assert_false(beat.clocks.database_known || beat.clocks.rows_known || beat.clocks.held);
        assert_int_equal(beat.clocks.rows_ahead_us, 0);
        assert_int_equal(beat.clocks.steps, 0);
        message_free(&m);
    }
}

static void test_refuses_other_topics_and_headers(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",       "beat.",     "beat.0.x",  "beat.64", "beat.-1",
                                        "tile.1", "tiles.0.x", "beat.1111", "BEAT.0",  "tile.0x"};
    const struct str fine = STR("\x94\x01\x01\x01\x01");
    struct wire_header header;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(wire_decode_header(str_of(wrong[i]), fine, &header), STATUS_INVALID);
    }
    const struct str topic = STR("beat.0");
    assert_int_equal(wire_decode_header(topic, fine, &header), STATUS_OK);
    /* Another protocol version, and one member too few. */
    assert_int_equal(wire_decode_header(topic, STR("\x94\x02\x01\x01\x01"), &header),
                     STATUS_INVALID);
    assert_int_equal(wire_decode_header(topic, STR("\x93\x01\x01\x01"), &header), STATUS_INVALID);
    /* More than we know of comes from a later revision. */
    assert_int_equal(wire_decode_header(topic, STR("\x95\x01\x01\x01\x01\x01"), &header),
                     STATUS_OK);
}

static void test_mutated_messages_do_no_harm(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    for (int round = 0; round < 20000; round++) {
        struct message m;
        encode_removal(&m);
        for (int i = rand_r(&seed) % 3; i >= 0; i--) {
            struct buf *frame = &m.frames[rand_r(&seed) % WIRE_FRAMES];
            frame->data[(size_t)rand_r(&seed) % frame->len] = (char)rand_r(&seed);
        }
        struct wire_header header;
        struct wire_tile back;
        if (decode_header(&m, &header) == STATUS_OK &&
            wire_decode_tile(&header, &m.doc, buf_str(&m.frames[2]), &back) == STATUS_OK) {
            assert_true(wire_key_valid(back.key));
            assert_true(back.removed || mp_is_map(back.value));
        }
        message_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tile_round_trip),
        cmocka_unit_test(test_removal_round_trip),
        cmocka_unit_test(test_a_refresh_repeats_the_version),
        cmocka_unit_test(test_event_round_trip),
        cmocka_unit_test(test_beat_round_trip),
        cmocka_unit_test(test_a_beat_needs_no_clocks),
        cmocka_unit_test(test_refuses_other_topics_and_headers),
        cmocka_unit_test(test_mutated_messages_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
