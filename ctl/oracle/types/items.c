/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/types/items.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "ctl/oracle/match.h"

static int by_item_and_time(const void *a_p, const void *b_p)
{
    const struct oracle_item_row *a = a_p;
    const struct oracle_item_row *b = b_p;
    if (a->item != b->item) {
        return a->item < b->item ? -1 : 1;
    }
    if (a->us != b->us) {
        return a->us < b->us ? -1 : 1;
    }
    return (a->id > b->id) - (a->id < b->id);
}

struct oracle_item_row *oracle_items_sort(const struct oracle_selection *s)
{
    const size_t field = oracle_field(s->rows, &s->tile->item);
    struct oracle_item_row *sorted = x_calloc(s->count + 1, sizeof *sorted);
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t row = s->picked[i];
        const uint32_t cell = oracle_cell(s->rows, row, field);
        sorted[i] =
            (struct oracle_item_row){oracle_value(s->rows, cell)->as_text, row,
                                     oracle_row_us(s->rows, row), oracle_row_id(s->rows, row)};
    }
    qsort(sorted, s->count, sizeof *sorted, by_item_and_time);
    return sorted;
}

size_t oracle_items_end(const struct oracle_item_row *sorted, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && sorted[end].item == sorted[first].item) {
        end++;
    }
    return end;
}

bool oracle_items_has_item(const struct oracle_rows *rows, size_t row,
                           const struct tile_config *tile)
{
    return oracle_row_value(rows, row, &tile->item)->kind != ORACLE_ABSENT;
}

struct str oracle_items_cut(struct str text, size_t max)
{
    return (struct str){text.p, text.len < max ? text.len : max};
}

void oracle_items_put_moment(struct buf *out, int64_t us)
{
    char text[WALL_TEXT_SIZE];
    mp_put_text(out, wall_format((wall_time){us}, text));
}
