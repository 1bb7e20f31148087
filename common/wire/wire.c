/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/wire.h"

#include "common/base/error.h"

static void encode_header(struct buf *out, struct version version, wall_time published_at)
{
    mp_put_array(out, 4);
    mp_put_uint(out, WIRE_PROTOCOL_VERSION);
    mp_put_uint(out, version.epoch);
    mp_put_uint(out, version.seq);
    mp_put_int(out, published_at.us);
}

/* A kind and the lane, of LANES_MAX at most. Not by printf, which took a tenth of the time that a
 * tile's message takes. */
static void put_topic(struct buf *out, const char *kind, unsigned lane)
{
    buf_append_text(out, kind);
    if (lane >= 10) {
        buf_append_char(out, (char)('0' + lane / 10));
    }
    buf_append_char(out, (char)('0' + lane % 10));
}

static void put_value(struct buf *body, const struct wire_tile *tile)
{
    if (tile->removed) {
        mp_put_nil(body);
    } else if (tile->encoded.p != NULL) {
        buf_append_str(body, tile->encoded);
    } else {
        mp_put_value(body, tile->value);
    }
}

void wire_encode_tile(struct buf frames[WIRE_FRAMES], unsigned lane, struct version message,
                      wall_time published_at, const struct wire_tile *tile)
{
    put_topic(&frames[0], "tile.", lane);
    buf_append_char(&frames[0], '.');
    buf_append_str(&frames[0], tile->key);
    encode_header(&frames[1], message, published_at);

    struct buf *body = &frames[2];
    const bool other_epoch = !tile->keyframe && tile->base.epoch != message.epoch;
    const bool refresh = version_compare(tile->version, message) != 0;
    const bool arrived = tile->arrival.us != 0;
    const bool dated = arrived && tile->source.us != 0;
    const bool tallied = tile->tally.known && !tile->removed;
    mp_put_map(body, 7 + (size_t)other_epoch + (size_t)refresh + (size_t)arrived + (size_t)dated +
                         (size_t)tallied);
    mp_put_text(body, "k");
    mp_put_str(body, tile->key);
    mp_put_text(body, "b");
    if (tile->keyframe) {
        mp_put_nil(body);
    } else {
        mp_put_uint(body, tile->base.seq);
    }
    if (other_epoch) {
        mp_put_text(body, "be");
        mp_put_uint(body, tile->base.epoch);
    }
    if (refresh) {
        mp_put_text(body, "v");
        mp_put_array(body, 2);
        mp_put_uint(body, tile->version.epoch);
        mp_put_uint(body, tile->version.seq);
    }
    mp_put_text(body, "p");
    put_value(body, tile);
    mp_put_text(body, "t");
    mp_put_int(body, tile->ttl_ms);
    mp_put_text(body, "g");
    mp_put_int(body, tile->grace_ms);
    mp_put_text(body, "s");
    mp_put_str(body, tile->position);
    mp_put_text(body, "w");
    mp_put_int(body, tile->as_of.us);
    if (arrived) {
        mp_put_text(body, "a");
        mp_put_int(body, tile->arrival.us);
    }
    if (dated) {
        mp_put_text(body, "r");
        mp_put_int(body, tile->source.us);
    }
    if (tallied) {
        mp_put_text(body, "m");
        tally_put(body, &tile->tally);
    }
}

/* A topic is read by people, and subscribed to by prefix, so that no blanks and no control
 * characters may be in it. */
static void append_topic_name(struct buf *out, struct str name)
{
    const size_t len = name.len < WIRE_KEY_MAX ? name.len : WIRE_KEY_MAX;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        buf_append_char(out, (char)(c <= 0x20 || c == 0x7f ? '_' : name.p[i]));
    }
}

void wire_encode_event(struct buf frames[WIRE_FRAMES], struct version version,
                       wall_time published_at, uint64_t ordinal, uint64_t origin, wall_time arrival,
                       struct str event_type, struct str fields)
{
    buf_append_text(&frames[0], "event.0.");
    append_topic_name(&frames[0], event_type);
    encode_header(&frames[1], version, published_at);

    struct buf *body = &frames[2];
    mp_put_map(body, 4);
    mp_put_text(body, "n");
    mp_put_uint(body, ordinal);
    mp_put_text(body, "o");
    mp_put_uint(body, origin);
    mp_put_text(body, "a");
    mp_put_int(body, arrival.us);
    mp_put_text(body, "e");
    buf_append_str(body, fields);
}

static void encode_clocks(struct buf *body, const struct wire_clocks *clocks)
{
    struct mp_open_map map = mp_open_map(body);
    if (clocks->database_known) {
        mp_put_text(body, "d");
        mp_put_int(body, clocks->database_ahead_us);
        map.count++;
    }
    if (clocks->rows_known) {
        mp_put_text(body, "r");
        mp_put_int(body, clocks->row_age_us);
        map.count++;
    }
    mp_put_text(body, "f");
    mp_put_int(body, clocks->rows_ahead_us);
    mp_put_text(body, "j");
    mp_put_uint(body, clocks->steps);
    mp_put_text(body, "h");
    mp_put_bool(body, clocks->held);
    map.count += 3;
    mp_close_map(body, map);
}

void wire_encode_heartbeat(struct buf frames[WIRE_FRAMES], unsigned lane, struct version last,
                           wall_time published_at, const struct wire_heartbeat *heartbeat)
{
    put_topic(&frames[0], "beat.", lane);
    encode_header(&frames[1], last, published_at);

    struct buf *body = &frames[2];
    mp_put_map(body, 6U + (heartbeat->lag != NULL ? 1 : 0) + (heartbeat->sources != NULL ? 1 : 0));
    mp_put_text(body, "s");
    mp_put_str(body, heartbeat->position);
    mp_put_text(body, "w");
    mp_put_int(body, heartbeat->as_of.us);
    mp_put_text(body, "o");
    mp_put_uint(body, heartbeat->origin);
    mp_put_text(body, "n");
    mp_put_uint(body, heartbeat->ordinal);
    mp_put_text(body, "c");
    encode_clocks(body, &heartbeat->clocks);
    mp_put_text(body, "e");
    mp_put_bool(body, heartbeat->caught_up);
    if (heartbeat->lag != NULL) {
        mp_put_text(body, "l");
        lag_put(body, heartbeat->lag);
    }
    if (heartbeat->sources != NULL) {
        mp_put_text(body, "u");
        sources_up_put(body, heartbeat->sources);
    }
}

/* ---- Decoding ---- */

static bool take_prefix(struct str *text, struct str prefix)
{
    if (text->len < prefix.len || memcmp(text->p, prefix.p, prefix.len) != 0) {
        return false;
    }
    *text = (struct str){text->p + prefix.len, text->len - prefix.len};
    return true;
}

static bool take_lane(struct str *text, unsigned *lane)
{
    unsigned value = 0;
    size_t i = 0;
    for (; i < text->len && text->p[i] >= '0' && text->p[i] <= '9' && i < 3; i++) {
        value = value * 10 + (unsigned)(text->p[i] - '0');
    }
    *text = (struct str){text->p + i, text->len - i};
    *lane = value;
    return i != 0 && value < LANES_MAX;
}

static bool decode_topic(struct str topic, struct wire_header *out)
{
    if (topic.len > WIRE_TOPIC_MAX) {
        return false;
    }
    if (take_prefix(&topic, STR("tile."))) {
        out->kind = WIRE_TILE;
    } else if (take_prefix(&topic, STR("event."))) {
        out->kind = WIRE_EVENT;
    } else if (take_prefix(&topic, STR("beat."))) {
        out->kind = WIRE_HEARTBEAT;
    } else {
        return false;
    }
    if (!take_lane(&topic, &out->lane)) {
        return false;
    }
    if (out->kind == WIRE_HEARTBEAT) {
        out->name = STR("");
        return topic.len == 0;
    }
    if (!take_prefix(&topic, STR("."))) {
        return false;
    }
    out->name = topic;
    return true;
}

bool wire_read_time(const mp_value *value, wall_time *out)
{
    int64_t us;
    if (!mp_as_int(value, &us) || us > WIRE_TIME_MAX_US || us < -WIRE_TIME_MAX_US) {
        return false;
    }
    out->us = us;
    return true;
}

wall_time wire_event_timestamp(const mp_value *fields)
{
    struct str text;
    wall_time t = {0};
    if (mp_as_str(mp_get(fields, "timestamp"), &text)) {
        (void)wall_parse(text.p, text.len, NULL, &t);
    }
    return t;
}

bool wire_read_ms(const mp_value *value, int64_t *out)
{
    int64_t ms;
    if (!mp_as_int(value, &ms) || ms < 0 || ms > WIRE_TTL_MAX_MS) {
        return false;
    }
    *out = ms;
    return true;
}

int wire_decode_header(struct str topic, struct str header, struct wire_header *out)
{
    if (!decode_topic(topic, out) || header.len > 64) {
        return STATUS_INVALID;
    }
    struct mp_doc doc;
    mp_doc_init(&doc);
    uint64_t protocol = 0;
    const bool ok = mp_parse(&doc, header.p, header.len) == STATUS_OK && mp_count(&doc.root) >= 4 &&
                    mp_as_uint(mp_at(&doc.root, 0), &protocol) &&
                    protocol == WIRE_PROTOCOL_VERSION &&
                    mp_as_uint(mp_at(&doc.root, 1), &out->version.epoch) &&
                    mp_as_uint(mp_at(&doc.root, 2), &out->version.seq) &&
                    wire_read_time(mp_at(&doc.root, 3), &out->published_at);
    mp_doc_free(&doc);
    return ok ? STATUS_OK : STATUS_INVALID;
}

bool wire_key_valid(struct str key)
{
    if (key.p == NULL || key.len == 0 || key.len > WIRE_KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        const char c = key.p[i];
        if (c <= ' ' || c > '~' || c == '*' || c == ',' || c == '"') {
            return false;
        }
    }
    return true;
}

static bool parse_body(struct mp_doc *doc, struct str body)
{
    return body.len <= WIRE_BODY_MAX && mp_parse(doc, body.p, body.len) == STATUS_OK &&
           mp_is_map(&doc->root);
}

/* Reads the version that a refresh repeats, which cannot be later than the message. Any other
 * message has none, and then it is the message's own. */
static bool decode_version(const mp_value *value, struct version message, struct version *out)
{
    *out = message;
    return mp_is_nil(value) ||
           (mp_count(value) == 2 && mp_as_uint(mp_at(value, 0), &out->epoch) &&
            mp_as_uint(mp_at(value, 1), &out->seq) && version_compare(*out, message) <= 0);
}

int wire_decode_tile(const struct wire_header *header, struct mp_doc *doc, struct str body,
                     struct wire_tile *out)
{
    *out = (struct wire_tile){0};
    if (header->kind != WIRE_TILE || !parse_body(doc, body)) {
        return STATUS_INVALID;
    }
    const mp_value *map = &doc->root;
    if (!mp_as_str(mp_get(map, "k"), &out->key) || !wire_key_valid(out->key) ||
        !str_equal(out->key, header->name) || !wire_read_ms(mp_get(map, "t"), &out->ttl_ms) ||
        out->ttl_ms == 0 || !wire_read_ms(mp_get(map, "g"), &out->grace_ms) ||
        !mp_as_str(mp_get(map, "s"), &out->position) ||
        !wire_read_time(mp_get(map, "w"), &out->as_of) || mp_get(map, "b") == NULL ||
        mp_get(map, "p") == NULL ||
        !decode_version(mp_get(map, "v"), header->version, &out->version)) {
        return STATUS_INVALID;
    }
    (void)wire_read_time(mp_get(map, "a"), &out->arrival);
    (void)wire_read_time(mp_get(map, "r"), &out->source);
    out->tally = tally_read(mp_get(map, "m"));
    out->value = mp_get(map, "p");
    out->keyframe = mp_is_nil(mp_get(map, "b"));
    if (out->keyframe) {
        out->removed = mp_is_nil(out->value);
    } else {
        out->base.epoch = header->version.epoch;
        (void)mp_as_uint(mp_get(map, "be"), &out->base.epoch);
        if (!mp_as_uint(mp_get(map, "b"), &out->base.seq) ||
            version_compare(out->version, header->version) != 0) {
            return STATUS_INVALID;
        }
    }
    if (out->removed) {
        out->value = NULL;
    } else if (!mp_is_map(out->value)) {
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

int wire_decode_event(const struct wire_header *header, struct mp_doc *doc, struct str body,
                      struct wire_event *out)
{
    *out = (struct wire_event){0};
    if (header->kind != WIRE_EVENT || header->lane != 0 || !parse_body(doc, body)) {
        return STATUS_INVALID;
    }
    const mp_value *map = &doc->root;
    out->fields = mp_get(map, "e");
    (void)wire_read_time(mp_get(map, "a"), &out->arrival);
    if (!mp_as_uint(mp_get(map, "n"), &out->ordinal) || out->ordinal == 0 ||
        !mp_as_uint(mp_get(map, "o"), &out->origin) || !mp_is_map(out->fields) ||
        !event_id_read(mp_get(out->fields, "id"), &out->id) ||
        !mp_as_str(mp_get(out->fields, "event_type"), &out->event_type)) {
        return STATUS_INVALID;
    }
    out->timestamp = wire_event_timestamp(out->fields);
    return STATUS_OK;
}

/* What is missing or of another type is not known: news of clocks is never worth a heartbeat. */
static void decode_clocks(const mp_value *map, struct wire_clocks *out)
{
    out->database_known = mp_as_int(mp_get(map, "d"), &out->database_ahead_us);
    out->rows_known = mp_as_int(mp_get(map, "r"), &out->row_age_us);
    (void)mp_as_int(mp_get(map, "f"), &out->rows_ahead_us);
    (void)mp_as_uint(mp_get(map, "j"), &out->steps);
    (void)mp_as_bool(mp_get(map, "h"), &out->held);
}

int wire_decode_heartbeat(const struct wire_header *header, struct mp_doc *doc, struct str body,
                          struct wire_heartbeat *out)
{
    *out = (struct wire_heartbeat){0};
    if (header->kind != WIRE_HEARTBEAT || !parse_body(doc, body)) {
        return STATUS_INVALID;
    }
    const mp_value *map = &doc->root;
    if (!mp_as_str(mp_get(map, "s"), &out->position) ||
        !wire_read_time(mp_get(map, "w"), &out->as_of) ||
        !mp_as_uint(mp_get(map, "o"), &out->origin) ||
        !mp_as_uint(mp_get(map, "n"), &out->ordinal)) {
        return STATUS_INVALID;
    }
    decode_clocks(mp_get(map, "c"), &out->clocks);
    (void)mp_as_bool(mp_get(map, "e"), &out->caught_up); /* older ingestors do not say it */
    out->lag_map = mp_get(map, "l");
    out->sources_map = mp_get(map, "u");
    return STATUS_OK;
}
