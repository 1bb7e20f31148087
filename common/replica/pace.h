/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large a page to ask an upstream for, so that it fits the way from there. A page of 256 KiB
 * is 32 s on a way of 64 kbit/s; the answers to pings wait behind it, and all of it is lost when
 * the way breaks. But each page costs a round trip, so that small ones are slow over a long way.
 *
 *     asked                          first byte                    last byte
 *       ├───── there and back ─────────┤───── PACE_PAGE_MS at most ────┤
 *             by the quickest ping          what pages are cut to
 *
 * So the time there and back is left out. The first page is of a length that is tolerable over a
 * narrow way; while pages are quick, each is up to four times as long as the one before.
 *
 * Pure: the caller owns the struct and measures the times.
 */
#ifndef COMMON_REPLICA_PACE_H
#define COMMON_REPLICA_PACE_H

#include <stddef.h>
#include <stdint.h>

#define PACE_FIRST_BYTES ((size_t)64 << 10)
#define PACE_MIN_BYTES ((size_t)1 << 10) /* a server gives at least one tile or event */
#define PACE_MAX_BYTES ((size_t)512 << 10)
#define PACE_PAGE_MS 1000

struct pace {
    size_t bytes;    /* to ask for: PACE_MIN_BYTES to PACE_MAX_BYTES */
    int64_t trip_us; /* of the quickest ping; INT64_MAX: there was none */
};

void pace_init(struct pace *pace);

/* A ping was answered after so long. */
void pace_note_ping(struct pace *pace, int64_t us);

/* A page of so many bytes, which was asked for with pace->bytes, came after so long. */
void pace_note_page(struct pace *pace, size_t bytes, int64_t us);

/* A page did not come. */
void pace_note_timeout(struct pace *pace);

#endif
