/* SPDX-License-Identifier: Apache-2.0 */
/* latest, as docs/tiles.md says: the newest rows, with some of their fields. */
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"
#include "ctl/oracle/types/items.h"
#include "ctl/oracle/types/values.h"

#define SHOWN_BYTES_MAX 256

/* A row with all that it is ordered by. */
struct candidate {
    int64_t us;
    int64_t id;
    uint32_t row;
};

static int newest_first(const void *a_p, const void *b_p)
{
    const struct candidate *a = a_p;
    const struct candidate *b = b_p;
    if (a->us != b->us) {
        return a->us > b->us ? -1 : 1;
    }
    return (b->id > a->id) - (b->id < a->id);
}

/* The longest beginning of at most that many bytes that ends where a character does. */
static struct str beginning(struct str text)
{
    if (text.len <= SHOWN_BYTES_MAX) {
        return text;
    }
    size_t end = 0;
    for (size_t i = 1; i <= SHOWN_BYTES_MAX; i++) {
        const unsigned char byte = (unsigned char)text.p[i];
        if (byte < 0x80 || byte > 0xbf) {
            end = i;
        }
    }
    return (struct str){text.p, end};
}

static void put_row(const struct oracle_selection *s, const struct candidate *row, struct buf *out)
{
    char number[EVENT_ID_NUMBER_SIZE];
    mp_put_str(out, oracle_row_name(s->rows, row->row, number));
    mp_put_map(out, 2);
    mp_put_text(out, "at");
    oracle_items_put_moment(out, row->us);
    mp_put_text(out, "fields");
    struct mp_open_map fields = mp_open_map(out);
    for (size_t i = 0; i < s->tile->show_count; i++) {
        const struct oracle_value *value = oracle_row_value(s->rows, row->row, &s->tile->show[i]);
        if (value->kind != ORACLE_ABSENT) {
            mp_put_text(out, s->tile->show[i].text);
            mp_put_str(out, beginning(value->text));
            fields.count++;
        }
    }
    mp_close_map(out, fields);
}

static void put_latest(const struct oracle_selection *s, wall_time at, struct buf *out)
{
    (void)at;
    struct candidate *all = x_calloc(s->count + 1, sizeof *all);
    for (size_t i = 0; i < s->count; i++) {
        all[i] = (struct candidate){oracle_row_us(s->rows, s->picked[i]),
                                    oracle_row_id(s->rows, s->picked[i]), s->picked[i]};
    }
    qsort(all, s->count, sizeof *all, newest_first);
    mp_put_map(out, 2);
    mp_put_text(out, "show");
    mp_put_array(out, s->tile->show_count);
    for (size_t i = 0; i < s->tile->show_count; i++) {
        mp_put_text(out, s->tile->show[i].text);
    }
    const size_t shown = s->count < s->tile->rows ? s->count : s->tile->rows;
    mp_put_text(out, "rows");
    mp_put_map(out, shown);
    for (size_t i = 0; i < shown; i++) {
        put_row(s, &all[i], out);
    }
    free(all);
}

const struct oracle_type oracle_latest = {.concerns = oracle_values_concern,
                                          .put_data = put_latest};
