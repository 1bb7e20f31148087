/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the programs: one that is read and written again says the same. Input: the topic
 * on a line, the header, and the body. */
#include "common/base/error.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"

/* Reads a message, and appends to `out` what it says. False when it is none. */
static bool read_and_write(struct str topic, struct str head, struct str body,
                           struct buf out[WIRE_FRAMES])
{
    struct wire_header header;
    struct wire_tile tile;
    struct wire_event event;
    struct wire_heartbeat heartbeat;
    struct mp_doc doc;
    mp_doc_init(&doc);
    bool read = wire_decode_header(topic, head, &header) == STATUS_OK;
    if (!read) {
        FUZZ_CHECK(topic.p != NULL);
    } else if (wire_decode_tile(&header, &doc, body, &tile) == STATUS_OK) {
        wire_encode_tile(out, header.lane, header.version, header.published_at, &tile);
    } else if (wire_decode_event(&header, &doc, body, &event) == STATUS_OK) {
        struct buf fields = {0};
        mp_put_value(&fields, event.fields);
        wire_encode_event(out, header.version, header.published_at, event.ordinal, event.origin,
                          event.arrival, event.event_type, buf_str(&fields));
        buf_free(&fields);
    } else if (wire_decode_heartbeat(&header, &doc, body, &heartbeat) == STATUS_OK) {
        wire_encode_heartbeat(out, header.lane, header.version, header.published_at, &heartbeat);
    } else {
        read = false;
    }
    mp_doc_free(&doc);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    const struct str topic = fuzz_take_line(&input);
    const struct str head = fuzz_take_value(&input);
    struct buf once[WIRE_FRAMES] = {0};
    struct buf twice[WIRE_FRAMES] = {0};
    if (read_and_write(topic, head, input, once)) {
        fuzz_took();
        FUZZ_CHECK(read_and_write(buf_str(&once[0]), buf_str(&once[1]), buf_str(&once[2]), twice));
    }
    for (int i = 0; i < WIRE_FRAMES; i++) {
        fuzz_check_same(&once[i], &twice[i]);
        buf_free(&once[i]);
        buf_free(&twice[i]);
    }
    return 0;
}
