/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/event_types.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/table.h"

#include "common/base/match/numbering.h"
#include "common/base/xalloc.h"

struct event_type {
    char *text;
    size_t len;
    size_t events; /* How many have it. */
    struct name_number number;
    UT_hash_handle by_text;
};

struct event_types {
    struct event_type *table;
    struct numbering numbering;
    struct event_type **by_place; /* NULL: no type has the place. */
    size_t place_cap;
    size_t bytes;
};

struct event_types *event_types_create(void)
{
    return x_calloc(1, sizeof(struct event_types));
}

static size_t bytes_of(const struct event_type *type)
{
    return sizeof *type + sizeof type + type->len;
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
    numbering_free(&types->numbering);
    free(types->by_place);
    free(types);
    *types_p = NULL;
}

static void take_place(struct event_types *types, struct event_type *type)
{
    type->number = numbering_take(&types->numbering);
    if (type->number.place >= types->place_cap) {
        types->place_cap = types->place_cap != 0 ? types->place_cap * 2 : 16;
        types->by_place =
            x_reallocarray(types->by_place, types->place_cap, sizeof(struct event_type *));
    }
    types->by_place[type->number.place] = type;
}

struct name_number event_types_take(struct event_types *types, struct str text)
{
    struct event_type *type;
    HASH_FIND(by_text, types->table, text.p, text.len, type);
    if (type == NULL) {
        type = x_calloc(1, sizeof *type);
        type->text = x_strndup(text.p, text.len);
        type->len = text.len;
        take_place(types, type);
        types->bytes += bytes_of(type);
        HASH_ADD_KEYPTR(by_text, types->table, type->text, type->len, type);
    }
    type->events++;
    return type->number;
}

void event_types_give_back(struct event_types *types, struct name_number number)
{
    struct event_type *type = types->by_place[number.place];
    assert(type != NULL && type->number.use == number.use);
    if (--type->events == 0) {
        numbering_give_back(&types->numbering, number);
        types->by_place[number.place] = NULL;
        forget(types, type);
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
