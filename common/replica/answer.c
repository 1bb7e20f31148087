/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/answer.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/wire/wire.h"

#define LANE_NAME_SIZE 16

/* ---- Members ---- */

static void put_text(struct buf *out, const char *name, struct str value)
{
    mp_put_text(out, name);
    mp_put_str(out, value.p != NULL ? value : STR(""));
}

static void put_uint(struct buf *out, const char *name, uint64_t value)
{
    mp_put_text(out, name);
    mp_put_uint(out, value);
}

static void put_int(struct buf *out, const char *name, int64_t value)
{
    mp_put_text(out, name);
    mp_put_int(out, value);
}

static void put_bool(struct buf *out, const char *name, bool value)
{
    mp_put_text(out, name);
    mp_put_bool(out, value);
}

static void put_version(struct buf *out, struct version version)
{
    mp_put_array(out, 2);
    mp_put_uint(out, version.epoch);
    mp_put_uint(out, version.seq);
}

static bool read_version(const mp_value *value, struct version *version)
{
    return mp_count(value) == 2 && mp_as_uint(mp_at(value, 0), &version->epoch) &&
           mp_as_uint(mp_at(value, 1), &version->seq);
}

static bool read_array(const mp_value *map, const char *name, const mp_value **array)
{
    *array = mp_get(map, name);
    return mp_is_array(*array);
}

/* ---- Errors ---- */

void answer_put_error(struct buf *out, const struct answer_error *error)
{
    mp_put_map(out, 1);
    mp_put_text(out, ANSWER_ERROR);
    mp_put_map(out, 2);
    put_text(out, ANSWER_CODE, error->code);
    put_text(out, ANSWER_MESSAGE, error->message);
}

bool answer_read_error(const mp_value *reply, struct answer_error *error)
{
    const mp_value *map = mp_get(reply, ANSWER_ERROR);
    *error = (struct answer_error){STR_NULL, STR_NULL};
    (void)mp_as_str(mp_get(map, ANSWER_CODE), &error->code);
    (void)mp_as_str(mp_get(map, ANSWER_MESSAGE), &error->message);
    return map != NULL;
}

bool answer_is_error(struct str reply, const char *code)
{
    struct answer_error error;
    struct mp_doc doc;
    mp_doc_init(&doc);
    const bool is = mp_parse(&doc, reply.p, reply.len) == STATUS_OK &&
                    answer_read_error(&doc.root, &error) && str_is(error.code, code);
    mp_doc_free(&doc);
    return is;
}

/* ---- Events that were pushed ---- */

void answer_put_pushed(struct buf *out, const struct answer_pushed *pushed)
{
    mp_put_map(out, pushed->source.len != 0 ? 4 : 3);
    if (pushed->source.len != 0) {
        mp_put_text(out, ANSWER_SOURCE);
        mp_put_str(out, pushed->source);
    }
    mp_put_text(out, ANSWER_FIRST);
    mp_put_int(out, pushed->first);
    mp_put_text(out, ANSWER_COUNT);
    mp_put_uint(out, pushed->count);
    mp_put_text(out, ANSWER_REPEATED);
    mp_put_bool(out, pushed->repeated);
}

bool answer_read_pushed(const mp_value *reply, struct answer_pushed *pushed)
{
    *pushed = (struct answer_pushed){0};
    (void)mp_as_str(mp_get(reply, ANSWER_SOURCE), &pushed->source); /* of several sources alone */
    return mp_as_int(mp_get(reply, ANSWER_FIRST), &pushed->first) && pushed->first > 0 &&
           mp_as_uint(mp_get(reply, ANSWER_COUNT), &pushed->count) && pushed->count > 0 &&
           pushed->count <= (uint64_t)(INT64_MAX - pushed->first) &&
           mp_as_bool(mp_get(reply, ANSWER_REPEATED), &pushed->repeated);
}

void answer_pushed_id(struct buf *out, const struct answer_pushed *pushed, int64_t number)
{
    if (pushed->source.len != 0) {
        buf_append_str(out, pushed->source);
        buf_append_char(out, '-');
    }
    buf_printf(out, "%" PRId64, number);
}

void answer_pushed_json(struct buf *out, const struct answer_pushed *pushed, int64_t number)
{
    struct buf text = {0};
    answer_pushed_id(&text, pushed, number);
    if (pushed->source.len != 0) {
        json_write_string(out, buf_str(&text));
    } else {
        buf_append_str(out, buf_str(&text));
    }
    buf_free(&text);
}

/* ---- Where a server stands ---- */

/* The name of a lane among the versions: a text, so that JSON can hold the map. */
static struct str lane_name(unsigned lane, char out[LANE_NAME_SIZE])
{
    const int len = snprintf(out, LANE_NAME_SIZE, "%u", lane);
    return (struct str){out, (size_t)len};
}

static void put_versions(struct buf *out, const struct answer_standing *standing)
{
    char name[LANE_NAME_SIZE];
    struct mp_open_map map = mp_open_map(out);
    for (unsigned lane = 0; lane < standing->lanes; lane++) {
        if ((standing->lanes_owned >> lane & 1) != 0) {
            mp_put_str(out, lane_name(lane, name));
            put_version(out, standing->versions[lane]);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

/* The pairs of a standing are members of the reply itself. */
#define STANDING_PAIRS 10
static void put_standing(struct buf *out, const struct answer_standing *standing)
{
    put_text(out, ANSWER_INSTANCE, standing->instance);
    put_uint(out, ANSWER_LANES, standing->lanes);
    mp_put_text(out, ANSWER_VERSIONS);
    put_versions(out, standing);
    put_text(out, ANSWER_POSITION, standing->position);
    put_int(out, ANSWER_AS_OF, standing->as_of.us);
    put_uint(out, ANSWER_ORIGIN, standing->origin);
    put_uint(out, ANSWER_ORDINAL, standing->ordinal);
    put_uint(out, ANSWER_CONFIRMED, standing->confirmed);
    put_uint(out, ANSWER_CONTINUES, standing->continues);
    put_uint(out, ANSWER_ACCOUNTED, standing->accounted);
}

static bool read_lanes(const mp_value *reply, struct answer_standing *standing)
{
    uint64_t lanes;
    const mp_value *versions = mp_get(reply, ANSWER_VERSIONS);
    if (!mp_as_uint(mp_get(reply, ANSWER_LANES), &lanes) || lanes > LANES_MAX ||
        !mp_is_map(versions)) {
        return false;
    }
    standing->lanes = (unsigned)lanes;
    for (unsigned lane = 0; lane < standing->lanes; lane++) {
        char name[LANE_NAME_SIZE];
        (void)lane_name(lane, name);
        const mp_value *version = mp_get(versions, name);
        if (version == NULL) {
            continue;
        }
        if (!read_version(version, &standing->versions[lane])) {
            return false;
        }
        standing->lanes_owned |= UINT64_C(1) << lane;
    }
    return true;
}

static bool read_standing(const mp_value *reply, struct answer_standing *standing)
{
    *standing = (struct answer_standing){0};
    (void)mp_as_str(mp_get(reply, ANSWER_POSITION), &standing->position);
    (void)wire_read_time(mp_get(reply, ANSWER_AS_OF), &standing->as_of);
    const bool ok = mp_as_str(mp_get(reply, ANSWER_INSTANCE), &standing->instance) &&
                    read_lanes(reply, standing) &&
                    mp_as_uint(mp_get(reply, ANSWER_ORIGIN), &standing->origin) &&
                    mp_as_uint(mp_get(reply, ANSWER_ORDINAL), &standing->ordinal);
    if (!mp_as_uint(mp_get(reply, ANSWER_CONFIRMED), &standing->confirmed)) {
        standing->confirmed = standing->ordinal;
    }
    (void)mp_as_uint(mp_get(reply, ANSWER_CONTINUES), &standing->continues);
    (void)mp_as_uint(mp_get(reply, ANSWER_ACCOUNTED), &standing->accounted);
    return ok;
}

void answer_put_ping(struct buf *out, const struct answer_ping *ping)
{
    mp_put_map(out, 4 + STANDING_PAIRS);
    put_text(out, ANSWER_ROLE, ping->role);
    put_text(out, ANSWER_VERSION, ping->version);
    put_bool(out, ANSWER_SERVING, ping->serving);
    put_uint(out, ANSWER_TILES, ping->tiles);
    put_standing(out, &ping->standing);
}

bool answer_read_ping(const mp_value *reply, struct answer_ping *ping)
{
    *ping = (struct answer_ping){0};
    (void)mp_as_str(mp_get(reply, ANSWER_ROLE), &ping->role);
    (void)mp_as_str(mp_get(reply, ANSWER_VERSION), &ping->version);
    (void)mp_as_uint(mp_get(reply, ANSWER_TILES), &ping->tiles);
    return mp_as_bool(mp_get(reply, ANSWER_SERVING), &ping->serving) &&
           read_standing(reply, &ping->standing);
}

void answer_put_stats(struct buf *out, const struct answer_stats *stats)
{
    mp_put_map(out, 4);
    put_text(out, ANSWER_ROLE, stats->role);
    put_bool(out, ANSWER_SERVING, stats->serving);
    put_text(out, ANSWER_REASON, stats->reason);
    mp_put_text(out, ANSWER_STATS);
    buf_append_str(out, stats->stats.bytes);
}

bool answer_read_stats(const mp_value *reply, struct answer_stats *stats)
{
    *stats = (struct answer_stats){.stats.parsed = mp_get(reply, ANSWER_STATS)};
    return mp_as_str(mp_get(reply, ANSWER_ROLE), &stats->role) &&
           mp_as_bool(mp_get(reply, ANSWER_SERVING), &stats->serving) &&
           mp_as_str(mp_get(reply, ANSWER_REASON), &stats->reason) &&
           mp_is_map(stats->stats.parsed);
}

/* ---- Tiles ---- */

#define TOMBSTONE_PAIRS 4
#define LISTED_PAIRS 10
#define WHOLE_PAIRS 11

void answer_put_tile(struct buf *out, const struct answer_tile *tile)
{
    const bool whole = !tile->removed && tile->value.bytes.p != NULL;
    const size_t tallied = whole && tile->tally.known;
    mp_put_map(out, tile->removed ? TOMBSTONE_PAIRS : whole ? WHOLE_PAIRS + tallied : LISTED_PAIRS);
    put_text(out, ANSWER_TILE_KEY, tile->key);
    put_uint(out, ANSWER_TILE_LANE, tile->lane);
    mp_put_text(out, ANSWER_TILE_VERSION);
    put_version(out, tile->version);
    if (tile->removed) {
        put_bool(out, ANSWER_TILE_EXPIRED, tile->expired);
        return;
    }
    if (whole) {
        mp_put_text(out, ANSWER_TILE_VALUE);
        buf_append_str(out, tile->value.bytes);
    }
    if (tallied != 0) {
        mp_put_text(out, ANSWER_TILE_TALLY);
        tally_put(out, &tile->tally);
    }
    put_int(out, ANSWER_TILE_TTL, tile->ttl_ms);
    put_int(out, ANSWER_TILE_GRACE, tile->grace_ms);
    put_text(out, ANSWER_TILE_POSITION, tile->position);
    put_int(out, ANSWER_TILE_AS_OF, tile->as_of.us);
    put_int(out, ANSWER_TILE_PUBLISHED, tile->published_at.us);
    put_int(out, ANSWER_TILE_AGE, tile->age_ms);
    put_bool(out, ANSWER_TILE_STALE, tile->stale);
}

/* What all three shapes have. */
static bool read_identity(const mp_value *entry, struct answer_tile *tile)
{
    uint64_t lane;
    if (!mp_as_str(mp_get(entry, ANSWER_TILE_KEY), &tile->key) || !wire_key_valid(tile->key) ||
        !mp_as_uint(mp_get(entry, ANSWER_TILE_LANE), &lane) || lane >= LANES_MAX ||
        !read_version(mp_get(entry, ANSWER_TILE_VERSION), &tile->version)) {
        return false;
    }
    tile->lane = (unsigned)lane;
    return true;
}

static bool read_rest(const mp_value *entry, struct answer_tile *tile)
{
    (void)mp_as_bool(mp_get(entry, ANSWER_TILE_STALE), &tile->stale);
    return wire_read_ms(mp_get(entry, ANSWER_TILE_TTL), &tile->ttl_ms) && tile->ttl_ms > 0 &&
           wire_read_ms(mp_get(entry, ANSWER_TILE_GRACE), &tile->grace_ms) &&
           mp_as_str(mp_get(entry, ANSWER_TILE_POSITION), &tile->position) &&
           wire_read_time(mp_get(entry, ANSWER_TILE_AS_OF), &tile->as_of) &&
           wire_read_time(mp_get(entry, ANSWER_TILE_PUBLISHED), &tile->published_at) &&
           wire_read_ms(mp_get(entry, ANSWER_TILE_AGE), &tile->age_ms);
}

bool answer_read_tile(const mp_value *entry, struct answer_tile *tile)
{
    *tile = (struct answer_tile){0};
    if (!read_identity(entry, tile)) {
        return false;
    }
    tile->value.parsed = mp_get(entry, ANSWER_TILE_VALUE);
    if (tile->value.parsed == NULL) {
        tile->removed = true;
        (void)mp_as_bool(mp_get(entry, ANSWER_TILE_EXPIRED), &tile->expired);
        return true;
    }
    tile->tally = tally_read(mp_get(entry, ANSWER_TILE_TALLY));
    return mp_is_map(tile->value.parsed) && read_rest(entry, tile);
}

bool answer_read_listed_tile(const mp_value *entry, struct answer_tile *tile)
{
    *tile = (struct answer_tile){0};
    return read_identity(entry, tile) && read_rest(entry, tile);
}

/* ---- Events ---- */

void answer_put_event(struct buf *out, const struct answer_event *event)
{
    mp_put_map(out, 4);
    put_uint(out, ANSWER_EVENT_ORDINAL, event->ordinal);
    put_int(out, ANSWER_EVENT_ARRIVAL, event->arrival.us);
    put_int(out, ANSWER_EVENT_PUBLISHED, event->published_at.us);
    mp_put_text(out, ANSWER_EVENT_FIELDS);
    buf_append_str(out, event->fields.bytes);
}

bool answer_read_event(const mp_value *entry, struct answer_event *event)
{
    const mp_value *fields = mp_get(entry, ANSWER_EVENT_FIELDS);
    *event = (struct answer_event){.fields.parsed = fields};
    (void)wire_read_time(mp_get(entry, ANSWER_EVENT_ARRIVAL), &event->arrival);
    (void)wire_read_time(mp_get(entry, ANSWER_EVENT_PUBLISHED), &event->published_at);
    return mp_as_uint(mp_get(entry, ANSWER_EVENT_ORDINAL), &event->ordinal) &&
           event->ordinal != 0 && mp_is_map(fields) &&
           event_id_read(mp_get(fields, ANSWER_EVENT_ID), &event->id) &&
           mp_as_str(mp_get(fields, ANSWER_EVENT_TYPE), &event->event_type);
}

/* ---- Pages ---- */

/* Appends the head of an array whose length is written by close_array: MessagePack's `array 32`. */
static struct answer_array open_array(struct buf *out)
{
    buf_append(out, "\xdd\0\0\0\0", 5);
    return (struct answer_array){.at = out->len};
}

static void close_array(struct buf *out, struct answer_array array)
{
    for (size_t i = 0; i < 4; i++) {
        out->data[array.at - 4 + i] = (char)(unsigned char)(array.count >> (24 - 8 * i));
    }
}

void answer_end_page(struct buf *out, struct answer_array array, uint64_t next, bool more)
{
    close_array(out, array);
    put_uint(out, ANSWER_NEXT, next);
    put_bool(out, ANSWER_MORE, more);
}

void answer_put_found(struct buf *out, uint64_t answered, struct str tiles, size_t count)
{
    mp_put_map(out, 2);
    put_uint(out, ANSWER_ANSWERED, answered);
    mp_put_text(out, ANSWER_TILES);
    mp_put_array(out, count);
    buf_append_str(out, tiles);
}

bool answer_read_found(const mp_value *reply, struct answer_found *found)
{
    *found = (struct answer_found){0};
    return mp_as_uint(mp_get(reply, ANSWER_ANSWERED), &found->answered) &&
           read_array(reply, ANSWER_TILES, &found->tiles);
}

struct answer_array answer_begin_list(struct buf *out)
{
    mp_put_map(out, 2);
    mp_put_text(out, ANSWER_TILES);
    return open_array(out);
}

void answer_end_list(struct buf *out, struct answer_array array, bool more)
{
    close_array(out, array);
    put_bool(out, ANSWER_MORE, more);
}

bool answer_read_list(const mp_value *reply, struct answer_list *list)
{
    *list = (struct answer_list){0};
    return read_array(reply, ANSWER_TILES, &list->tiles) &&
           mp_as_bool(mp_get(reply, ANSWER_MORE), &list->more);
}

struct answer_array answer_begin_snapshot(struct buf *out, const struct answer_standing *standing,
                                          uint64_t forgotten, bool restart)
{
    mp_put_map(out, 5 + STANDING_PAIRS);
    put_standing(out, standing);
    put_uint(out, ANSWER_FORGOTTEN, forgotten);
    put_bool(out, ANSWER_RESTART, restart);
    mp_put_text(out, ANSWER_TILES);
    return open_array(out);
}

bool answer_read_snapshot(const mp_value *reply, struct answer_snapshot *snapshot)
{
    snapshot->forgotten = 0;
    (void)mp_as_uint(mp_get(reply, ANSWER_FORGOTTEN), &snapshot->forgotten);
    return read_standing(reply, &snapshot->standing) &&
           mp_as_bool(mp_get(reply, ANSWER_RESTART), &snapshot->restart) &&
           read_array(reply, ANSWER_TILES, &snapshot->tiles) &&
           mp_as_uint(mp_get(reply, ANSWER_NEXT), &snapshot->next) &&
           mp_as_bool(mp_get(reply, ANSWER_MORE), &snapshot->more);
}

struct answer_array answer_begin_events(struct buf *out, const struct answer_standing *standing,
                                        uint64_t floor, uint64_t generation)
{
    mp_put_map(out, 5 + STANDING_PAIRS);
    put_standing(out, standing);
    put_uint(out, ANSWER_FLOOR, floor);
    put_uint(out, ANSWER_GENERATION, generation);
    mp_put_text(out, ANSWER_EVENTS);
    return open_array(out);
}

bool answer_read_events(const mp_value *reply, struct answer_events *events)
{
    events->next = 0;
    events->generation = 0;
    (void)mp_as_uint(mp_get(reply, ANSWER_GENERATION), &events->generation);
    (void)mp_as_uint(mp_get(reply, ANSWER_NEXT), &events->next);
    return read_standing(reply, &events->standing) &&
           mp_as_uint(mp_get(reply, ANSWER_FLOOR), &events->floor) &&
           read_array(reply, ANSWER_EVENTS, &events->events) &&
           mp_as_bool(mp_get(reply, ANSWER_MORE), &events->more);
}
