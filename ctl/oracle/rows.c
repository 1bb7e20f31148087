/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/rows.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/wire/tally.h"
#include "ctl/oracle/named.h"
#include "ctl/oracle/path.h"

#define PAYLOAD_BYTES_MAX (1024 << 10)
#define NO_INDEX UINT32_MAX

struct oracle_rows {
    const struct config *config;
    const struct config_source *source; /* NULL: there are no `sources`, or rows of all of them */
    struct tile_field *fields;
    size_t field_count;
    bool needs_payload;
    bool needs_names;

    struct oracle_values values;

    int64_t *ids;
    int64_t *keys;
    uint32_t *names; /* values that are ids as text; ORACLE_NO_VALUE: the number is the id */
    uint64_t *streams;
    int64_t *offsets;
    int32_t *partitions;
    unsigned *sources;
    int64_t *times_us;
    uint32_t *cells;
    size_t count;
    size_t cap;
};

const struct tile_field oracle_field_type = {.kind = TILE_FIELD_EVENT_TYPE, .text = "event_type"};
const struct tile_field oracle_field_metric = {
    .kind = TILE_FIELD_PAYLOAD, .text = "payload.metric", .path = {"metric", 6}};
const struct tile_field oracle_field_value = {
    .kind = TILE_FIELD_PAYLOAD, .text = "payload.value", .path = {"value", 5}};

/* ---- Fields ---- */

static bool same_field(const struct tile_field *a, const struct tile_field *b)
{
    return a->kind == b->kind && (a->kind != TILE_FIELD_EXTRA || a->extra == b->extra) &&
           (a->kind != TILE_FIELD_PAYLOAD || (str_equal(a->path, b->path) && a->extra == b->extra));
}

/* Of a member of the payload only if it is there, as a field of its own: a map and a list are
 * there, too, and have no value. */
#define PRESENCE 1
static struct tile_field presence_of(const struct tile_field *field)
{
    struct tile_field presence = *field;
    if (field->kind == TILE_FIELD_PAYLOAD) {
        presence.extra = PRESENCE;
    }
    return presence;
}

static void want(struct oracle_rows *rows, const struct tile_field *field)
{
    for (size_t i = 0; i < rows->field_count; i++) {
        if (same_field(&rows->fields[i], field)) {
            return;
        }
    }
    if (field->kind == TILE_FIELD_NONE) {
        return;
    }
    rows->fields = x_reallocarray(rows->fields, rows->field_count + 1, sizeof *rows->fields);
    rows->fields[rows->field_count++] = *field;
    rows->needs_payload = rows->needs_payload || field->kind == TILE_FIELD_PAYLOAD;
}

static void want_match(struct oracle_rows *rows, const struct tile_match *match)
{
    for (size_t i = 0; i < match->count; i++) {
        const struct tile_condition *condition = &match->all[i];
        const struct tile_field presence = presence_of(&condition->field);
        const bool asks =
            condition->test == TILE_TEST_EXISTS || condition->test == TILE_TEST_ABSENT;
        want(rows, asks ? &presence : &condition->field);
        for (size_t k = 0; k < condition->either_count; k++) {
            want_match(rows, &condition->either[k]);
        }
    }
}

static void want_tile(struct oracle_rows *rows, const struct tile_config *tile)
{
    if (tile->metric != NULL) {
        want(rows, &oracle_field_metric);
        want(rows, &oracle_field_value);
    }
    want_match(rows, &tile->match);
    want_match(rows, &tile->of);
    want_match(rows, &tile->labels);
    want_match(rows, &tile->opens);
    want_match(rows, &tile->closes);
    want_match(rows, &tile->pauses);
    want_match(rows, &tile->resumes);
    want(rows, &tile->value);
    want(rows, &tile->item);
    want(rows, &tile->due);
    want(rows, &tile->breakdown);
    want(rows, &tile->priority);
    want(rows, &tile->group_by);
    for (size_t i = 0; i < tile->show_count; i++) {
        want(rows, &tile->show[i]);
        rows->needs_names = true;
    }
}

size_t oracle_field(const struct oracle_rows *rows, const struct tile_field *field)
{
    for (size_t i = 0; i < rows->field_count; i++) {
        if (same_field(&rows->fields[i], field)) {
            return i;
        }
    }
    assert(false && "a field that no tile mentions");
    return 0;
}

/* Fields that the user added are counted over all sources, and a source has some of them. */
static struct str extra_of(const struct oracle_rows *rows, size_t extra, const struct event *event)
{
    const struct config_source *all = &rows->config->source;
    if (rows->source == NULL) {
        return extra < event->extra_count ? event->extras[extra].value : STR_NULL;
    }
    for (size_t i = 0; i < event->extra_count; i++) {
        if (strcmp(event->extras[i].name, all->extras[extra].field) == 0) {
            return event->extras[i].value;
        }
    }
    return STR_NULL;
}

static uint32_t read_field(struct oracle_rows *rows, const struct tile_field *field,
                           const struct event *event, const struct json_value *payload)
{
    switch (field->kind) {
    case TILE_FIELD_EVENT_TYPE:
        return oracle_values_text(&rows->values, event->event_type);
    case TILE_FIELD_ACTOR_ID:
        return oracle_values_text(&rows->values, event->actor_id);
    case TILE_FIELD_TARGET_ID:
        return oracle_values_text(&rows->values, event->target_id);
    case TILE_FIELD_SUMMARY:
        return oracle_values_text(&rows->values, event->summary);
    case TILE_FIELD_EXTRA:
        return oracle_values_text(&rows->values, extra_of(rows, field->extra, event));
    case TILE_FIELD_PAYLOAD:
        payload = oracle_path(payload, field->path);
        if (field->extra != PRESENCE) {
            return oracle_values_json(&rows->values, payload);
        }
        return oracle_values_text(&rows->values, json_absent(payload) || json_is_unusable(payload)
                                                     ? STR_NULL
                                                     : STR("there"));
    case TILE_FIELD_NONE:
        break;
    }
    return ORACLE_NO_VALUE;
}

/* ---- Rows ---- */

struct oracle_rows *oracle_rows_create(const struct config *config)
{
    struct oracle_rows *rows = x_calloc(1, sizeof *rows);
    rows->config = config;
    want(rows, &oracle_field_type);
    for (size_t i = 0; i < config->source_count; i++) {
        want(rows, &config->sources[i].dedupe);
    }
    for (size_t i = 0; i < config->tile_count; i++) {
        want_tile(rows, &config->tiles[i]);
    }
    oracle_values_init(&rows->values);
    return rows;
}

struct oracle_rows *oracle_rows_create_of(const struct config *config,
                                          const struct config_source *source)
{
    struct oracle_rows *rows = oracle_rows_create(config);
    rows->source = source;
    return rows;
}

void oracle_rows_destroy(struct oracle_rows **rows_p)
{
    struct oracle_rows *rows = *rows_p;
    if (rows == NULL) {
        return;
    }
    oracle_values_free(&rows->values);
    free(rows->fields);
    free(rows->ids);
    free(rows->keys);
    free(rows->names);
    free(rows->streams);
    free(rows->partitions);
    free(rows->sources);
    free(rows->offsets);
    free(rows->times_us);
    free(rows->cells);
    free(rows);
    *rows_p = NULL;
}

void oracle_rows_cut(struct oracle_rows *rows, size_t count)
{
    assert(count <= rows->count);
    rows->count = count;
}

void oracle_rows_clear(struct oracle_rows *rows)
{
    oracle_rows_cut(rows, 0);
}

static void make_room(struct oracle_rows *rows)
{
    if (rows->count < rows->cap) {
        return;
    }
    rows->cap = rows->cap != 0 ? 2 * rows->cap : 1024;
    rows->ids = x_reallocarray(rows->ids, rows->cap, sizeof *rows->ids);
    rows->keys = x_reallocarray(rows->keys, rows->cap, sizeof *rows->keys);
    rows->names = x_reallocarray(rows->names, rows->cap, sizeof *rows->names);
    rows->streams = x_reallocarray(rows->streams, rows->cap, sizeof *rows->streams);
    rows->partitions = x_reallocarray(rows->partitions, rows->cap, sizeof *rows->partitions);
    rows->offsets = x_reallocarray(rows->offsets, rows->cap, sizeof *rows->offsets);
    rows->sources = x_reallocarray(rows->sources, rows->cap, sizeof *rows->sources);
    rows->times_us = x_reallocarray(rows->times_us, rows->cap, sizeof *rows->times_us);
    rows->cells = x_reallocarray(rows->cells, rows->cap * rows->field_count, sizeof *rows->cells);
}

/* Returns the payload's JSON, which the caller frees, or NULL when there is none. A string that is
 * a document itself is that document. */
static struct json_value *read_payload(struct str text)
{
    struct json_value *outer = NULL;
    struct json_value *inner = NULL;
    struct str string;
    (void)json_parse_usable(text, PAYLOAD_BYTES_MAX, &outer);
    if (!json_as_str(outer, &string)) {
        return outer;
    }
    (void)json_parse_usable(string, PAYLOAD_BYTES_MAX, &inner);
    json_free(outer);
    return inner; /* No path leads into a scalar, whichever of the two it is. */
}

/* Keeps the row's id as text where a tile shows ids: the text, or SOURCE-TEXT of one of `sources`.
 */
static void keep_name(struct oracle_rows *rows, size_t row, struct str id)
{
    struct buf name = {0};
    if (rows->needs_names) {
        if (rows->source != NULL) {
            buf_printf(&name, "%s-", rows->source->name);
        }
        buf_append_str(&name, id);
        rows->names[row] = oracle_values_text(&rows->values, buf_str(&name));
    }
    buf_free(&name);
}

/* Numbers of one of `sources` are a stream of it, in which they grow. */
static void name_row(struct oracle_rows *rows, int64_t number)
{
    char text[EVENT_ID_NUMBER_SIZE];
    const struct str id = event_id_format(event_id_of_number(number), text);
    rows->keys[rows->count] = oracle_named_key(rows->source->name, id);
    rows->streams[rows->count] = oracle_named_stream(rows->source->name, 0);
    rows->offsets[rows->count] = number;
    rows->sources[rows->count] = rows->source->number;
    keep_name(rows, rows->count, id);
}

void oracle_rows_add(struct oracle_rows *rows, const struct event *event)
{
    assert(event->id.number > oracle_rows_last_id(rows));
    struct json_value *payload = rows->needs_payload ? read_payload(event->payload) : NULL;
    make_room(rows);
    rows->ids[rows->count] = event->id.number;
    rows->keys[rows->count] = event->id.number;
    rows->names[rows->count] = ORACLE_NO_VALUE;
    rows->streams[rows->count] = 0;
    rows->offsets[rows->count] = 0;
    rows->partitions[rows->count] = -1;
    rows->sources[rows->count] = 0;
    if (rows->source != NULL) {
        name_row(rows, event->id.number);
    }
    rows->times_us[rows->count] = event->timestamp.us;
    for (size_t i = 0; i < rows->field_count; i++) {
        rows->cells[rows->count * rows->field_count + i] =
            read_field(rows, &rows->fields[i], event, payload);
    }
    rows->count++;
    json_free(payload);
}

void oracle_rows_set_text(struct oracle_rows *rows, struct str id)
{
    rows->keys[rows->count - 1] = rows->source != NULL ? oracle_named_key(rows->source->name, id)
                                                       : tally_id(event_id_of_text(id));
    rows->streams[rows->count - 1] = 0;
    rows->offsets[rows->count - 1] = 0;
    keep_name(rows, rows->count - 1, id);
}

void oracle_rows_set_place(struct oracle_rows *rows, uint64_t stream, int64_t offset)
{
    rows->streams[rows->count - 1] =
        rows->source != NULL ? oracle_named_stream(rows->source->name, stream) : stream;
    rows->offsets[rows->count - 1] = offset;
}

void oracle_rows_set_partition(struct oracle_rows *rows, int32_t partition)
{
    rows->partitions[rows->count - 1] = partition;
}

/* Arranges an array of items of that size. */
static void arrange(void *items, size_t size, const size_t *order, size_t count)
{
    char *before = x_memdup(items, count * size);
    for (size_t i = 0; i < count; i++) {
        memcpy((char *)items + i * size, before + order[i] * size, size);
    }
    free(before);
}

void oracle_rows_arrange(struct oracle_rows *rows, const size_t *order)
{
    if (rows->count == 0) {
        return;
    }
    arrange(rows->keys, sizeof *rows->keys, order, rows->count);
    arrange(rows->names, sizeof *rows->names, order, rows->count);
    arrange(rows->streams, sizeof *rows->streams, order, rows->count);
    arrange(rows->offsets, sizeof *rows->offsets, order, rows->count);
    arrange(rows->sources, sizeof *rows->sources, order, rows->count);
    arrange(rows->partitions, sizeof *rows->partitions, order, rows->count);
    arrange(rows->times_us, sizeof *rows->times_us, order, rows->count);
    arrange(rows->cells, rows->field_count * sizeof *rows->cells, order, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        rows->ids[i] = (int64_t)i + 1;
    }
}

/* The index here of a value of the other table. map: of those that were asked for, and NO_INDEX. */
static uint32_t same_value(struct oracle_rows *rows, const struct oracle_rows *more, uint32_t index,
                           uint32_t *map)
{
    if (index == ORACLE_NO_VALUE) {
        return ORACLE_NO_VALUE;
    }
    if (map[index] == NO_INDEX) {
        map[index] = oracle_values_add(&rows->values, more->values.list[index]);
    }
    return map[index];
}

void oracle_rows_join(struct oracle_rows *rows, const struct oracle_rows *more)
{
    const size_t fields = rows->field_count;
    uint32_t *map = x_reallocarray(NULL, more->values.count, sizeof *map);
    assert(more->field_count == fields);
    for (size_t i = 0; i < more->values.count; i++) {
        map[i] = NO_INDEX;
    }
    for (size_t i = 0; i < more->count; i++) {
        make_room(rows);
        const size_t row = rows->count++;
        rows->ids[row] = (int64_t)row + 1;
        rows->keys[row] = more->keys[i];
        rows->names[row] = same_value(rows, more, more->names[i], map);
        rows->streams[row] = more->streams[i];
        rows->offsets[row] = more->offsets[i];
        rows->partitions[row] = more->partitions[i];
        rows->sources[row] = more->sources[i];
        rows->times_us[row] = more->times_us[i];
        for (size_t k = 0; k < fields; k++) {
            rows->cells[row * fields + k] =
                same_value(rows, more, more->cells[i * fields + k], map);
        }
    }
    free(map);
}

size_t oracle_rows_count(const struct oracle_rows *rows)
{
    return rows->count;
}

int64_t oracle_rows_last_id(const struct oracle_rows *rows)
{
    return rows->count != 0 ? rows->ids[rows->count - 1] : 0;
}

int64_t oracle_row_id(const struct oracle_rows *rows, size_t row)
{
    return rows->ids[row];
}

struct str oracle_row_name(const struct oracle_rows *rows, size_t row,
                           char out[EVENT_ID_NUMBER_SIZE])
{
    return rows->names[row] == ORACLE_NO_VALUE
               ? event_id_format(event_id_of_number(rows->ids[row]), out)
               : rows->values.list[rows->names[row]].text;
}

int64_t oracle_row_key(const struct oracle_rows *rows, size_t row)
{
    return rows->keys[row];
}

uint64_t oracle_row_stream(const struct oracle_rows *rows, size_t row)
{
    return rows->streams[row];
}

int64_t oracle_row_offset(const struct oracle_rows *rows, size_t row)
{
    return rows->offsets[row];
}

int32_t oracle_row_partition(const struct oracle_rows *rows, size_t row)
{
    return rows->partitions[row];
}

unsigned oracle_row_source(const struct oracle_rows *rows, size_t row)
{
    return rows->sources[row];
}

int64_t oracle_row_us(const struct oracle_rows *rows, size_t row)
{
    return rows->times_us[row];
}

uint32_t oracle_cell(const struct oracle_rows *rows, size_t row, size_t field)
{
    return rows->cells[row * rows->field_count + field];
}

bool oracle_row_has(const struct oracle_rows *rows, size_t row, const struct tile_field *field)
{
    const struct tile_field presence = presence_of(field);
    return oracle_cell(rows, row, oracle_field(rows, &presence)) != ORACLE_NO_VALUE;
}

const struct oracle_value *oracle_value(const struct oracle_rows *rows, uint32_t index)
{
    return &rows->values.list[index];
}

const struct config *oracle_rows_config(const struct oracle_rows *rows)
{
    return rows->config;
}
