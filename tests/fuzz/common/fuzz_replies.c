/* SPDX-License-Identifier: Apache-2.0 */
/* Replies to queries: one that is read and written again says the same. Input: the reply. */
#include "common/base/error.h"
#include "common/replica/answer.h"
#include "tests/fuzz/fuzz.h"

/* A map as bytes, which writers want and readers do not give. */
static struct str bytes_of(const mp_value *map, struct buf *out)
{
    buf_clear(out);
    if (map != NULL) {
        mp_put_value(out, map);
    }
    return map != NULL ? buf_str(out) : STR_NULL;
}

static void put_tiles(struct buf *out, struct answer_array *array, const mp_value *tiles,
                      bool (*read)(const mp_value *entry, struct answer_tile *tile))
{
    struct buf value = {0};
    struct answer_tile tile;
    for (size_t i = 0; i < mp_count(tiles); i++) {
        if (read(mp_at(tiles, i), &tile)) {
            tile.value.bytes = bytes_of(tile.value.parsed, &value);
            answer_put_tile(out, &tile);
            array->count++;
        }
    }
    buf_free(&value);
}

static void put_events(struct buf *out, struct answer_array *array, const mp_value *events)
{
    struct buf fields = {0};
    struct answer_event event;
    for (size_t i = 0; i < mp_count(events); i++) {
        if (answer_read_event(mp_at(events, i), &event)) {
            event.fields.bytes = bytes_of(event.fields.parsed, &fields);
            answer_put_event(out, &event);
            array->count++;
        }
    }
    buf_free(&fields);
}

/* Each reads a reply of its kind, and appends it to `out`; false when it is none. */
static bool error_again(const mp_value *reply, struct buf *out)
{
    struct answer_error error;
    const bool read = answer_read_error(reply, &error);
    if (read) {
        answer_put_error(out, &error);
    }
    return read;
}

static bool ping_again(const mp_value *reply, struct buf *out)
{
    struct answer_ping ping;
    const bool read = answer_read_ping(reply, &ping);
    if (read) {
        answer_put_ping(out, &ping);
    }
    return read;
}

static bool stats_again(const mp_value *reply, struct buf *out)
{
    struct answer_stats stats;
    struct buf map = {0};
    const bool read = answer_read_stats(reply, &stats);
    if (read) {
        stats.stats.bytes = bytes_of(stats.stats.parsed, &map);
        answer_put_stats(out, &stats);
    }
    buf_free(&map);
    return read;
}

static bool found_again(const mp_value *reply, struct buf *out)
{
    struct answer_found found;
    struct answer_array array = {0};
    struct buf tiles = {0};
    const bool read = answer_read_found(reply, &found);
    if (read) {
        put_tiles(&tiles, &array, found.tiles, answer_read_tile);
        answer_put_found(out, found.answered, buf_str(&tiles), array.count);
    }
    buf_free(&tiles);
    return read;
}

static bool list_again(const mp_value *reply, struct buf *out)
{
    struct answer_list list;
    const bool read = answer_read_list(reply, &list);
    if (read) {
        struct answer_array array = answer_begin_list(out);
        put_tiles(out, &array, list.tiles, answer_read_listed_tile);
        answer_end_list(out, array, list.more);
    }
    return read;
}

static bool snapshot_again(const mp_value *reply, struct buf *out)
{
    struct answer_snapshot page;
    const bool read = answer_read_snapshot(reply, &page);
    if (read) {
        struct answer_array array =
            answer_begin_snapshot(out, &page.standing, page.forgotten, page.restart);
        put_tiles(out, &array, page.tiles, answer_read_tile);
        answer_end_page(out, array, page.next, page.more);
    }
    return read;
}

static bool events_again(const mp_value *reply, struct buf *out)
{
    struct answer_events page;
    const bool read = answer_read_events(reply, &page);
    if (read) {
        struct answer_array array =
            answer_begin_events(out, &page.standing, page.floor, page.generation);
        put_events(out, &array, page.events);
        answer_end_page(out, array, page.next, page.more);
    }
    return read;
}

static bool again(bool (*kind)(const mp_value *reply, struct buf *out), struct str bytes,
                  struct buf *out)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    const bool read = mp_parse(&doc, bytes.p, bytes.len) == STATUS_OK && kind(&doc.root, out);
    mp_doc_free(&doc);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool (*const kinds[])(const mp_value *reply, struct buf *out) = {
        error_again, ping_again,     stats_again, found_again,
        list_again,  snapshot_again, events_again};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct buf once = {0};
        struct buf twice = {0};
        if (again(kinds[i], fuzz_text(data, len), &once)) {
            fuzz_took();
            FUZZ_CHECK(again(kinds[i], buf_str(&once), &twice));
        }
        fuzz_check_same(&once, &twice);
        buf_free(&twice);
        buf_free(&once);
    }
    return 0;
}
