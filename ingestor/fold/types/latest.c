/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latest: the newest rows that match, by (timestamp, id), with some of their fields.
 *
 *     rows: 3      a row at 12:07
 *                        │
 *   [ 12:09 | 12:08 | 12:05 ]   ─►   [ 12:09 | 12:08 | 12:07 ]     12:05 is forgotten
 *
 * A row that is older than all of a full table can never be shown again, so nothing of it is kept:
 * what is shown depends on the set of rows alone. Memory: at most TILE_ROWS_MAX rows, each with
 * TILE_SHOW_MAX texts of SHOWN_TEXT_MAX bytes and their names, allocated when there is a first row.
 *
 * Saved as [[us, id, {field: text, …}], …], newest first.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/fold/rank.h"
#include "ingestor/fold/types/items.h"
#include "ingestor/fold/types/list.h"
#include "ingestor/fold/types/matching.h"

#define SHOWN_TEXT_MAX 256 /* bytes; a longer one is cut where a character ends */

struct entry {
    struct rank rank;  /* of the row */
    struct buf fields; /* its fields as a MessagePack map, ready to be written; owned */
};

struct latest {
    struct entry *entries; /* newest first, with room for config->rows; NULL before the first row */
    size_t count;          /* how many there are */
};

static void free_entry(struct entry *entry)
{
    rank_free(&entry->rank);
    buf_free(&entry->fields);
}

static void finish(void *state)
{
    struct latest *latest = state;
    for (size_t i = 0; i < latest->count; i++) {
        free_entry(&latest->entries[i]);
    }
    free(latest->entries);
}

static struct str cut(struct str text)
{
    if (text.len > SHOWN_TEXT_MAX) {
        text.len = SHOWN_TEXT_MAX;
        while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }
    return text;
}

static void put_fields(struct row *row, const struct tile_config *config, struct buf *out)
{
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = 0; i < config->show_count; i++) {
        char scratch[ROW_SCRATCH];
        struct str text;
        if (row_text(row, &config->show[i], scratch, &text)) {
            mp_put_text(out, config->show[i].text);
            mp_put_str(out, cut(text));
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static bool apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now)
{
    (void)meaning;
    (void)value;
    (void)now;
    struct latest *latest = state;
    size_t at = latest->count;
    while (at > 0 && rank_is_before(&latest->entries[at - 1].rank, row->event)) {
        at--;
    }
    if (at == config->rows) {
        return false;
    }
    if (latest->entries == NULL) {
        latest->entries = x_calloc(config->rows, sizeof *latest->entries);
    }
    if (latest->count == config->rows) {
        free_entry(&latest->entries[--latest->count]);
    }
    memmove(&latest->entries[at + 1], &latest->entries[at],
            (latest->count - at) * sizeof *latest->entries);
    latest->count++;
    struct entry *entry = &latest->entries[at];
    *entry = (struct entry){.rank = RANK_NONE};
    rank_set(&entry->rank, row->event);
    put_fields(row, config, &entry->fields);
    return true;
}

static void put_id(struct buf *out, const struct rank *rank)
{
    char number[EVENT_ID_NUMBER_SIZE];
    mp_put_str(out, rank->text != NULL ? str_of(rank->text)
                                       : event_id_format(event_id_of_number(rank->number), number));
}

static void write_data(const void *state, const struct tile_config *config, struct buf *out)
{
    const struct latest *latest = state;
    mp_put_map(out, 2);
    mp_put_text(out, "show");
    mp_put_array(out, config->show_count);
    for (size_t i = 0; i < config->show_count; i++) {
        mp_put_text(out, config->show[i].text);
    }
    mp_put_text(out, "rows");
    mp_put_map(out, latest->count);
    for (size_t i = 0; i < latest->count; i++) {
        const struct entry *entry = &latest->entries[i];
        put_id(out, &entry->rank);
        mp_put_map(out, 2);
        mp_put_text(out, "at");
        items_put_time(out, entry->rank.us);
        mp_put_text(out, "fields");
        buf_append_str(out, buf_str(&entry->fields));
    }
}

static void save(const void *state, const struct tile_config *config, struct buf *out)
{
    (void)config;
    const struct latest *latest = state;
    mp_put_array(out, latest->count);
    for (size_t i = 0; i < latest->count; i++) {
        mp_put_array(out, 3);
        rank_save(&latest->entries[i].rank, out);
        buf_append_str(out, buf_str(&latest->entries[i].fields));
    }
}

static bool load(void *state, const struct tile_config *config, const mp_value *value)
{
    struct latest *latest = state;
    const size_t count = mp_count(value);
    if (!mp_is_array(value) || count > config->rows) {
        return false;
    }
    latest->entries = x_calloc(config->rows, sizeof *latest->entries);
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &latest->entries[i];
        const mp_value *fields = mp_at(mp_at(value, i), 2);
        if (!mp_is_map(fields) || !rank_load(&entry->rank, mp_at(value, i), 0)) {
            return false;
        }
        mp_put_value(&entry->fields, fields);
        latest->count++;
    }
    return true;
}

const struct fold_type fold_type_latest = {
    .size = sizeof(struct latest),
    .finish = finish,
    .examine = matching_examine,
    .concerns = matching_concerns,
    .apply = apply,
    .write = write_data,
    .save = save,
    .load = load,
};
