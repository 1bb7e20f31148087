/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/shown.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "ctl/verify/diff.h"

struct shown_tile {
    struct buf value; /* a map */
    UT_hash_handle by_key;
    char key[];
};

struct shown {
    const struct oracle_view *view;
    struct shown_tile *tiles; /* uthash by key */
    struct mp_doc doc;        /* these two are used within shown_judge only */
    struct mp_doc other;
};

struct shown *shown_create(const struct oracle_view *view)
{
    struct shown *shown = x_calloc(1, sizeof *shown);
    shown->view = view;
    mp_doc_init(&shown->doc);
    mp_doc_init(&shown->other);
    return shown;
}

static void forget_all(struct shown *shown)
{
    struct shown_tile *tile;
    struct shown_tile *next;
    HASH_ITER(by_key, shown->tiles, tile, next)
    {
        HASH_DELETE(by_key, shown->tiles, tile);
        buf_free(&tile->value);
        free(tile);
    }
}

void shown_destroy(struct shown **shown_p)
{
    struct shown *shown = *shown_p;
    if (shown == NULL) {
        return;
    }
    forget_all(shown);
    mp_doc_free(&shown->doc);
    mp_doc_free(&shown->other);
    free(shown);
    *shown_p = NULL;
}

/* ---- What is shown ---- */

static struct shown_tile *find(const struct shown *shown, struct str key)
{
    struct shown_tile *tile;
    HASH_FIND(by_key, shown->tiles, key.p, key.len, tile);
    return tile;
}

struct reading {
    struct shown *shown;
    bool good;
};

static bool take_tile(void *arg, const struct json_value *item)
{
    struct reading *reading = arg;
    struct shown *shown = reading->shown;
    struct str key;
    reading->good = json_as_str(json_member(item, STR("key")), &key) && find(shown, key) == NULL;
    if (reading->good) {
        struct shown_tile *tile = x_calloc(1, sizeof *tile + key.len + 1);
        memcpy(tile->key, key.p, key.len);
        json_to_mp(&tile->value, item);
        HASH_ADD_KEYPTR(by_key, shown->tiles, tile->key, key.len, tile);
    }
    return reading->good;
}

/* Who may see no tile at all is told so, and that is nothing wrong here. */
int shown_fetch(struct shown *shown, struct web *web, struct error *err)
{
    struct buf body = {0};
    struct json_value *root = NULL;
    struct reading reading = {shown, false};
    forget_all(shown);
    int status = web_get(web, "/api/tiles", &body, err);
    if (status == STATUS_OK) {
        if (json_parse(buf_str(&body), body.len, &root) == STATUS_OK) {
            const struct json_value *tiles = json_member(root, STR("tiles"));
            reading.good = json_is_list(tiles);
            json_each_item(tiles, take_tile, &reading);
        }
        if (!reading.good) {
            status = error_set(err, STATUS_INVALID,
                               "what --http names does not answer as a gateway does: "
                               "/api/tiles is no list of tiles");
        }
    } else if (status == STATUS_DENIED) {
        status = STATUS_OK;
    }
    json_free(root);
    buf_free(&body);
    return status;
}

bool shown_may_be(const struct shown *shown, const char *key)
{
    return oracle_view_shows(shown->view, key);
}

bool shown_is(const struct shown *shown, const char *key)
{
    return find(shown, str_of(key)) != NULL;
}

void shown_each(struct shown *shown, void (*each)(void *arg, const char *key, struct str tile),
                void *arg)
{
    struct shown_tile *tile;
    struct shown_tile *next;
    HASH_ITER(by_key, shown->tiles, tile, next)
    {
        each(arg, tile->key, buf_str(&tile->value));
    }
}

/* ---- Whether it is right ---- */

/* The tile as its client should see it. Its staleness is the gateway's own finding, which looks at
 * the clock when it is asked; so that member is left out. */
static bool expect(struct shown *shown, const struct served_tile *tile, struct buf *out)
{
    struct buf json = {0};
    struct buf whole = {0};
    struct json_value *root = NULL;
    served_write_json(&json, tile);
    bool good = json_parse(buf_str(&json), json.len, &root) == STATUS_OK;
    if (good) {
        json_to_mp(&whole, root);
        good = mp_parse(&shown->doc, whole.data, whole.len) == STATUS_OK;
    }
    if (good) {
        oracle_view_tile(shown->view, tile->key, &shown->doc.root, out);
    }
    json_free(root);
    buf_free(&json);
    buf_free(&whole);
    return good;
}

static void put_without_stale(struct buf *out, const mp_value *tile)
{
    struct mp_open_map map = mp_open_map(out);
    for (size_t i = 0; i < mp_count(tile); i++) {
        struct str name;
        if (mp_as_str(&tile->via.map.ptr[i].key, &name) && !str_is(name, "stale")) {
            mp_put_value(out, &tile->via.map.ptr[i].key);
            mp_put_value(out, &tile->via.map.ptr[i].val);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static void note_difference(void *arg, const char *path, const mp_value *expected,
                            const mp_value *got)
{
    (void)path;
    (void)expected;
    (void)got;
    *(bool *)arg = true;
}

/* Nothing may be shown beside what is expected, in the outermost map neither. */
static bool differs(const mp_value *expected, const mp_value *got)
{
    bool found = mp_count(expected) != mp_count(got);
    diff_values(expected, got, VERIFY_TOLERANCE, note_difference, &found);
    return found;
}

static bool same_version(const mp_value *expected, const mp_value *got)
{
    struct str a;
    struct str b;
    return mp_as_str(mp_get(expected, "version"), &a) && mp_as_str(mp_get(got, "version"), &b) &&
           str_equal(a, b);
}

enum verdict shown_judge(struct shown *shown, const struct served_tile *tile, struct buf *expected,
                         struct buf *got)
{
    const struct shown_tile *is = find(shown, str_of(tile->key));
    struct buf should = {0};
    enum verdict verdict = VERDICT_SHOWN_OTHERWISE;
    buf_clear(expected);
    buf_clear(got);
    if (!expect(shown, tile, &should) ||
        mp_parse(&shown->doc, should.data, should.len) != STATUS_OK) {
        verdict = VERDICT_SHOWN_OTHERWISE; /* the served tile is none that a gateway could show */
    } else if (is == NULL) {
        put_without_stale(expected, &shown->doc.root);
        verdict = VERDICT_NOT_SHOWN;
    } else if (mp_parse(&shown->other, is->value.data, is->value.len) == STATUS_OK) {
        put_without_stale(expected, &shown->doc.root);
        put_without_stale(got, &shown->other.root);
        (void)mp_parse(&shown->doc, expected->data, expected->len);
        (void)mp_parse(&shown->other, got->data, got->len);
        verdict = !same_version(&shown->doc.root, &shown->other.root) ? VERDICT_SHOWN_LATE
                  : differs(&shown->doc.root, &shown->other.root)     ? VERDICT_SHOWN_OTHERWISE
                                                                      : VERDICT_EQUAL;
    }
    buf_free(&should);
    return verdict;
}
