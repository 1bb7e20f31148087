/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/census.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fnv.h"
#include "common/base/xalloc.h"

#define CHOOSING_BITS 13 /* of a hash: they say which register */
#define REGISTERS (1 << CHOOSING_BITS)
#define OTHER_BITS (CENSUS_HASH_BITS - CHOOSING_BITS)
#define RANKS (OTHER_BITS + 2) /* 0: no value; OTHER_BITS + 1: no bit of them is 1 */
#define FIRST_CAP 4

struct census {
    uint32_t count;    /* hashes; means nothing when there are registers */
    uint32_t cap;      /* hashes that there is memory for; 0: there are registers */
    uint64_t hashes[]; /* sorted; or, in the same memory, the registers, a byte each */
};

static uint8_t *registers_of(struct census *census)
{
    return (uint8_t *)census->hashes;
}

static const uint8_t *const_registers_of(const struct census *census)
{
    return (const uint8_t *)census->hashes;
}

/* The bits of FNV-1a alone are too alike where values are; these steps are those that end
 * MurmurHash3. */
uint64_t census_hash(struct str value)
{
    uint64_t hash = fnv1a(FNV_BEGIN, value);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (hash ^ (hash >> 33)) >> (64 - CENSUS_HASH_BITS);
}

static struct census *make_hashes(struct census *census, uint32_t cap)
{
    const bool is_new = census == NULL;
    census = x_realloc(census, sizeof *census + cap * sizeof *census->hashes);
    census->count = is_new ? 0 : census->count;
    census->cap = cap;
    return census;
}

static void set_register(struct census *census, uint64_t hash)
{
    const uint64_t other = hash << (64 - OTHER_BITS);
    const int rank = other == 0 ? OTHER_BITS + 1 : __builtin_clzll(other) + 1;
    uint8_t *place = &registers_of(census)[hash >> OTHER_BITS];
    *place = *place < rank ? (uint8_t)rank : *place;
}

static struct census *make_registers(void)
{
    return x_calloc(1, sizeof(struct census) + REGISTERS);
}

/* Goes over from hashes, or from nothing, to registers. */
static void estimate(struct census **census)
{
    struct census *old = *census;
    if (!census_estimates(old)) {
        *census = make_registers();
        for (uint32_t i = 0; old != NULL && i < old->count; i++) {
            set_register(*census, old->hashes[i]);
        }
        free(old);
    }
}

/* The place of a hash among those that there are: that of the first which is not below it. */
static uint32_t place_of(const struct census *census, uint64_t hash)
{
    uint32_t low = 0;
    uint32_t high = census->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (census->hashes[middle] < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void census_add(struct census **census, uint64_t hash)
{
    if (*census == NULL) {
        *census = make_hashes(NULL, FIRST_CAP);
    }
    if ((*census)->cap == 0) {
        set_register(*census, hash);
        return;
    }
    const uint32_t place = place_of(*census, hash);
    if (place < (*census)->count && (*census)->hashes[place] == hash) {
        return;
    }
    if ((*census)->count == CENSUS_EXACT_MAX) {
        estimate(census);
        set_register(*census, hash);
        return;
    }
    if ((*census)->count == (*census)->cap) {
        *census = make_hashes(*census, 2 * (*census)->cap);
    }
    uint64_t *hashes = (*census)->hashes;
    memmove(&hashes[place + 1], &hashes[place], ((*census)->count - place) * sizeof *hashes);
    hashes[place] = hash;
    (*census)->count++;
}

void census_add_all(struct census **census, const struct census *other)
{
    if (other == NULL) {
        return;
    }
    if (!census_estimates(other)) {
        for (uint32_t i = 0; i < other->count; i++) {
            census_add(census, other->hashes[i]);
        }
        return;
    }
    estimate(census);
    uint8_t *registers = registers_of(*census);
    const uint8_t *others = const_registers_of(other);
    for (size_t i = 0; i < REGISTERS; i++) {
        registers[i] = registers[i] < others[i] ? others[i] : registers[i];
    }
}

bool census_estimates(const struct census *census)
{
    return census != NULL && census->cap == 0;
}

/* ---- The estimate: sigma and tau are those of Ertl ---- */

/* x is at least 0 and below 1. */
static double sigma(double x)
{
    double weight = 1;
    double sum = x;
    double before;
    do {
        x *= x;
        before = sum;
        sum += x * weight;
        weight += weight;
    } while (sum != before);
    return sum;
}

static double tau(double x)
{
    double weight = 1;
    double sum = 1 - x;
    double before;
    if (x == 0 || x == 1) {
        return 0;
    }
    do {
        x = sqrt(x);
        before = sum;
        weight /= 2;
        sum -= (1 - x) * (1 - x) * weight;
    } while (sum != before);
    return sum / 3;
}

uint64_t census_count(const struct census *census)
{
    uint32_t with_rank[RANKS] = {0};
    if (!census_estimates(census)) {
        return census != NULL ? census->count : 0;
    }
    for (size_t i = 0; i < REGISTERS; i++) {
        with_rank[const_registers_of(census)[i]]++;
    }
    double sum = REGISTERS * tau(1 - (double)with_rank[RANKS - 1] / REGISTERS);
    for (size_t rank = RANKS - 2; rank >= 1; rank--) {
        sum = (sum + with_rank[rank]) / 2;
    }
    sum += REGISTERS * sigma((double)with_rank[0] / REGISTERS);
    const double estimated = (double)REGISTERS * REGISTERS / (2 * M_LN2 * sum);
    return (uint64_t)llround(fmin(estimated, 0x1p53));
}

/* ---- Saving and loading ---- */

void census_save(const struct census *census, struct buf *out)
{
    if (census_estimates(census)) {
        mp_put_bin(out, (struct str){(const char *)census->hashes, REGISTERS});
        return;
    }
    mp_put_array(out, census->count);
    for (uint32_t i = 0; i < census->count; i++) {
        mp_put_uint(out, census->hashes[i]);
    }
}

static struct census *load_registers(struct str saved)
{
    bool any = false;
    for (size_t i = 0; i < saved.len; i++) {
        const uint8_t rank = (uint8_t)saved.p[i];
        if (rank >= RANKS) {
            return NULL;
        }
        any = any || rank != 0;
    }
    if (saved.len != REGISTERS || !any) {
        return NULL;
    }
    struct census *census = make_registers();
    memcpy(registers_of(census), saved.p, REGISTERS);
    return census;
}

struct census *census_load(const mp_value *value)
{
    struct str registers;
    if (mp_as_bin(value, &registers)) {
        return load_registers(registers);
    }
    const size_t count = mp_is_array(value) ? mp_count(value) : 0;
    if (count == 0 || count > CENSUS_EXACT_MAX) {
        return NULL;
    }
    struct census *census = make_hashes(NULL, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash;
        if (!mp_as_uint(mp_at(value, i), &hash) || hash >> CENSUS_HASH_BITS != 0 ||
            (i != 0 && hash <= census->hashes[i - 1])) {
            free(census);
            return NULL;
        }
        census->hashes[i] = hash;
        census->count++;
    }
    return census;
}
