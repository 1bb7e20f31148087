/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/sketch.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

#define PART_BITS 7 /* 128 parts from one power of 2 to the next */
#define PARTS (1 << PART_BITS)
#define LEAST_POWER (-30)
#define ZERO 11520 /* the part of 0, in the middle of all: there are 90 powers of 2 */
#define LAST 23040

#define COUNT_BITS 48
#define COUNT_MAX ((UINT64_C(1) << COUNT_BITS) - 1)

struct sketch {
    uint32_t count; /* cells that are used */
    uint32_t cap;   /* cells that there is memory for */
    /* A part, in the upper 16 bits, and how many values it has; sorted. */
    uint64_t cells[];
};

static unsigned part_of_cell(uint64_t cell)
{
    return (unsigned)(cell >> COUNT_BITS);
}

static uint64_t cell_of(unsigned part, uint64_t count)
{
    return ((uint64_t)part << COUNT_BITS) + count;
}

/* The part of a value: the power of 2 and the first digits behind it stand in the double's upper
 * bits side by side. */
static unsigned part_of(double value)
{
    uint64_t bits;
    const double size = fabs(value);
    memcpy(&bits, &size, sizeof bits);
    const int64_t first = (int64_t)(1023 + LEAST_POWER) << PART_BITS;
    int64_t part = (int64_t)(bits >> (52 - PART_BITS)) - first + 1;
    part = part < 0 ? 0 : part > ZERO ? ZERO : part;
    return (unsigned)(value < 0 ? ZERO - part : ZERO + part);
}

static double value_of(unsigned part)
{
    if (part == ZERO) {
        return 0;
    }
    const unsigned size = (part > ZERO ? part - ZERO : ZERO - part) - 1;
    const double whole = (double)(PARTS + size % PARTS) / PARTS;
    const double value = ldexp(whole, (int)(size / PARTS) + LEAST_POWER);
    return part > ZERO ? value : -value;
}

/* Index of the first cell whose part is not before that one. */
static uint32_t find(const struct sketch *sketch, unsigned part)
{
    uint32_t low = 0;
    uint32_t high = sketch->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (part_of_cell(sketch->cells[middle]) < part) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void make_room(struct sketch **sketch_p)
{
    struct sketch *sketch = *sketch_p;
    if (sketch != NULL && sketch->count < sketch->cap) {
        return;
    }
    const uint32_t cap = sketch != NULL ? 2 * sketch->cap : 7;
    sketch = x_realloc(sketch, sizeof *sketch + cap * sizeof *sketch->cells);
    if (*sketch_p == NULL) {
        sketch->count = 0;
    }
    sketch->cap = cap;
    *sketch_p = sketch;
}

static void add_part(struct sketch **sketch_p, unsigned part, uint64_t count)
{
    const uint32_t at = *sketch_p != NULL ? find(*sketch_p, part) : 0;
    if (*sketch_p != NULL && at < (*sketch_p)->count &&
        part_of_cell((*sketch_p)->cells[at]) == part) {
        (*sketch_p)->cells[at] += count;
        return;
    }
    make_room(sketch_p);
    struct sketch *sketch = *sketch_p;
    memmove(&sketch->cells[at + 1], &sketch->cells[at],
            (sketch->count - at) * sizeof *sketch->cells);
    sketch->cells[at] = cell_of(part, count);
    sketch->count++;
}

void sketch_add(struct sketch **sketch, double value)
{
    add_part(sketch, part_of(value), 1);
}

void sketch_add_all(struct sketch **sketch, const struct sketch *other)
{
    for (uint32_t i = 0; other != NULL && i < other->count; i++) {
        add_part(sketch, part_of_cell(other->cells[i]), other->cells[i] & COUNT_MAX);
    }
}

void sketch_remove(struct sketch *sketch, double value)
{
    const unsigned part = part_of(value);
    const uint32_t at = find(sketch, part);
    assert(at < sketch->count && part_of_cell(sketch->cells[at]) == part);
    if ((--sketch->cells[at] & COUNT_MAX) == 0) {
        sketch->count--;
        memmove(&sketch->cells[at], &sketch->cells[at + 1],
                (sketch->count - at) * sizeof *sketch->cells);
    }
}

void sketch_take(struct sketch *sketch, const struct sketch *other)
{
    uint32_t left = 0;
    uint32_t k = 0;
    for (uint32_t i = 0; i < sketch->count; i++) {
        uint64_t cell = sketch->cells[i];
        if (other != NULL && k < other->count &&
            part_of_cell(other->cells[k]) == part_of_cell(cell)) {
            assert((other->cells[k] & COUNT_MAX) <= (cell & COUNT_MAX));
            cell -= other->cells[k++] & COUNT_MAX;
        }
        if ((cell & COUNT_MAX) != 0) {
            sketch->cells[left++] = cell;
        }
    }
    sketch->count = left;
}

double sketch_at(const struct sketch *sketch, uint64_t place)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < sketch->count; i++) {
        before += sketch->cells[i] & COUNT_MAX;
        if (before >= place) {
            return value_of(part_of_cell(sketch->cells[i]));
        }
    }
    assert(false && "a place behind all values");
    return 0;
}

uint64_t sketch_place(uint64_t count, unsigned percent)
{
    return count / 100 * percent + (count % 100 * percent + 99) / 100;
}

void sketch_save(const struct sketch *sketch, struct buf *out)
{
    mp_put_array(out, 2 * (size_t)sketch->count);
    for (uint32_t i = 0; i < sketch->count; i++) {
        mp_put_uint(out, part_of_cell(sketch->cells[i]));
        mp_put_uint(out, sketch->cells[i] & COUNT_MAX);
    }
}

struct sketch *sketch_load(const mp_value *value, uint64_t count)
{
    const size_t size = mp_is_array(value) ? mp_count(value) : 0;
    struct sketch *sketch = NULL;
    uint64_t next = 0;
    bool good = size != 0 && size % 2 == 0;
    for (size_t i = 0; i < size && good; i += 2) {
        uint64_t part;
        uint64_t some;
        good = mp_as_uint(mp_at(value, i), &part) && part >= next && part <= LAST &&
               mp_as_uint(mp_at(value, i + 1), &some) && some != 0 && some <= count &&
               some <= COUNT_MAX;
        if (good) {
            add_part(&sketch, (unsigned)part, some);
            next = part + 1;
            count -= some;
        }
    }
    if (good && count == 0) {
        return sketch;
    }
    free(sketch);
    return NULL;
}
