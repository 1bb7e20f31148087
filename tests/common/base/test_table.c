/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/table.h"

#include "common/base/xalloc.h"
#include "tests/unit.h"

#define ENTRIES 20000
#define LONGEST_CHAIN 100

struct entry {
    uint32_t key[3];
    UT_hash_handle by_key;
};

/* Turns one round of Jenkins' mixing around, whose shift is to the right or to the left. */
static void unmix(uint32_t *x, uint32_t y, uint32_t z, uint32_t shifted)
{
    *x ^= shifted;
    *x += z;
    *x += y;
}

static void unmix_all(uint32_t v[3])
{
    static const struct {
        unsigned right;
        unsigned left;
        unsigned last;
    } rounds[] = {{3, 10, 15}, {12, 16, 5}, {13, 8, 13}};
    for (size_t i = 0; i < 3; i++) {
        unmix(&v[2], v[0], v[1], v[1] >> rounds[i].last);
        unmix(&v[1], v[2], v[0], v[0] << rounds[i].left);
        unmix(&v[0], v[1], v[2], v[2] >> rounds[i].right);
    }
}

/* A key of 12 bytes that has the hash 7 by uthash's own function: any state that ends in 7, with
 * what that function does to a key of this length turned around. */
static void choose_key(uint32_t key[3], uint32_t i)
{
    uint32_t v[3] = {i, i * 2654435761U, 7};
    unmix_all(v);
    v[2] -= 12;
    unmix_all(v);
    key[0] = v[0] - 0x9e3779b9U;
    key[1] = v[1] - 0x9e3779b9U;
    key[2] = v[2] - 0xfeedbeefU;
}

static void keys_that_are_chosen_do_not_fall_together(void **state)
{
    (void)state;
    struct entry *entries = x_calloc(ENTRIES, sizeof *entries);
    struct entry *table = NULL;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        unsigned hash;
        choose_key(entries[i].key, i);
        HASH_JEN(entries[i].key, sizeof entries[i].key, hash);
        assert_int_equal(hash, 7); /* They are chosen well. */
        HASH_ADD(by_key, table, key, sizeof entries[i].key, &entries[i]);
    }
    const UT_hash_table *info = table->by_key.tbl;
    for (unsigned i = 0; i < info->num_buckets; i++) {
        assert_true(info->buckets[i].count < LONGEST_CHAIN);
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        struct entry *found;
        HASH_FIND(by_key, table, entries[i].key, sizeof entries[i].key, found);
        assert_ptr_equal(found, &entries[i]);
    }
    HASH_CLEAR(by_key, table);
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_are_chosen_do_not_fall_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
