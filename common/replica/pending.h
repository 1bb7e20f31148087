/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that wait for a gap before them to close: copies, sorted by version, each version once.
 * Messages come nearly in order, so they are inserted from the end.
 */
#ifndef COMMON_REPLICA_PENDING_H
#define COMMON_REPLICA_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/blob.h"
#include "common/wire/version.h"
#include "common/wire/wire.h"

struct pending_message {
    struct version version;
    struct blob *frames[WIRE_FRAMES];
    struct pending_message *next;
    struct pending_message *prev;
};

struct pending {
    struct pending_message *first;
    struct pending_message *last;
    size_t count;
    size_t bytes;
};

/* False when a message of that version waits already. */
bool pending_insert(struct pending *pending, struct version version,
                    const struct str frames[WIRE_FRAMES]);
void pending_drop_first(struct pending *pending);
void pending_clear(struct pending *pending);

#endif
