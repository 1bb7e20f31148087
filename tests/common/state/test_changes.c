/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/changes.h"

#include "common/base/xalloc.h"
#include "tests/common/state/state_unit.h"

static void test_lists_keep_their_order_and_values(void **state)
{
    (void)state;
    struct state_changes one = {0};
    struct state_changes two = {0};
    state_put(&one, ID(1, 2, 3), STR("a"));
    state_gone(&one, STATE_TILE_GONE, ID(1, 0, 0));
    buf_append_text(state_put_begin(&one, ID(0, 0, STATE_PLACE)), "here");
    state_put_end(&one);
    state_put(&two, ID(9, 9, 9), STR(""));
    state_changes_append(&two, &one);
    assert_changes(&two, "9/9/9= 1/2/3=a -1 0/0/1=here");
    state_changes_clear(&two);
    assert_changes(&two, "");
    assert_true(state_changes_bytes(&two) > 0);
    state_changes_free(&one);
    state_changes_free(&two);
}

static void test_a_record_of_the_whole_state_is_found(void **state)
{
    (void)state;
    struct state_changes changes = {0};
    state_put(&changes, ID(0, 0, STATE_PLACE), STR("here"));
    state_put(&changes, ID(1, 0, STATE_WAITING), STR("another's"));
    assert_true(str_is(state_whole(&changes, STATE_PLACE), "here"));
    assert_null(state_whole(&changes, STATE_WAITING).p);
    state_changes_free(&changes);
}

static void test_settling_leaves_what_is_to_become_of_each_record(void **state)
{
    (void)state;
    struct state_changes c = {0};
    state_put(&c, ID(2, 1, 1), STR("old"));
    state_put(&c, ID(1, 1, 0), STR("x"));
    state_put(&c, ID(2, 1, 1), STR("new"));
    state_put(&c, ID(3, 1, 1), STR("gone with its member"));
    state_gone(&c, STATE_MEMBER_GONE, ID(3, 1, 7));
    state_put(&c, ID(3, 2, 0), STR("stays"));
    state_put(&c, ID(4, 0, 0), STR("gone with its tile"));
    state_put(&c, ID(4, 1, 0), STR("too"));
    state_gone(&c, STATE_TILE_GONE, ID(4, 8, 8));
    state_put(&c, ID(4, 0, 0), STR("again"));
    state_put(&c, ID(5, 1, 2), STR("gone alone"));
    state_gone(&c, STATE_ITEM_GONE, ID(5, 1, 2));
    state_gone(&c, STATE_ITEM_GONE, ID(5, 1, 3));
    state_put(&c, ID(5, 1, 3), STR("back"));
    state_changes_settle(&c);
    assert_changes(&c, "1/1/0=x 2/1/1=new -3/1 3/2/0=stays -4 4/0/0=again -5/1/2 5/1/3=back");
    state_changes_free(&c);
}

static void test_settling_knows_when_all_was_gone(void **state)
{
    (void)state;
    struct state_changes c = {0};
    state_put(&c, ID(1, 1, 1), STR("before"));
    state_gone(&c, STATE_ALL_GONE, ID(0, 0, 0));
    state_put(&c, ID(0, 0, 1), STR("place"));
    state_put(&c, ID(1, 1, 2), STR("after"));
    state_changes_settle(&c);
    assert_changes(&c, "-all 0/0/1=place 1/1/2=after");
    state_changes_free(&c);
}

/* What becomes of the records by making the changes one by one, and by making the settled ones. */
#define TILES 3
#define MEMBERS 3
#define ITEMS 3

static void make(int records[TILES][MEMBERS][ITEMS], const struct state_changes *changes, bool puts)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct state_change *c = &changes->list[i];
        const struct str value = state_value(changes, c);
        for (uint64_t n = 0; n < TILES * MEMBERS * ITEMS; n++) {
            const struct state_id id = {n / 9, n / 3 % 3, n % 3};
            const bool tile = c->kind == STATE_ALL_GONE || id.tile == c->id.tile;
            const bool member = c->kind == STATE_ALL_GONE || c->kind == STATE_TILE_GONE ||
                                id.member == c->id.member;
            const bool item =
                (c->kind != STATE_PUT && c->kind != STATE_ITEM_GONE) || id.item == c->id.item;
            if (tile && member && item && (c->kind == STATE_PUT) == puts) {
                records[id.tile][id.member][id.item] = c->kind == STATE_PUT ? value.p[0] : 0;
            }
        }
    }
}

static void test_settled_changes_do_the_same_in_any_order(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        struct state_changes c = {0};
        int one[TILES][MEMBERS][ITEMS] = {{{0}}};
        int two[TILES][MEMBERS][ITEMS] = {{{0}}};
        for (int i = 0; i < 12; i++) {
            const int kind = rand_r(&seed) % 8;
            const struct state_id id = {(uint64_t)rand_r(&seed) % TILES,
                                        (uint64_t)rand_r(&seed) % MEMBERS,
                                        (uint64_t)rand_r(&seed) % ITEMS};
            const char letter = (char)('a' + i);
            if (kind < 4) {
                state_put(&c, id, (struct str){&letter, 1});
            } else {
                state_gone(&c, (enum state_change_kind)(kind - 3), id);
            }
            const struct state_changes last = {
                .list = &c.list[c.count - 1], .count = 1, .values = c.values};
            make(one, &last, true);
            make(one, &last, false);
        }
        state_changes_settle(&c);
        make(two, &c, false); /* as one statement would: what goes, and then what is put */
        make(two, &c, true);
        assert_memory_equal(one, two, sizeof one);
        state_changes_free(&c);
    }
}

static void test_a_sealed_value_is_known_again_by_its_place(void **state)
{
    (void)state;
    struct buf sealed = {0};
    struct str value;
    state_seal(&sealed, ID(1, 2, 3), STR("value"));
    assert_int_equal(sealed.len, 5 + STATE_SUM_BYTES);
    assert_true(state_unseal(ID(1, 2, 3), buf_str(&sealed), &value));
    assert_true(str_is(value, "value"));
    assert_false(state_unseal(ID(1, 3, 2), buf_str(&sealed), &value));
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_false(state_unseal(ID(1, 2, 3), buf_str(&sealed), &value));
        sealed.data[i] ^= 1;
        assert_false(state_unseal(ID(1, 2, 3), (struct str){sealed.data, i}, &value));
    }
    buf_free(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_keep_their_order_and_values),
        cmocka_unit_test(test_a_record_of_the_whole_state_is_found),
        cmocka_unit_test(test_settling_leaves_what_is_to_become_of_each_record),
        cmocka_unit_test(test_settling_knows_when_all_was_gone),
        cmocka_unit_test(test_settled_changes_do_the_same_in_any_order),
        cmocka_unit_test(test_a_sealed_value_is_known_again_by_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
