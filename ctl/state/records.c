/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/state/records.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "common/state/table.h"

/* Of the records that we can read; a greater one is of a newer version. */
#define PLACE_FORMAT 2
#define TILE_FORMAT 2
#define TILE_FORMAT_FIRST 1

/* STATUS_OK when the first element of the record is that format. */
static int check_format(const mp_value *record, int64_t wanted, const char *what, struct error *err)
{
    int64_t format;
    if (!mp_as_int(mp_at(record, 0), &format) || format < wanted) {
        return error_set(err, STATUS_INVALID, "%s cannot be read", what);
    }
    return format == wanted
               ? STATUS_OK
               : error_set(err, STATUS_NEWER, "a newer version of Tilewire wrote %s", what);
}

/* ---- The place ---- */

/* STATUS_OK when the state has a place that we can read; the document is then the caller's. */
static int read_place(const struct state_changes *records, struct mp_doc *doc, struct error *err)
{
    const struct str place = state_whole(records, STATE_PLACE);
    if (state_whole(records, STATE_LEGACY).p != NULL) {
        return error_set(err, STATUS_INVALID,
                         "it is a checkpoint of a version before 0.2; start an ingestor of this "
                         "version once, which takes it over");
    }
    if (place.p == NULL) {
        return error_set(err, STATUS_INVALID, "the state does not say where the source stood");
    }
    mp_doc_init(doc);
    int status = mp_parse(doc, place.p, place.len);
    status = status == STATUS_OK ? check_format(&doc->root, PLACE_FORMAT, "the state", err)
                                 : error_set(err, STATUS_INVALID, "the state cannot be read");
    if (status != STATUS_OK) {
        mp_doc_free(doc);
    }
    return status;
}

/* The scheme under which an ingestor with that configuration saves (ingestor/source). */
static const char *scheme_of(const struct config *config)
{
    if (config_has_sources(config)) {
        return "several";
    }
    switch (config->source.kind) {
    case SOURCE_SQLITE:
        return "sqlite";
    case SOURCE_POSTGRESQL:
        return "postgresql";
    case SOURCE_KAFKA:
        return "kafka";
    case SOURCE_REDIS:
        return "redis";
    case SOURCE_NATS:
        return "nats";
    case SOURCE_PUSH:
        return "push";
    }
    return "";
}

int records_check_place(const struct state_changes *records, const struct config *config,
                        struct error *err)
{
    struct mp_doc doc;
    struct str saved;
    struct str scheme;
    uint64_t table;
    uint64_t pieces; /* records that the place's first part lies in */
    int status = read_place(records, &doc, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!mp_as_bin(mp_at(&doc.root, 4), &saved) || !mp_as_str(mp_at(&doc.root, 6), &scheme) ||
        !mp_as_uint(mp_at(&doc.root, 7), &table)) {
        status = error_set(err, STATUS_INVALID, "the state cannot be read");
    } else if (saved.len == 0 && (!mp_as_uint(mp_at(&doc.root, 9), &pieces) || pieces == 0)) {
        status = error_set(err, STATUS_INVALID, "the state was saved before any row was read");
    } else if (!str_is(scheme, scheme_of(config)) ||
               (table != 0 && table != state_table_of(config))) {
        status = error_set(
            err, STATUS_INVALID,
            "the state is that of another table (source.uri, source.table, "
            "source.columns.id and source.cursor say which), and tiles could not go on from it");
    }
    mp_doc_free(&doc);
    return status;
}

/* ---- Tiles ---- */

/* Reads a tile's own record. One that is damaged has no key. */
static int read_tile(struct str value, struct record_tile *tile, struct error *err)
{
    struct mp_doc doc;
    struct str key = STR_NULL;
    struct str position;
    int64_t format = 0;
    mp_doc_init(&doc);
    if (mp_parse(&doc, value.p, value.len) != STATUS_OK) {
        mp_doc_free(&doc);
        return STATUS_OK;
    }
    if (mp_as_int(mp_at(&doc.root, 0), &format) && format > TILE_FORMAT) {
        mp_doc_free(&doc);
        return error_set(err, STATUS_NEWER,
                         "a newer version of Tilewire wrote one of the state's tiles");
    }
    if (format >= TILE_FORMAT_FIRST && mp_as_str(mp_at(&doc.root, 1), &key) &&
        mp_as_int(mp_at(&doc.root, 4), &tile->since.us) &&
        mp_as_bool(mp_at(&doc.root, 5), &tile->complete)) {
        tile->key = x_strndup(key.p, key.len);
        if (mp_as_str(mp_at(&doc.root, 3), &position)) {
            tile->position = x_strndup(position.p, position.len);
        }
        tile->retired = mp_as_int(mp_at(&doc.root, 6), &tile->retired_at.us);
    }
    mp_doc_free(&doc);
    return STATUS_OK;
}

static struct record_tile *add_tile(struct record_tiles *tiles, uint64_t number)
{
    tiles->list = x_reallocarray(tiles->list, tiles->count + 1, sizeof *tiles->list);
    tiles->list[tiles->count] = (struct record_tile){.number = number};
    return &tiles->list[tiles->count++];
}

/* Takes the next record in. */
static int take(struct record_tiles *tiles, const struct state_changes *records,
                const struct state_change *record, struct error *err)
{
    struct record_tile *tile = tiles->count != 0 ? &tiles->list[tiles->count - 1] : NULL;
    const bool first = tile == NULL || tile->number != record->id.tile;
    if (first) {
        tile = add_tile(tiles, record->id.tile);
    }
    if (record->kind != STATE_PUT) { /* damaged: even what came before does not count */
        free(tile->key);
        free(tile->position);
        *tile = (struct record_tile){.number = tile->number};
        return STATUS_OK;
    }
    tile->records++;
    tile->bytes += record->len;
    return first && record->id.member == 0 && record->id.item == 0
               ? read_tile(state_value(records, record), tile, err)
               : STATUS_OK;
}

int records_read_tiles(const struct state_changes *records, struct record_tiles *out,
                       struct error *err)
{
    struct mp_doc doc;
    struct record_tiles tiles = {0};
    int status = read_place(records, &doc, err);
    if (status != STATUS_OK) {
        return status;
    }
    mp_doc_free(&doc);
    for (size_t i = 0; i < records->count && status == STATUS_OK; i++) {
        if (records->list[i].id.tile != 0) {
            status = take(&tiles, records, &records->list[i], err);
        }
    }
    if (status != STATUS_OK) {
        records_free_tiles(&tiles);
        return status;
    }
    *out = tiles;
    return STATUS_OK;
}

void records_free_tiles(struct record_tiles *tiles)
{
    for (size_t i = 0; i < tiles->count; i++) {
        free(tiles->list[i].key);
        free(tiles->list[i].position);
    }
    free(tiles->list);
    *tiles = (struct record_tiles){0};
}
