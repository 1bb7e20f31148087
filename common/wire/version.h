/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version: which change of a tile something is, and the place of that change in its lane.
 *
 * It is a pair, (epoch, sequence). The epoch grows with every start of an ingestor; the sequence
 * counts the deltas of one lane within the epoch, from 1. Of two versions of a lane the later
 * change has the greater one. {0, 0} stands for "nothing yet", and is less than any other.
 *
 * As text, both numbers are in base 36 with lower-case letters: `tlw2k1-3f9`.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_VERSION_H
#define COMMON_WIRE_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"

struct version {
    uint64_t epoch; /* which ingestor's reign */
    uint64_t seq;   /* which change within it, in its lane */
};

#define VERSION_TEXT_SIZE 32 /* bytes, the terminating NUL included */

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

/* Reads a version that takes up the whole text. False, and *out left alone, when it is not exactly
 * that. */
bool version_parse(struct str text, struct version *out);

/*
 * Takes a version off the front of the text. Where the text begins with `-`, the epoch is left out
 * and is that of `before`; NULL means that it may not be left out. Returns false, and leaves *out
 * alone, when there is no version; how far the text was advanced then is not specified.
 */
bool version_take(struct str *text, const struct version *before, struct version *out);

#endif
