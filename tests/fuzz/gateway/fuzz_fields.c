/* SPDX-License-Identifier: Apache-2.0 */
/* What a token's claim shows of a tile: a patch that is narrowed leads from what was narrowed
 * before to what is narrowed now. Input: lines of JSON, a claim and a tile's data before and after.
 */
#include "common/base/error.h"
#include "common/codec/mp_patch.h"
#include "gateway/access/claim.h"
#include "gateway/stream/render/fields.h"
#include "tests/fuzz/fuzz.h"

struct document {
    struct buf bytes;
    struct mp_doc doc;
};

struct members {
    struct buf *out;
    size_t count;
};

static bool put_member(void *arg, struct str name, const struct json_value *value);

/* JSON as MessagePack, with the members that are null: those of patches. */
static void put_json(struct buf *out, const struct json_value *value)
{
    if (json_is_map(value)) {
        struct mp_open_map map = mp_open_map(out);
        struct members members = {out, 0};
        json_each(value, put_member, &members);
        map.count = members.count;
        mp_close_map(out, map);
    } else if (json_absent(value)) {
        mp_put_nil(out);
    } else {
        json_to_mp(out, value);
    }
}

static bool put_member(void *arg, struct str name, const struct json_value *value)
{
    struct members *members = arg;
    if (!json_is_unusable(value)) {
        mp_put_str(members->out, name);
        put_json(members->out, value);
        members->count++;
    }
    return true;
}

/* nulls: keep the members that are null. False when the text is no map. */
static bool read_json(struct str text, bool nulls, struct document *out)
{
    struct json_value *json = NULL;
    *out = (struct document){0};
    mp_doc_init(&out->doc);
    const bool read = json_parse_usable(text, text.len, &json) == STATUS_OK && json_is_map(json);
    if (read && nulls) {
        put_json(&out->bytes, json);
    } else if (read) {
        json_to_mp(&out->bytes, json);
    }
    json_free(json);
    return read && mp_parse(&out->doc, out->bytes.data, out->bytes.len) == STATUS_OK;
}

static void drop(struct document *document)
{
    mp_doc_free(&document->doc);
    buf_free(&document->bytes);
}

/* What a client has that is sent the data, or a patch of it. */
static void narrow(struct lens lens, const mp_value *data, bool patch, struct document *out)
{
    struct buf text = {0};
    fields_put_data(&text, lens, data, patch);
    FUZZ_CHECK(read_json(buf_str(&text), true, out));
    buf_free(&text);
}

static void check(struct lens lens, const mp_value *from, const mp_value *patch, const mp_value *to)
{
    struct document before;
    struct document change;
    struct document after;
    struct document merged = {0};
    narrow(lens, from, false, &before);
    narrow(lens, patch, true, &change);
    narrow(lens, to, false, &after);
    mp_merge(&merged.bytes, &before.doc.root, &change.doc.root);
    mp_doc_init(&merged.doc);
    FUZZ_CHECK(mp_parse(&merged.doc, merged.bytes.data, merged.bytes.len) == STATUS_OK);
    FUZZ_CHECK(mp_equal(&merged.doc.root, &after.doc.root, 0));
    drop(&before);
    drop(&change);
    drop(&after);
    drop(&merged);
}

static const struct view *read_claim(struct str text)
{
    struct json_value *json = NULL;
    const struct view *view = NULL;
    if (json_parse(text, text.len, &json) == STATUS_OK) {
        (void)claim_parse(json, &view, NULL);
    }
    json_free(json);
    return view;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    const struct view *view = read_claim(fuzz_take_line(&input));
    struct document from;
    struct document to;
    struct document patch = {0};
    const bool first = read_json(fuzz_take_line(&input), false, &from);
    const bool both = read_json(fuzz_take_line(&input), false, &to) && first;
    mp_doc_init(&patch.doc);
    if (view != NULL && view_shows(view, VIEW_TILES, STR("a")) && both &&
        mp_diff(&patch.bytes, &from.doc.root, &to.doc.root)) {
        FUZZ_CHECK(mp_parse(&patch.doc, patch.bytes.data, patch.bytes.len) == STATUS_OK);
        check(lens_of(view, VIEW_TILES, STR("a")), &from.doc.root, &patch.doc.root, &to.doc.root);
        fuzz_took();
    }
    drop(&from);
    drop(&to);
    drop(&patch);
    view_release(&view);
    return 0;
}
