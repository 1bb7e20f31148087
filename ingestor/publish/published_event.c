/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/publish/published_event.h"

#include "common/base/error.h"
#include "common/base/utf8.h"
#include "common/codec/json.h"
#include "common/codec/mp.h"
#include "ingestor/fold/row.h"

#define HEAD_BYTES 144           /* what id, timestamp and the map take in any case */
#define MEMBER_BYTES ((size_t)5) /* the longest head of a text, or of a name */
#define CUT_NAME "truncated"
#define REDELIVERED_NAME "redelivered"
#define CHARACTER_BYTES 4 /* the longest character in UTF-8 */

/* event_type, the optional fields, and the columns that the user added. */
#define MEMBERS_MAX (EVENT_FIELDS + CONFIG_EXTRAS_MAX)

struct out_member {
    const char *name;
    struct str value; /* a text, or an encoded value */
    bool encoded;     /* The value is MessagePack already, and is whole or not there. */
    bool cut;
};

struct out_event {
    struct out_member members[MEMBERS_MAX];
    size_t count;
    struct buf clean[MEMBERS_MAX]; /* texts that had to be made valid UTF-8 */
    struct buf payload;            /* the payload as MessagePack */
};

/* Cuts the member to so many bytes, if it is longer. What cannot be cut is left out. */
static void cut(struct out_member *member, size_t max)
{
    if (member->value.p == NULL || member->value.len <= max) {
        return;
    }
    member->cut = true;
    member->value = member->encoded ? STR_NULL : utf8_cut(member->value, max);
}

/* Adds a text; one that is absent is no member. Bytes that are no UTF-8 become three each, so the
 * text is measured once it is clean, and no more of it is cleaned than can remain. */
static void add_text(struct out_event *e, const char *name, struct str text, size_t max)
{
    if (text.p == NULL) {
        return;
    }
    struct out_member *member = &e->members[e->count];
    *member = (struct out_member){.name = name, .value = text};
    cut(member, max + CHARACTER_BYTES);
    if (!utf8_valid(member->value)) {
        struct buf *clean = &e->clean[e->count];
        utf8_append_clean(clean, member->value);
        member->value = buf_str(clean);
    }
    cut(member, max);
    e->count++;
}

/* The payload as structured data where it is JSON, without the members that are unusable; as text
 * where it is not. */
static void add_payload(struct out_event *e, struct str payload, size_t max)
{
    struct json_value *value;
    if (payload.p == NULL || json_parse_usable(payload, ROW_PAYLOAD_MAX, &value) != STATUS_OK) {
        add_text(e, "payload", payload, max);
        return;
    }
    json_to_mp(&e->payload, value);
    json_free(value);
    struct out_member *member = &e->members[e->count++];
    *member =
        (struct out_member){.name = "payload", .value = buf_str(&e->payload), .encoded = true};
    cut(member, max);
}

/* Bytes that the event takes when no member is longer than `max`. Each name is counted twice, for
 * `truncated` may have it as well. */
static size_t size_within(const struct out_event *e, size_t max)
{
    size_t size = HEAD_BYTES;
    for (size_t i = 0; i < e->count; i++) {
        const size_t len = e->members[i].value.len;
        size += 2 * strlen(e->members[i].name) + 3 * MEMBER_BYTES + (len < max ? len : max);
    }
    return size;
}

/* The greatest length of a member with which the event fits. */
static size_t longest_that_fits(const struct out_event *e, size_t field, size_t event)
{
    size_t low = 0;
    size_t high = field;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (size_within(e, middle) <= event) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static void fit(struct out_event *e, size_t field, size_t event)
{
    /* What is left out makes room for others, so they are measured again. */
    for (size_t i = e->count; size_within(e, field) > event && i > 0; i--) {
        if (e->members[i - 1].encoded) {
            cut(&e->members[i - 1], longest_that_fits(e, field, event));
        }
    }
    if (size_within(e, field) > event) {
        const size_t longest = longest_that_fits(e, field, event);
        for (size_t i = 0; i < e->count; i++) {
            cut(&e->members[i], longest);
        }
    }
}

static size_t put_members(struct buf *out, const struct out_event *e, size_t *cuts)
{
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct out_member *member = &e->members[i];
        *cuts += member->cut;
        if (member->value.p == NULL) {
            continue;
        }
        mp_put_text(out, member->name);
        if (member->encoded) {
            buf_append_str(out, member->value);
        } else {
            mp_put_str(out, member->value);
        }
        count++;
    }
    return count;
}

static void put_cuts(struct buf *out, const struct out_event *e, size_t cuts)
{
    mp_put_text(out, CUT_NAME);
    mp_put_array(out, cuts);
    for (size_t i = 0; i < e->count; i++) {
        if (e->members[i].cut) {
            mp_put_text(out, e->members[i].name);
        }
    }
}

bool published_event_put(struct buf *out, const struct config *config, const struct event *event)
{
    const size_t field = config->ingestor.limits.field_bytes;
    struct out_event e = {.count = 0};
    add_text(&e, "event_type", event->event_type, field);
    add_text(&e, "actor_id", event->actor_id, field);
    add_text(&e, "target_id", event->target_id, field);
    add_text(&e, "summary", event->summary, field);
    for (size_t i = 0; i < event->extra_count; i++) {
        add_text(&e, event->extras[i].name, event->extras[i].value, field);
    }
    const struct config_source *source =
        event->source < config->source_count ? &config->sources[event->source] : &config->source;
    if (source->payload_in_events) {
        add_payload(&e, event->payload, field);
    }
    fit(&e, field, config->ingestor.limits.event_bytes);

    char time[WALL_TEXT_SIZE];
    size_t cuts = 0;
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "id");
    event_id_put(out, event->id);
    mp_put_text(out, "timestamp");
    mp_put_text(out, wall_format(event->timestamp, time));
    map.count = 2 + put_members(out, &e, &cuts);
    if (cuts != 0) {
        put_cuts(out, &e, cuts);
        map.count++;
    }
    if (event->redelivered != 0) {
        mp_put_text(out, REDELIVERED_NAME);
        mp_put_uint(out, event->redelivered);
        map.count++;
    }
    mp_close_map(out, map);
    for (size_t i = 0; i < e.count; i++) {
        buf_free(&e.clean[i]);
    }
    buf_free(&e.payload);
    return cuts != 0;
}
