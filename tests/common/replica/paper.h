/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the codec for replies share: a reply that was written, and how it parses. */
#ifndef TESTS_COMMON_REPLICA_PAPER_H
#define TESTS_COMMON_REPLICA_PAPER_H

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "tests/unit.h"

/* What was written, and parsed again. */
struct paper {
    struct buf bytes;
    struct mp_doc doc;
};

static int setup(void **state)
{
    struct paper *paper = x_calloc(1, sizeof *paper);
    mp_doc_init(&paper->doc);
    *state = paper;
    return 0;
}

static int teardown(void **state)
{
    struct paper *paper = *state;
    mp_doc_free(&paper->doc);
    buf_free(&paper->bytes);
    free(paper);
    return 0;
}

static inline const mp_value *parse(struct paper *paper)
{
    assert_int_equal(mp_parse(&paper->doc, paper->bytes.data, paper->bytes.len), STATUS_OK);
    return &paper->doc.root;
}

static inline void assert_bytes(const struct paper *paper, struct str expected)
{
    assert_int_equal(paper->bytes.len, expected.len);
    assert_memory_equal(paper->bytes.data, expected.p, expected.len);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
