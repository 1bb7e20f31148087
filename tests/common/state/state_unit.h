/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of changes as text: "put 1/2/3=value", "gone 1/2", "gone 1", "gone all". */
#ifndef TESTS_COMMON_STATE_STATE_UNIT_H
#define TESTS_COMMON_STATE_STATE_UNIT_H

#include <inttypes.h>
#include <stdio.h>

#include "common/state/changes.h"
#include "tests/unit.h"

#define ID(t, m, i) ((struct state_id){t, m, i})

static inline void list_change(struct buf *out, const struct state_changes *changes,
                               const struct state_change *c)
{
    const char *space = out->len != 0 ? " " : "";
    const struct str value = state_value(changes, c);
    switch (c->kind) {
    case STATE_PUT:
        buf_printf(out, "%s%" PRIu64 "/%" PRIu64 "/%" PRIu64 "=%.*s", space, c->id.tile,
                   c->id.member, c->id.item, (int)value.len, value.p);
        break;
    case STATE_ITEM_GONE:
        buf_printf(out, "%s-%" PRIu64 "/%" PRIu64 "/%" PRIu64, space, c->id.tile, c->id.member,
                   c->id.item);
        break;
    case STATE_MEMBER_GONE:
        buf_printf(out, "%s-%" PRIu64 "/%" PRIu64, space, c->id.tile, c->id.member);
        break;
    case STATE_TILE_GONE:
        buf_printf(out, "%s-%" PRIu64, space, c->id.tile);
        break;
    case STATE_ALL_GONE:
        buf_printf(out, "%s-all", space);
        break;
    }
}

/* Holds the list against its text: "0/0/1=x -2/1". */
static inline void assert_changes(const struct state_changes *changes, const char *text)
{
    struct buf out = {0};
    for (size_t i = 0; i < changes->count; i++) {
        list_change(&out, changes, &changes->list[i]);
    }
    assert_string_equal(buf_cstr(&out), text);
    buf_free(&out);
}

#endif
