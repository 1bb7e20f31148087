/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/ranking.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/table.h"

#include "common/base/heap.h"
#include "common/base/xalloc.h"
#include "ingestor/fold/types/exact.h"

struct counter {
    struct heap_item place; /* among all, by weight; in no heap while nothing is approximated */
    double weight;          /* of its rows; never too small */
    double taken;           /* of it, what it took over from others */
    double sum;             /* of the values, with `exact`: see exact_take */
    struct exact *exact;    /* owned; NULL while a double holds the sum */
    UT_hash_handle by_name; /* in ranking.table */
    uint32_t len;           /* bytes of `name` */
    char name[];
};

struct ranking {
    bool sums;             /* values are summed up */
    bool approximates;     /* a group had to take a counter over */
    double error;          /* of a ranking that others were added to: theirs together */
    struct counter *table; /* uthash by name; owned */
    struct heap lightest;  /* all counters, once it approximates */
};

/* ---- Counters ---- */

static bool name_before(const struct counter *a, const struct counter *b)
{
    const int order = memcmp(a->name, b->name, a->len < b->len ? a->len : b->len);
    return order != 0 ? order < 0 : a->len < b->len;
}

static bool place_before(const struct heap_item *a, const struct heap_item *b)
{
    return name_before(heap_const_entry(a, struct counter, place),
                       heap_const_entry(b, struct counter, place));
}

/* Doubles that are not negative are in the order of their bits. */
static int64_t key_of(double weight)
{
    int64_t key;
    memcpy(&key, &weight, sizeof key);
    return key;
}

static double weight_of_key(int64_t key)
{
    double weight;
    memcpy(&weight, &key, sizeof weight);
    return weight;
}

/* The sum, or the double above it; the largest double at most. */
static double add_up(double a, double b)
{
    const double sum = a + b;
    const double added = sum - a;
    const double lost = (a - (sum - added)) + (b - added);
    const double up = lost > 0 ? nextafter(sum, INFINITY) : sum;
    return fmin(up, DBL_MAX);
}

static struct counter *find(const struct ranking *ranking, struct str name)
{
    struct counter *counter;
    HASH_FIND(by_name, ranking->table, name.p, name.len, counter);
    return counter;
}

static struct counter *add_counter(struct ranking *ranking, struct str name)
{
    struct counter *counter = x_calloc(1, sizeof *counter + name.len);
    counter->place.index = HEAP_NONE;
    counter->len = (uint32_t)name.len;
    memcpy(counter->name, name.p, name.len);
    HASH_ADD_KEYPTR(by_name, ranking->table, counter->name, counter->len, counter);
    return counter;
}

static void remove_counter(struct ranking *ranking, struct counter *counter)
{
    HASH_DELETE(by_name, ranking->table, counter);
    free(counter->exact);
    free(counter);
}

static struct number sum_of(const struct counter *counter)
{
    struct number sum = number_of_real(counter->sum);
    if (counter->exact != NULL && !exact_number(counter->exact, &sum)) {
        sum = number_of_real(copysign(DBL_MAX, sum.value));
    }
    return sum;
}

/* ---- Rows ---- */

struct ranking *ranking_create(bool sums)
{
    struct ranking *ranking = x_calloc(1, sizeof *ranking);
    ranking->sums = sums;
    ranking->lightest.tie_before = place_before;
    return ranking;
}

void ranking_destroy(struct ranking **ranking_p)
{
    struct ranking *ranking = *ranking_p;
    if (ranking == NULL) {
        return;
    }
    struct counter *counter;
    struct counter *next;
    HASH_ITER(by_name, ranking->table, counter, next)
    {
        remove_counter(ranking, counter);
    }
    heap_free(&ranking->lightest);
    free(ranking);
    *ranking_p = NULL;
}

bool ranking_sums(const struct ranking *ranking)
{
    return ranking->sums;
}

size_t ranking_count(const struct ranking *ranking)
{
    return HASH_CNT(by_name, ranking->table);
}

static void approximate(struct ranking *ranking)
{
    ranking->approximates = true;
    for (struct counter *counter = ranking->table; counter != NULL;
         counter = counter->by_name.next) {
        heap_set(&ranking->lightest, &counter->place, key_of(counter->weight));
    }
}

/* A counter for a group that has none, with what the lightest one had. */
static struct counter *take_over(struct ranking *ranking, struct str name)
{
    if (!ranking->approximates) {
        approximate(ranking);
    }
    struct counter *old = heap_entry(ranking->lightest.slots[0].item, struct counter, place);
    struct counter *counter = add_counter(ranking, name);
    counter->weight = old->weight;
    counter->taken = old->weight;
    counter->sum = old->sum;
    counter->exact = old->exact;
    old->exact = NULL;
    heap_remove(&ranking->lightest, &old->place);
    remove_counter(ranking, old);
    return counter;
}

static struct str cut(struct str name)
{
    if (name.len > RANKING_GROUP_MAX) {
        name.len = RANKING_GROUP_MAX;
        while (name.len > 0 && ((unsigned char)name.p[name.len] & 0xc0) == 0x80) {
            name.len--;
        }
    }
    return name;
}

void ranking_add(struct ranking *ranking, struct str group, struct number value)
{
    const struct str name = cut(group);
    struct counter *counter = find(ranking, name);
    if (counter == NULL) {
        counter = ranking_count(ranking) < RANKING_EXACT_MAX ? add_counter(ranking, name)
                                                             : take_over(ranking, name);
    }
    if (ranking->sums) {
        exact_take(&counter->sum, &counter->exact, value);
    }
    const double weight = ranking->sums ? fabs(value.value) + abs(value.rest) : 1;
    counter->weight = add_up(counter->weight, weight);
    if (ranking->approximates) {
        heap_set(&ranking->lightest, &counter->place, key_of(counter->weight));
    }
}

static void add_sum(double *sum, struct exact **exact, const struct counter *counter)
{
    if (counter->exact == NULL) {
        exact_take(sum, exact, number_of_real(counter->sum));
        return;
    }
    if (*exact == NULL) {
        exact_add(exact, *sum);
    }
    exact_add_sum(exact, counter->exact);
}

void ranking_add_all(struct ranking *ranking, const struct ranking *other)
{
    for (const struct counter *from = other->table; from != NULL; from = from->by_name.next) {
        const struct str name = {from->name, from->len};
        struct counter *counter = find(ranking, name);
        if (counter == NULL) {
            counter = add_counter(ranking, name);
        }
        counter->weight = add_up(counter->weight, from->weight);
        add_sum(&counter->sum, &counter->exact, from);
    }
    ranking->approximates = ranking->approximates || other->approximates;
    ranking->error = add_up(ranking->error, ranking_error(other));
}

/* ---- What it says ---- */

bool ranking_approximates(const struct ranking *ranking)
{
    return ranking->approximates;
}

double ranking_error(const struct ranking *ranking)
{
    const struct heap_item *lightest = heap_top(&ranking->lightest);
    return lightest != NULL ? weight_of_key(lightest->key) : ranking->error;
}

/* What is not among the largest, together. */
struct rest {
    double sum;
    struct exact *exact;
};

static void leave_out(const struct ranking *ranking, struct rest *rest,
                      const struct counter *counter)
{
    if (ranking->sums) {
        add_sum(&rest->sum, &rest->exact, counter);
    } else {
        rest->sum += counter->weight;
    }
}

/* A counter of those that are the largest so far. */
struct candidate {
    const struct counter *counter;
    struct number value;
};

static bool goes_before(const struct candidate *a, const struct candidate *b)
{
    return number_less(b->value, a->value) ||
           (number_equal(a->value, b->value) && name_before(a->counter, b->counter));
}

size_t ranking_best(const struct ranking *ranking, size_t max, struct ranking_group *out,
                    struct number *other)
{
    struct candidate *best = x_calloc(max + 1, sizeof *best);
    struct rest rest = {0};
    size_t count = 0;
    for (const struct counter *counter = ranking->table; counter != NULL;
         counter = counter->by_name.next) {
        const struct candidate one = {counter, ranking->sums ? sum_of(counter)
                                                             : number_of_real(counter->weight)};
        size_t at = count;
        for (; at > 0 && goes_before(&one, &best[at - 1]); at--) {
            best[at] = best[at - 1];
        }
        best[at] = one;
        if (count == max) {
            leave_out(ranking, &rest, best[max].counter);
        } else {
            count++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        out[i].name = (struct str){best[i].counter->name, best[i].counter->len};
        out[i].value = best[i].value;
    }
    const struct counter all = {.sum = rest.sum, .exact = rest.exact};
    *other = sum_of(&all);
    free(rest.exact);
    free(best);
    return count;
}

/* ---- Saving and loading ---- */

void ranking_save(const struct ranking *ranking, struct buf *out)
{
    mp_put_array(out, 1 + ranking_count(ranking));
    mp_put_bool(out, ranking->approximates);
    for (const struct counter *counter = ranking->table; counter != NULL;
         counter = counter->by_name.next) {
        mp_put_array(out, ranking->sums ? 4 : 3);
        mp_put_bin(out, (struct str){counter->name, counter->len}); /* it may be no UTF-8 */
        number_put(out, number_of_real(counter->weight));
        number_put(out, number_of_real(counter->taken));
        if (ranking->sums && counter->exact != NULL) {
            exact_save(counter->exact, out);
        } else if (ranking->sums) {
            number_put(out, number_of_real(counter->sum));
        }
    }
}

static bool load_counter(struct ranking *ranking, const mp_value *value)
{
    struct str name;
    struct number weight;
    struct number taken;
    struct number sum = {0};
    if (!mp_is_array(value) || mp_count(value) != (ranking->sums ? 4 : 3) ||
        !mp_as_bin(mp_at(value, 0), &name) || name.len > RANKING_GROUP_MAX ||
        find(ranking, name) != NULL || !number_get(mp_at(value, 1), &weight) ||
        !number_get(mp_at(value, 2), &taken)) {
        return false;
    }
    const bool counts = weight.value >= 1 && floor(weight.value) == weight.value;
    if (taken.value < 0 || taken.value > weight.value || signbit(weight.value) ||
        !(ranking->sums || counts)) {
        return false;
    }
    struct counter *counter = add_counter(ranking, name);
    counter->weight = weight.value;
    counter->taken = taken.value;
    if (ranking->sums && number_get(mp_at(value, 3), &sum)) {
        exact_take(&counter->sum, &counter->exact, sum);
    } else if (ranking->sums) {
        counter->exact = exact_load(mp_at(value, 3));
        return counter->exact != NULL;
    }
    return true;
}

struct ranking *ranking_load(const mp_value *value)
{
    const size_t count = mp_is_array(value) ? mp_count(value) : 0;
    bool approximates;
    if (count < 2 || count > 1 + RANKING_EXACT_MAX || !mp_as_bool(mp_at(value, 0), &approximates) ||
        (approximates && count != 1 + RANKING_EXACT_MAX)) {
        return NULL;
    }
    struct ranking *ranking = ranking_create(mp_count(mp_at(value, 1)) == 4);
    for (size_t i = 1; i < count; i++) {
        if (!load_counter(ranking, mp_at(value, i))) {
            ranking_destroy(&ranking);
            return NULL;
        }
    }
    if (approximates) {
        approximate(ranking);
    }
    return ranking;
}
