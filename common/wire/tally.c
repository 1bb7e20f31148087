/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/tally.h"

#include "common/base/fnv.h"

/* The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): each bit of x changes each bit of what
 * comes out with a probability of about one half. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

int64_t tally_id(struct event_id id)
{
    return id.text.p != NULL ? (int64_t)fnv1a(FNV_BEGIN, id.text) : id.number;
}

uint64_t tally_of_row(int64_t id, wall_time timestamp, struct str event_type)
{
    const uint64_t type = fnv1a(FNV_BEGIN, event_type);
    return mix(mix(mix((uint64_t)id) + (uint64_t)timestamp.us) + type);
}

bool tally_equal(const struct tally *a, const struct tally *b)
{
    return a->known && b->known && a->rows == b->rows && a->digest == b->digest;
}

void tally_put(struct buf *out, const struct tally *tally)
{
    if (tally->known) {
        mp_put_array(out, 2);
        mp_put_uint(out, tally->rows);
        mp_put_uint(out, tally->digest);
    } else {
        mp_put_nil(out);
    }
}

struct tally tally_read(const mp_value *value)
{
    struct tally tally = {0};
    tally.known = value != NULL && mp_as_uint(mp_at(value, 0), &tally.rows) &&
                  mp_as_uint(mp_at(value, 1), &tally.digest);
    return tally;
}
