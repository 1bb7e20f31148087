/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer/follow.h"

#include <string.h>

#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/wire/event_json.h"
#include "ctl/base/print.h"

void follow_init(struct follow *follow, const char *prefix, bool events, FILE *out)
{
    *follow = (struct follow){.prefix = prefix, .events = events, .out = out};
    mp_doc_init(&follow->doc);
}

void follow_finish(struct follow *follow)
{
    mp_doc_free(&follow->doc);
}

static void print_line(struct follow *follow, struct buf *line)
{
    print_json(follow->out, buf_str(line));
    fputc('\n', follow->out);
    follow->lines++;
    buf_free(line);
}

/* ---- Gaps ---- */

static void print_gap(struct follow *follow, unsigned lane, uint64_t epoch, uint64_t first,
                      uint64_t last)
{
    char from[VERSION_TEXT_SIZE];
    char to[VERSION_TEXT_SIZE];
    struct buf line = {0};
    const unsigned long long missed = last - first + 1;
    buf_printf(&line, "{\"gap\":{\"lane\":%u,\"first\":\"%s\",\"last\":\"%s\",\"missed\":%llu}}",
               lane, version_format((struct version){epoch, first}, from),
               version_format((struct version){epoch, last}, to), missed);
    print_line(follow, &line);
}

static void print_epoch(struct follow *follow, unsigned lane, struct version before,
                        struct version now)
{
    char from[VERSION_TEXT_SIZE];
    char to[VERSION_TEXT_SIZE];
    struct buf line = {0};
    buf_printf(&line, "{\"epoch\":{\"lane\":%u,\"before\":\"%s\",\"now\":\"%s\"}}", lane,
               version_format(before, from), version_format(now, to));
    print_line(follow, &line);
}

/* Announces what is missing before the message. False when the message is older than what was heard
 * last in its lane, or the same. */
static bool advance(struct follow *follow, const struct wire_header *header)
{
    struct version *last = &follow->last[header->lane];
    const struct version now = header->version;
    /* A heartbeat has no sequence of its own: it names the last message, which is missing if it was
     * not heard. */
    const uint64_t carried = header->kind != WIRE_HEARTBEAT;
    if (last->epoch != 0) {
        if (version_compare(now, *last) < 0 || (carried && version_compare(now, *last) == 0)) {
            return false;
        }
        uint64_t next = last->seq + 1;
        if (now.epoch != last->epoch) {
            print_epoch(follow, header->lane, *last, now);
            next = 1;
        }
        if (now.seq >= next + carried) {
            print_gap(follow, header->lane, now.epoch, next, now.seq - carried);
        }
    }
    *last = now;
    return true;
}

/* ---- Lines ---- */

static void put_time(struct buf *line, const char *name, wall_time time)
{
    char text[WALL_TEXT_SIZE];
    buf_printf(line, ",\"%s\":\"%s\"", name, wall_format(time, text));
}

static void print_tile(struct follow *follow, const struct wire_header *header, struct str body)
{
    struct wire_tile tile;
    char version[VERSION_TEXT_SIZE];
    struct buf line = {0};
    const size_t prefix_len = strlen(follow->prefix);
    if (header->name.len < prefix_len || memcmp(header->name.p, follow->prefix, prefix_len) != 0) {
        return;
    }
    if (wire_decode_tile(header, &follow->doc, body, &tile) != STATUS_OK) {
        follow->malformed++;
        return;
    }
    buf_append_text(&line, "{\"key\":");
    json_write_string(&line, tile.key);
    buf_printf(&line, ",\"version\":\"%s\"", version_format(tile.version, version));
    if (!tile.keyframe) {
        buf_printf(&line, ",\"base\":\"%s\"", version_format(tile.base, version));
    }
    buf_append_text(&line, ",\"as_of\":{\"position\":");
    json_write_string(&line, tile.position);
    put_time(&line, "time", tile.as_of);
    buf_append_char(&line, '}');
    put_time(&line, "published_at", header->published_at);
    if (tile.removed) {
        buf_append_text(&line, ",\"removed\":true}");
    } else {
        buf_append_text(&line, tile.keyframe ? ",\"value\":" : ",\"patch\":");
        json_write_value(&line, tile.value);
        buf_append_char(&line, '}');
    }
    print_line(follow, &line);
}

static void print_event(struct follow *follow, const struct wire_header *header, struct str body)
{
    struct wire_event event;
    struct buf line = {0};
    if (!follow->events) {
        return;
    }
    if (wire_decode_event(header, &follow->doc, body, &event) != STATUS_OK) {
        follow->malformed++;
        return;
    }
    buf_append_text(&line, "{\"event\":");
    event_json_write(&line, event.fields);
    buf_append_char(&line, '}');
    print_line(follow, &line);
}

void follow_message(struct follow *follow, const struct str frames[WIRE_FRAMES])
{
    struct wire_header header;
    if (wire_decode_header(frames[0], frames[1], &header) != STATUS_OK) {
        follow->malformed++;
        return;
    }
    if (!advance(follow, &header)) {
        return;
    }
    switch (header.kind) {
    case WIRE_TILE:
        print_tile(follow, &header, frames[2]);
        return;
    case WIRE_EVENT:
        print_event(follow, &header, frames[2]);
        return;
    case WIRE_HEARTBEAT:
        return;
    }
}
