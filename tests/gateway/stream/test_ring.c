/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "common/base/error.h"
#include "gateway/stream/ring.h"

static void wraps_in_one_piece(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, 1), STATUS_OK);
    assert_int_equal(ring.size % 4096, 0);
    char filler[3000];
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
    ring_finish(&ring);
}

static void positions_survive_growth(void **state)
{
    (void)state;
    struct ring ring;
    assert_int_equal(ring_init(&ring, 4096), STATUS_OK);
    const size_t first_size = ring.size;
    unsigned char expected[70000];
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (unsigned char)(i * 7 + i / 251);
    }
    size_t written = 0;
    while (written + 1000 <= sizeof expected) {
        if (ring.size - (size_t)(ring.head - ring.tail) < 1000) {
            if (ring.size < 8 * first_size) {
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
    assert_int_equal(ring.size, 8 * first_size);
    ring_finish(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wraps_in_one_piece),
        cmocka_unit_test(positions_survive_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
