/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of a stream holds: tiles by their keys, as it has been told. */
#ifndef TESTS_GATEWAY_STREAM_HELD_H
#define TESTS_GATEWAY_STREAM_HELD_H

#include "tests/unit.h"

#include <jansson.h>

#include "common/store/store.h"
#include "common/store/store_list.h"
#include "gateway/base/selection.h"
#include "gateway/stream/render/render.h"

/* RFC 7396. */
static inline void held_merge(json_t *target, json_t *patch)
{
    const char *name;
    json_t *value;
    json_object_foreach(patch, name, value)
    {
        json_t *old = json_object_get(target, name);
        if (json_is_null(value)) {
            json_object_del(target, name);
        } else if (json_is_object(value) && json_is_object(old)) {
            held_merge(old, value);
        } else {
            json_object_set(target, name, value);
        }
    }
}

static inline void held_patch(json_t *tiles, json_t *patch)
{
    json_t *tile = json_object_get(tiles, json_string_value(json_object_get(patch, "key")));
    assert_non_null(tile); /* a patch for a tile that it was never given */
    assert_string_equal(json_string_value(json_object_get(tile, "version")),
                        json_string_value(json_object_get(patch, "base")));
    json_object_set(tile, "version", json_object_get(patch, "version"));
    json_object_set_new(tile, "stale", json_false()); /* what changes is not stale */
    held_merge(tile, json_object_get(patch, "patch"));
}

/* A message of a stream of tiles: its name and its data. */
static inline void held_take(json_t *tiles, const char *event, json_t *data)
{
    const char *key = json_string_value(json_object_get(data, "key"));
    if (strcmp(event, "reset") == 0) {
        json_object_clear(tiles);
    } else if (strcmp(event, "tile") == 0) {
        json_object_set(tiles, key, data);
    } else if (strcmp(event, "patch") == 0) {
        held_patch(tiles, data);
    } else {
        assert_string_equal(event, "expired");
        json_object_del(tiles, key);
    }
}

struct held_comparison {
    json_t *tiles;
    const struct selection *selection;
    size_t count;
};

static inline bool held_compare_one(void *arg, const struct tile *tile)
{
    struct held_comparison *comparison = arg;
    const struct str key = {tile->key, tile->key_len};
    if (!selection_matches(comparison->selection, key)) {
        return true;
    }
    comparison->count++;
    const struct lens lens = selection_lens(comparison->selection, key);
    const struct str text = render_tile_json(render_tile(tile, lens));
    json_t *expected = json_loadb(text.p, text.len, 0, NULL);
    const json_t *held = json_object_get(comparison->tiles, tile->key);
    assert_non_null(held);
    static const char *const members[] = {"version", "stale", "data", "type"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        assert_true(
            json_equal(json_object_get(held, members[i]), json_object_get(expected, members[i])));
    }
    json_decref(expected);
    return true;
}

/* Fails unless each selected tile of the store is held as it may be seen. Returns how many there
 * are. */
static inline size_t held_compare(json_t *tiles, const struct store *store,
                                  const struct selection *selection)
{
    struct held_comparison comparison = {tiles, selection, 0};
    store_list(store, STR(""), held_compare_one, &comparison);
    return comparison.count;
}

#endif
