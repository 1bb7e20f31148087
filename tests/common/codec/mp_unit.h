/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of MessagePack share: values written as JSON, and random ones. */
#ifndef TESTS_COMMON_CODEC_MP_UNIT_H
#define TESTS_COMMON_CODEC_MP_UNIT_H

#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/codec/mp.h"
#include "tests/unit.h"

/* JSON text to MessagePack, so that the tests can be read. */
static inline struct buf packed(const char *json)
{
    struct json_value *value;
    assert_int_equal(json_parse(str_of(json), SIZE_MAX, &value), STATUS_OK);
    struct buf out = {0};
    json_to_mp(&out, value);
    json_free(value);
    return out;
}

static inline void parse(struct mp_doc *doc, const struct buf *bytes)
{
    mp_doc_init(doc);
    assert_int_equal(mp_parse(doc, bytes->data, bytes->len), STATUS_OK);
}

static inline void assert_json(const struct buf *bytes, const char *json)
{
    struct mp_doc doc;
    parse(&doc, bytes);
    struct buf text = {0};
    json_write_value(&text, &doc.root);
    assert_string_equal(buf_cstr(&text), json);
    buf_free(&text);
    mp_doc_free(&doc);
}

static inline unsigned random_below(unsigned *seed, unsigned n)
{
    return (unsigned)rand_r(seed) % n;
}

static inline void put_random(struct buf *out, unsigned *seed, int depth);

static inline void put_random_map(struct buf *out, unsigned *seed, int depth)
{
    static const char *const keys[] = {"a", "b", "c", "d", "1795411920000", ""};
    struct mp_open_map map = mp_open_map(out);
    const unsigned start = random_below(seed, 6);
    for (unsigned i = 0; i < 6; i++) {
        if (random_below(seed, 2) != 0) {
            mp_put_text(out, keys[(start + i) % 6]);
            put_random(out, seed, depth + 1);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static inline void put_random(struct buf *out, unsigned *seed, int depth)
{
    switch (random_below(seed, depth > 3 ? 4 : 7)) {
    case 0:
        mp_put_int(out, (int64_t)random_below(seed, 5) - 2);
        break;
    case 1:
        mp_put_number(out, random_below(seed, 4) / 4.0);
        break;
    case 2:
        mp_put_text(out, random_below(seed, 2) != 0 ? "x" : "");
        break;
    case 3:
        mp_put_bool(out, random_below(seed, 2) != 0);
        break;
    case 4:
        mp_put_array(out, 2);
        put_random(out, seed, depth + 1);
        put_random(out, seed, depth + 1);
        break;
    default:
        put_random_map(out, seed, depth);
    }
}

#endif
