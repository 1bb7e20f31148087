/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/saved/fold_places.h"

#include <stdlib.h>

#include <utlist.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"

static struct state_id id_of(uint64_t number)
{
    return (struct state_id){.member = STATE_RETIRED_PLACES, .item = number};
}

static void free_place(struct fold_place *place)
{
    union {
        const char *in;
        char *out;
    } owned = {.in = place->bytes.p};
    free(owned.out);
    free(place);
}

void fold_places_free(struct fold_places *places)
{
    struct fold_place *place;
    struct fold_place *next;
    LL_FOREACH_SAFE(places->list, place, next)
    {
        free_place(place);
    }
    state_changes_free(&places->gone);
    *places = (struct fold_places){0};
}

static struct fold_place *find(const struct fold_places *places, struct str bytes)
{
    struct fold_place *place;
    LL_FOREACH(places->list, place)
    {
        if (str_equal(place->bytes, bytes)) {
            return place;
        }
    }
    return NULL;
}

bool fold_places_fit(const struct fold_places *places, struct str bytes)
{
    return places->bytes + bytes.len <= PLACES_BYTES_MAX || find(places, bytes) != NULL;
}

static struct fold_place *add(struct fold_places *places, struct str bytes)
{
    struct fold_place *place = x_calloc(1, sizeof *place);
    place->bytes = (struct str){x_strndup(bytes.p, bytes.len), bytes.len};
    places->bytes += bytes.len;
    LL_PREPEND(places->list, place);
    return place;
}

struct fold_place *fold_place_take(struct fold_places *places, struct str bytes)
{
    struct fold_place *place = find(places, bytes);
    if (place == NULL) {
        place = add(places, bytes);
        place->number = bytes.len > PLACE_SHORT_MAX ? ++places->numbers : 0;
    }
    place->users++;
    return place;
}

static void drop(struct fold_places *places, struct fold_place *place)
{
    if (place->recorded) {
        state_gone(&places->gone, STATE_ITEM_GONE, id_of(place->number));
    }
    places->bytes -= place->bytes.len;
    LL_DELETE(places->list, place);
    free_place(place);
}

void fold_place_leave(struct fold_places *places, struct fold_place **place)
{
    struct fold_place *left = *place;
    *place = NULL;
    if (left != NULL && --left->users == 0) {
        drop(places, left);
    }
}

void fold_places_save(struct fold_places *places, struct state_changes *out)
{
    struct fold_place *place;
    state_changes_append(out, &places->gone);
    state_changes_clear(&places->gone);
    LL_FOREACH(places->list, place)
    {
        if (place->number != 0 && !place->recorded) {
            mp_put_bin(state_put_begin(out, id_of(place->number)), place->bytes);
            state_put_end(out);
            place->recorded = true;
        }
    }
}

void fold_places_unsave(struct fold_places *places)
{
    struct fold_place *place;
    state_changes_clear(&places->gone);
    LL_FOREACH(places->list, place)
    {
        place->recorded = false;
    }
}

/* ---- Loading ---- */

static void load(struct fold_places *places, uint64_t number, struct str value)
{
    struct mp_doc doc;
    struct str bytes;
    mp_doc_init(&doc);
    if (mp_parse(&doc, value.p, value.len) == STATUS_OK && mp_as_bin(&doc.root, &bytes)) {
        struct fold_place *place = add(places, bytes);
        place->number = number;
        place->recorded = true;
        place->users = 1; /* until all tiles are loaded */
    }
    mp_doc_free(&doc);
}

void fold_places_load(struct fold_places *places, const struct state_changes *saved)
{
    for (size_t i = 0; i < saved->count && saved->list[i].id.tile == 0; i++) {
        const struct state_change *change = &saved->list[i];
        if (change->id.member == STATE_RETIRED_PLACES) {
            places->numbers = change->id.item;
            if (change->kind == STATE_PUT) {
                load(places, change->id.item, state_value(saved, change));
            } else {
                state_gone(&places->gone, STATE_ITEM_GONE, change->id);
            }
        }
    }
}

struct str fold_places_find(const struct fold_places *places, uint64_t number)
{
    struct fold_place *place;
    LL_FOREACH(places->list, place)
    {
        if (place->number == number && number != 0) {
            return place->bytes;
        }
    }
    return STR_NULL;
}

void fold_places_loaded(struct fold_places *places)
{
    struct fold_place *place;
    struct fold_place *next;
    LL_FOREACH_SAFE(places->list, place, next)
    {
        struct fold_place *held = place->recorded ? place : NULL; /* others are of this start */
        fold_place_leave(places, &held);
    }
}
