/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that wait for a gap before them to close: copies, sorted by version, each version once.
 *
 *     first                                 last
 *     [104] <-> [105] <-> [108] <-> ... <-> [131]
 *
 * Messages come nearly in order, so the place of a new one is looked for from the end. Unbounded:
 * the replica bounds the sums over all lanes (REPLICA_PENDING_MAX, REPLICA_PENDING_BYTES).
 */
#ifndef COMMON_REPLICA_PENDING_H
#define COMMON_REPLICA_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/blob.h"
#include "common/wire/version.h"
#include "common/wire/wire.h"

struct pending_message {
    struct version version;           /* what it is ordered by */
    struct blob *frames[WIRE_FRAMES]; /* the message as it came, one reference each */
    struct pending_message *next;     /* the next greater version */
    struct pending_message *prev;     /* the next lesser version */
};

/* Zero-initialise it; pending_clear frees what it holds. */
struct pending {
    struct pending_message *first; /* NULL: none waits */
    struct pending_message *last;  /* the greatest version */
    size_t count;                  /* how many wait */
    size_t bytes;                  /* of all frames */
};

/* Keeps a copy of the message. Returns false when one of that version waits already. */
bool pending_insert(struct pending *pending, struct version version,
                    const struct str frames[WIRE_FRAMES]);

/* There must be one. */
void pending_drop_first(struct pending *pending);

/* Drops all. */
void pending_clear(struct pending *pending);

#endif
