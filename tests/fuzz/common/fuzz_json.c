/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of payloads: what is read of it is the same after it went through MessagePack and was
 * written and read again; and its outline says of each value what its document says. Input: the
 * text. */
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/codec/json_outline.h"
#include "common/codec/mp_patch.h"
#include "tests/fuzz/fuzz.h"

/* Reads the text as a payload; false when it is none. */
static bool read_payload(struct str text, struct mp_doc *doc, struct buf *bytes)
{
    struct json_value *json;
    const int status = json_parse_usable(text, text.len, &json);
    FUZZ_CHECK((status == STATUS_OK) == (json != NULL));
    mp_doc_init(doc);
    if (status == STATUS_OK) {
        json_to_mp(bytes, json);
        FUZZ_CHECK(mp_parse(doc, bytes->data, bytes->len) == STATUS_OK);
    }
    json_free(json);
    return status == STATUS_OK;
}

/* ---- Outlines ---- */

#define DEPTH_MAX 20

/* The outline's value that is to be the same as one of the document. */
struct walk {
    const struct json_outline *outline;
    const struct json_node *node;
    size_t item;
    int depth;
};

static void check_value(const struct walk *walk, const struct json_value *json);

static void check_child(const struct walk *walk, struct str path, const struct json_value *json)
{
    const struct json_node *node = json_outline_at(walk->outline, walk->node, path);
    FUZZ_CHECK(node != NULL);
    check_value(&(struct walk){.outline = walk->outline, .node = node, .depth = walk->depth + 1},
                json);
}

/* Names with dots cannot be asked for. */
static bool check_member(void *arg, struct str name, const struct json_value *json)
{
    if (name.len != 0 && memchr(name.p, '.', name.len) == NULL) {
        check_child(arg, name, json);
    }
    return true;
}

static bool check_item(void *arg, const struct json_value *json)
{
    struct walk *walk = arg;
    char name[24];
    const int len = snprintf(name, sizeof name, "%zu", walk->item++);
    check_child(walk, (struct str){name, (size_t)len}, json);
    return true;
}

static void check_scalar(const struct walk *walk, const struct json_value *json)
{
    struct buf scratch = {0};
    struct str a;
    struct str b;
    int64_t i;
    int64_t k;
    double x;
    double y;
    const bool text = json_as_str(json, &a);
    FUZZ_CHECK(json_outline_text(walk->outline, walk->node, &scratch, &b) == text);
    FUZZ_CHECK(!text || str_equal(a, b));
    const bool integer = json_as_int(json, &i);
    FUZZ_CHECK(json_outline_integer(walk->outline, walk->node, &k) == integer);
    FUZZ_CHECK(!integer || i == k);
    const bool number = json_as_number(json, &x);
    FUZZ_CHECK(json_outline_number(walk->outline, walk->node, &y) == number);
    FUZZ_CHECK(!number || (x >= y && x <= y));
    FUZZ_CHECK(!json_as_digits(json, &a) ||
               str_equal(json_outline_raw(walk->outline, walk->node), a));
    FUZZ_CHECK(json_absent(json) == json_outline_absent(walk->node));
    buf_free(&scratch);
}

static void check_value(const struct walk *walk, const struct json_value *json)
{
    struct walk children = *walk;
    check_scalar(walk, json);
    FUZZ_CHECK(json_is_map(json) == (walk->node->kind == OUTLINE_MAP));
    FUZZ_CHECK(json_is_list(json) == (walk->node->kind == OUTLINE_LIST));
    if (walk->depth < DEPTH_MAX) {
        json_each(json, check_member, &children);
        json_each_item(json, check_item, &children);
    }
}

static void check_outline(struct str text)
{
    struct json_outline outline = {0};
    struct json_value *json;
    const bool usable = json_parse_usable(text, text.len, &json) == STATUS_OK;
    FUZZ_CHECK(json_outline_read(&outline, text) == usable);
    if (usable) {
        check_value(&(struct walk){.outline = &outline, .node = json_outline_root(&outline)}, json);
    }
    json_free(json);
    json_outline_free(&outline);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct str text = fuzz_text(data, len);
    struct json_value *strict;
    struct mp_doc doc;
    struct buf bytes = {0};
    const bool json = json_parse(text, len, &strict) == STATUS_OK;
    const bool usable = read_payload(text, &doc, &bytes);
    check_outline(text);
    FUZZ_CHECK(usable || !json); /* What is JSON is usable, too. */
    if (usable) {
        struct buf written = {0};
        struct buf bytes_again = {0};
        struct mp_doc again;
        fuzz_took();
        json_write_value(&written, &doc.root);
        FUZZ_CHECK(read_payload(buf_str(&written), &again, &bytes_again));
        FUZZ_CHECK(mp_equal(&doc.root, &again.root, 0));
        mp_doc_free(&again);
        buf_free(&bytes_again);
        buf_free(&written);
    }
    mp_doc_free(&doc);
    buf_free(&bytes);
    json_free(strict);
    return 0;
}
