/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/event_types.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/table.h"

#include "common/base/xalloc.h"

#define NO_PLACE UINT32_MAX

struct event_type {
    char *text;
    size_t len;
    size_t events; /* How many have it. */
    uint32_t place;
    UT_hash_handle by_text;
};

struct place {
    struct event_type *type; /* NULL: it is free */
    uint32_t use;
    uint32_t next_free;
};

struct event_types {
    struct event_type *table;
    struct place *places;
    uint32_t place_count; /* Places that were used so far. */
    uint32_t place_cap;
    uint32_t first_free; /* NO_PLACE: none of those is free. */
    size_t bytes;
};

struct event_types *event_types_create(void)
{
    struct event_types *types = x_calloc(1, sizeof *types);
    types->first_free = NO_PLACE;
    return types;
}

static size_t bytes_of(const struct event_type *type)
{
    return sizeof *type + sizeof(struct place) + type->len;
}

static void forget(struct event_types *types, struct event_type *type)
{
    types->bytes -= bytes_of(type);
    HASH_DELETE(by_text, types->table, type);
    free(type->text);
    free(type);
}

void event_types_destroy(struct event_types **types_p)
{
    struct event_types *types = *types_p;
    if (types == NULL) {
        return;
    }
    struct event_type *type;
    struct event_type *next;
    HASH_ITER(by_text, types->table, type, next)
    {
        forget(types, type);
    }
    free(types->places);
    free(types);
    *types_p = NULL;
}

static uint32_t take_place(struct event_types *types)
{
    const uint32_t free_place = types->first_free;
    if (free_place != NO_PLACE) {
        types->first_free = types->places[free_place].next_free;
        types->places[free_place].use++;
        return free_place;
    }
    if (types->place_count == types->place_cap) {
        types->place_cap = types->place_cap != 0 ? types->place_cap * 2 : 16;
        types->places = x_reallocarray(types->places, types->place_cap, sizeof *types->places);
    }
    types->places[types->place_count] = (struct place){.type = NULL};
    return types->place_count++;
}

struct name_number event_types_take(struct event_types *types, struct str text)
{
    struct event_type *type;
    HASH_FIND(by_text, types->table, text.p, text.len, type);
    if (type == NULL) {
        type = x_calloc(1, sizeof *type);
        type->text = x_strndup(text.p, text.len);
        type->len = text.len;
        type->place = take_place(types);
        types->places[type->place].type = type;
        types->bytes += bytes_of(type);
        HASH_ADD_KEYPTR(by_text, types->table, type->text, type->len, type);
    }
    type->events++;
    return (struct name_number){type->place, types->places[type->place].use};
}

void event_types_give_back(struct event_types *types, struct name_number number)
{
    struct place *place = &types->places[number.place];
    assert(number.place < types->place_count && place->use == number.use && place->type != NULL);
    if (--place->type->events == 0) {
        forget(types, place->type);
        place->type = NULL;
        place->next_free = types->first_free;
        types->first_free = number.place;
    }
}

size_t event_types_count(const struct event_types *types)
{
    return HASH_CNT(by_text, types->table);
}

size_t event_types_bytes(const struct event_types *types)
{
    return types->bytes;
}
