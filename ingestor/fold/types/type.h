/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tile type is to the fold: a table of functions that say which rows concern a tile, how a
 * row and how time change it, and how it is shown and saved. The fold knows the types by this
 * table alone; list.h names them.
 *
 *   an event type ─► examine ──► meaning ────────────┐   once for each event type (fold_plan.h)
 *                                                    ▼
 *   a row ──────────────────────────────────► concerns ──► value    once for each row and tile
 *                                                    │       │
 *                                    meaning ────────┴► apply ◄┘     only for rows that concern it
 *   time ───────────────────────────────────► advance, next
 *   publisher, state store ◄── write, save, save_item; load, load_item
 *
 * The state is memory of `size` bytes that the fold allocates zeroed, and frees after `finish`.
 * `config` is the tile's definition, and always one of this type.
 */
#ifndef INGESTOR_FOLD_TYPES_TYPE_H
#define INGESTOR_FOLD_TYPES_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"
#include "ingestor/fold/row.h"

struct item;
struct items;

struct fold_type {
    size_t size; /* bytes of the state of one tile */

    /* Makes zeroed memory the state of a tile without rows, at that time. NULL when zeroed memory
     * is that already. */
    void (*init)(void *state, const struct tile_config *config, wall_time now);

    /* Frees what the state owns. NULL when it owns nothing. */
    void (*finish)(void *state);

    /* False when no event of that type can ever concern the tile. Else *meaning is what the event
     * type alone means to the tile: a number that nobody but this type reads, and gets back with
     * each row of that event type. metric_event is the event type whose payloads are metrics. */
    bool (*examine)(const struct tile_config *config, const char *metric_event,
                    struct str event_type, int *meaning);

    /* True when the row is for this tile. *value is then what the row says, as far as it was worked
     * out to know that; nobody but this type reads it. It needs no state, so that a row that is not
     * for a family makes no member. */
    bool (*concerns)(const struct tile_config *config, int meaning, struct row *row,
                     struct number *value);

    /* Takes in a row that concerns the tile. Returns true when what it shows may have changed. */
    bool (*apply)(void *state, const struct tile_config *config, int meaning, struct row *row,
                  struct number value, wall_time now);

    /* Lets time pass. Returns true when what the tile shows may have changed. NULL when time
     * changes nothing. */
    bool (*advance)(void *state, const struct tile_config *config, wall_time now);

    /* The moment when advance has something to do next; WALL_NEVER if never. NULL exactly when
     * advance is. */
    wall_time (*next)(const void *state, const struct tile_config *config);

    /* Appends the map that is the tile's `data` (docs/tiles.md). */
    void (*write)(const void *state, const struct tile_config *config, struct buf *out);

    /* The number that a condition without a name looks at (docs/tiles.md, Status). False: there is
     * none now. NULL when the conditions look at members of `data`: `value`, or those that the
     * configuration's rules of the type name. */
    bool (*figure)(const void *state, const struct tile_config *config, struct number *out);

    /* When figure may be another without a row and without advance having anything to do; NULL:
     * never. */
    wall_time (*figure_until)(const void *state, const struct tile_config *config);

    /* Appends the state as one MessagePack value, to be saved; but for the items, where there are
     * any, which are records of their own. */
    void (*save)(const void *state, const struct tile_config *config, struct buf *out);

    /* Loads what save wrote into a state that was just initialised; or what a version before 0.2
     * wrote, which had the items in it. False when the value is neither; the state is then only
     * good for finish. */
    bool (*load)(void *state, const struct tile_config *config, const mp_value *value);

    /* The items of the state (items.h), which is borrowed. NULL: the type has none, and the two
     * that follow are NULL, too. */
    struct items *(*items)(void *state);

    /* Appends an item as one MessagePack value. */
    void (*save_item)(const void *state, const struct item *item, struct buf *out);

    /* Loads the item of that number, which save_item wrote. False: it is nothing that it writes. */
    bool (*load_item)(void *state, const struct tile_config *config, uint64_t number,
                      const mp_value *value);

    /* True when the state forgets what is older than a moment: a clock that was ahead for a while
     * has made it forget too much. NULL: it never does. */
    bool (*forgets)(const struct tile_config *config);
};

#endif
