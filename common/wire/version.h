/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one cursor of Tilewire: where in the stream of changes something stands.
 *
 * A version is (epoch, sequence). The epoch grows with every start of an ingestor, the sequence
 * counts the deltas of one lane within the epoch, from 1. A later change has the greater version.
 * {0, 0} is "nothing yet". As text: both in base 36, `tlw2k1-3f9`.
 *
 * A cursor is the version reached in each lane, joined by `_`; a lane of the same epoch as the one
 * before leaves the epoch out: `tlw2k1-3f9_-2`. Only characters that need no escaping in URLs,
 * ETags and SSE ids.
 */
#ifndef COMMON_WIRE_VERSION_H
#define COMMON_WIRE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

struct version {
    uint64_t epoch;
    uint64_t seq;
};

#define VERSION_TEXT_SIZE 32

/* Negative, 0 or positive, as memcmp. */
static inline int version_compare(struct version a, struct version b)
{
    if (a.epoch != b.epoch) {
        return a.epoch < b.epoch ? -1 : 1;
    }
    return (a.seq > b.seq) - (a.seq < b.seq);
}

/* Writes the text, and returns out. */
char *version_format(struct version version, char out[VERSION_TEXT_SIZE]);

/* False, and *out left alone, when the text is not exactly a version. */
bool version_parse(struct str text, struct version *out);

#define LANES_MAX 64

struct cursor {
    unsigned lanes; /* 0 to LANES_MAX */
    struct version at[LANES_MAX];
};

void cursor_append(struct buf *out, const struct cursor *cursor);
bool cursor_parse(struct str text, struct cursor *out);

/* The lane that a tile key belongs to: FNV-1a 64 of the key, modulo lanes. The members of a family
 * (`KEY/value`) belong to the lane of KEY. lanes >= 1. */
unsigned lane_of_key(struct str key, unsigned lanes);

#endif
