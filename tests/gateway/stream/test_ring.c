/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "common/base/error.h"
#include "gateway/stream/ring.h"

static void wrap(size_t size)
{
    struct ring ring = {0};
    assert_int_equal(ring_take(&ring, size), STATUS_OK);
    assert_in_range(ring.size, size, size + 4095);
    assert_int_equal(ring_is_mapped(&ring), size >= RING_MAPPED_BYTES);
    char filler[60000];
    memset(filler, 'a', sizeof filler);
    ring_append(&ring, (struct str){filler, sizeof filler});
    ring.tail = ring.head;
    const uint64_t at = ring.head;
    memset(filler, 'b', sizeof filler);
    filler[sizeof filler - 1] = 'z';
    ring_append(&ring, (struct str){filler, sizeof filler});
    const struct str got = ring_from(&ring, at);
    assert_int_equal(got.len, sizeof filler);
    assert_memory_equal(got.p, filler, sizeof filler);
    ring_give_back(&ring);
}

static void wraps_in_one_piece(void **state)
{
    (void)state;
    wrap(RING_MAPPED_BYTES);
    wrap(RING_MAPPED_BYTES + 1);
    wrap(60001); /* of the heap */
}

static void positions_outlive_the_memory(void **state)
{
    (void)state;
    struct ring ring = {0};
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(ring_take(&ring, i % 2 == 0 ? 256 : RING_MAPPED_BYTES), STATUS_OK);
        ring_append(&ring, STR("frame"));
        assert_int_equal(ring.head, 5 * (i + 1));
        assert_true(str_is(ring_from(&ring, 5 * i), "frame"));
        ring_give_back(&ring);
        assert_int_equal(ring.size, 0);
        assert_int_equal(ring.tail, ring.head);
        assert_int_equal(ring_from(&ring, ring.head).len, 0);
    }
}

static void positions_survive_growth(void **state)
{
    (void)state;
    struct ring ring = {0};
    assert_int_equal(ring_take(&ring, 1024), STATUS_OK);
    const size_t last_size = 2 * RING_MAPPED_BYTES;
    unsigned char expected[700000];
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (unsigned char)(i * 7 + i / 251);
    }
    size_t written = 0;
    while (written + 1000 <= sizeof expected) {
        if (ring.size - (size_t)(ring.head - ring.tail) < 1000) {
            if (ring.size < last_size) {
                assert_int_equal(ring_grow(&ring), STATUS_OK);
            } else {
                ring.tail += 1000;
            }
        }
        ring_append(&ring, (struct str){(const char *)expected + written, 1000});
        written += 1000;
        const struct str kept = ring_from(&ring, ring.tail);
        assert_memory_equal(kept.p, expected + ring.tail, kept.len);
        assert_int_equal(ring.tail + kept.len, written);
    }
    assert_int_equal(ring.size, last_size);
    ring_give_back(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wraps_in_one_piece),
        cmocka_unit_test(positions_outlive_the_memory),
        cmocka_unit_test(positions_survive_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
