/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor: how far a client has come, so that it can go on from there at any gateway. It is the
 * version reached in each lane.
 *
 *   text     tlw2k1-3f9 _ -2 _ tlw2k2-1        lanes joined by `_`, without the spaces
 *   lane     0            1    2
 *   epoch    tlw2k1    tlw2k1  tlw2k2          a lane leaves out the epoch of the lane before
 *
 * It goes into URLs, ETags and SSE ids, and holds only characters that need no escaping there.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_CURSOR_H
#define COMMON_WIRE_CURSOR_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/wire/lane.h"
#include "common/wire/version.h"

struct cursor {
    unsigned lanes;               /* 0 to LANES_MAX */
    struct version at[LANES_MAX]; /* the version reached in each lane; the first `lanes` are used */
};

/* Appends the text of a cursor; nothing for one of no lanes. */
void cursor_append(struct buf *out, const struct cursor *cursor);

/* Reads a cursor of 1 to LANES_MAX lanes. False, and *out left alone, when the text is not exactly
 * that. The text may come from a client. */
bool cursor_parse(struct str text, struct cursor *out);

#endif
