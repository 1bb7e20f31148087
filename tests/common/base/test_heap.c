/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/heap.h"

#include "tests/unit.h"

#define ITEMS 200

static int compare_keys(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check(const struct heap *heap, const struct heap_item *items)
{
    for (size_t i = 0; i < heap->count; i++) {
        assert_int_equal(heap->slots[i].item->index, i);
        assert_true(heap->slots[i].key == heap->slots[i].item->key);
        assert_true(i == 0 || heap->slots[(i - 1) / HEAP_CHILDREN].key <= heap->slots[i].key);
    }
    int64_t keys[ITEMS];
    size_t count = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        if (heap_contains(&items[i])) {
            keys[count++] = items[i].key;
        }
    }
    assert_int_equal(count, heap->count);
    qsort(keys, count, sizeof *keys, compare_keys);
    struct heap_item *smallest[HEAP_SMALLEST_MAX];
    const size_t found = heap_smallest(heap, smallest, HEAP_SMALLEST_MAX);
    assert_int_equal(found, count < HEAP_SMALLEST_MAX ? count : HEAP_SMALLEST_MAX);
    for (size_t i = 0; i < found; i++) {
        assert_int_equal(smallest[i]->key, keys[i]);
    }
}

static void test_random_moves(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    struct heap heap = {0};
    struct heap_item items[ITEMS];
    for (size_t i = 0; i < ITEMS; i++) {
        items[i].index = HEAP_NONE;
    }
    for (int round = 0; round < 20000; round++) {
        struct heap_item *item = &items[rand_r(&seed) % ITEMS];
        if (rand_r(&seed) % 3 == 0) {
            heap_remove(&heap, item);
            assert_false(heap_contains(item));
        } else {
            heap_set(&heap, item, rand_r(&seed) % 1000 - 500);
            assert_true(heap_contains(item));
        }
        if (round % 100 == 0) {
            check(&heap, items);
        }
    }
    int64_t last = INT64_MIN;
    for (struct heap_item *top; (top = heap_top(&heap)) != NULL;) {
        assert_true(top->key >= last);
        last = top->key;
        heap_remove(&heap, top);
    }
    assert_int_equal(heap.count, 0);
    heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_moves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
