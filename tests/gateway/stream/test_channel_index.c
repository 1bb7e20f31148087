/* SPDX-License-Identifier: Apache-2.0 */
/* Random sets of selections that come and go, against asking each of them. */
#include "tests/unit.h"

#include <stdio.h>

#include "common/base/error.h"
#include "gateway/stream/channel.h"
#include "gateway/stream/channel_index.h"
#include "tests/gateway/base/view_unit.h"

#define CHANNELS 200
#define NAMES 60
#define STEPS 6000

struct bench {
    struct channel_index *index;
    struct channel *channels[CHANNELS]; /* NULL: a free place. */
    const struct view *view;            /* What some may see. */
    uint32_t random;
};

static uint32_t below(struct bench *b, uint32_t limit)
{
    b->random = b->random * 1664525U + 1013904223U;
    return (uint32_t)(((uint64_t)(b->random >> 8) * limit) >> 24);
}

/* One of the names a0 to f9, or a pattern of them. */
static void put_wish(struct bench *b, char *out, size_t size, bool pattern)
{
    const int letter = 'a' + (int)below(b, 6);
    const unsigned digit = below(b, 10);
    switch (pattern ? below(b, 4) : 4) {
    case 0:
        snprintf(out, size, "%c*", letter);
        break;
    case 1:
        snprintf(out, size, "*%u", digit);
        break;
    case 2:
        snprintf(out, size, "%c*%u", letter, digit);
        break;
    case 3:
        snprintf(out, size, "*");
        break;
    default:
        snprintf(out, size, "%c%u", letter, digit);
        break;
    }
}

static struct channel *new_channel(struct bench *b)
{
    char text[64] = "";
    const uint32_t count = 1 + below(b, 4);
    const bool patterns = below(b, 2) == 0;
    for (uint32_t i = 0; i < count; i++) {
        char wish[8];
        put_wish(b, wish, sizeof wish, patterns && below(b, 2) == 0);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i != 0 ? "," : "", wish);
    }
    struct selection selection;
    assert_int_equal(selection_parse(&selection, text), STATUS_OK);
    if (below(b, 3) == 0 && !selection_narrow(&selection, b->view, VIEW_TILES)) {
        selection_free(&selection);
        return NULL;
    }
    struct channel *channel = channel_create(CHANNEL_TILES, CODING_NONE, &selection, 4096, 0);
    assert_non_null(channel);
    channel_index_add(b->index, channel);
    return channel;
}

static void drop(struct bench *b, size_t place)
{
    if (b->channels[place] != NULL) {
        channel_index_remove(b->index, b->channels[place]);
        channel_destroy(&b->channels[place]);
    }
}

static void compare(struct bench *b, uint32_t which)
{
    const char text[] = {(char)('a' + which / 10), (char)('0' + which % 10), '\0'};
    const struct str name = str_of(text);
    size_t count;
    struct channel *const *found =
        channel_index_find(b->index, name, (struct name_number){which, 1}, &count);
    size_t expected = 0;
    for (size_t i = 0; i < CHANNELS; i++) {
        const bool wants =
            b->channels[i] != NULL && selection_matches(&b->channels[i]->selection, name);
        size_t times = 0;
        for (size_t k = 0; k < count; k++) {
            times += b->channels[i] != NULL && found[k] == b->channels[i];
        }
        assert_int_equal(times, wants);
        expected += wants;
    }
    assert_int_equal(count, expected);
}

static void run(size_t kept_bytes, uint32_t seed)
{
    struct bench b = {.index = channel_index_create(kept_bytes),
                      .view = view_of("a*,*3,b7", "*", "*"),
                      .random = seed};
    for (uint32_t step = 0; step < STEPS; step++) {
        const uint32_t what = below(&b, 10);
        const size_t place = below(&b, step / 2000 % 2 == 0 ? CHANNELS : CHANNELS / 10);
        if (what < 4) {
            drop(&b, place);
            b.channels[place] = new_channel(&b);
        } else if (what < 5 + step / 2000 % 2 * 2) {
            drop(&b, below(&b, CHANNELS));
        } else {
            compare(&b, below(&b, NAMES));
        }
        assert_true(channel_index_bytes(b.index) <= kept_bytes);
    }
    for (size_t i = 0; i < CHANNELS; i++) {
        drop(&b, i);
    }
    channel_index_destroy(&b.index);
    view_release(&b.view);
}

static void finds_what_asking_each_finds(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3; seed++) {
        run(CHANNEL_INDEX_KEPT_BYTES, seed);
    }
}

static void finds_the_same_when_little_or_nothing_may_be_kept(void **state)
{
    (void)state;
    run(0, 4);
    run(4096, 5);
}

/* A number that was another name's is asked about anew. */
static void a_number_that_is_used_again_is_another_name(void **state)
{
    (void)state;
    struct channel_index *index = channel_index_create(CHANNEL_INDEX_KEPT_BYTES);
    struct selection selection;
    size_t count;
    assert_int_equal(selection_parse(&selection, "a*"), STATUS_OK);
    struct channel *channel = channel_create(CHANNEL_TILES, CODING_NONE, &selection, 4096, 0);
    channel_index_add(index, channel);
    (void)channel_index_find(index, STR("a1"), (struct name_number){7, 1}, &count);
    assert_int_equal(count, 1);
    (void)channel_index_find(index, STR("b1"), (struct name_number){7, 2}, &count);
    assert_int_equal(count, 0);
    channel_index_remove(index, channel);
    channel_destroy(&channel);
    channel_index_destroy(&index);
}

/* A change asks no pattern that was asked about its name before, however many channels came since.
 */
static void patterns_are_asked_once_and_new_ones_alone(void **state)
{
    (void)state;
    struct channel_index *index = channel_index_create(CHANNEL_INDEX_KEPT_BYTES);
    struct channel *channels[CHANNELS];
    const struct name_number number = {0, 1};
    uint64_t first = 0;
    size_t count;
    for (size_t i = 0; i < CHANNELS; i++) {
        char text[32];
        struct selection selection;
        snprintf(text, sizeof text, "*%zu*x*", i);
        assert_int_equal(selection_parse(&selection, text), STATUS_OK);
        channels[i] = channel_create(CHANNEL_TILES, CODING_NONE, &selection, 4096, 0);
        channel_index_add(index, channels[i]);
        for (int again = 0; again < 3; again++) {
            (void)channel_index_find(index, STR("no-1-x"), number, &count);
            assert_int_equal(count, i == 0 ? 0 : 1);
        }
        first = i == 0 ? selection_steps(&channels[0]->selection) : first;
        assert_int_equal(selection_steps(&channels[0]->selection), first);
    }
    assert_true(first != 0);
    for (size_t i = 0; i < CHANNELS; i++) {
        channel_index_remove(index, channels[i]);
        channel_destroy(&channels[i]);
    }
    channel_index_destroy(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_asking_each_finds),
        cmocka_unit_test(finds_the_same_when_little_or_nothing_may_be_kept),
        cmocka_unit_test(a_number_that_is_used_again_is_another_name),
        cmocka_unit_test(patterns_are_asked_once_and_new_ones_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
