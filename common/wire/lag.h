/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a source of several streams, such as the partitions of a topic, is behind: messages that
 * are there and were not delivered yet. However many streams there are, those that are furthest
 * behind have names, and all of them are in the sum.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_LAG_H
#define COMMON_WIRE_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/mp.h"

#define LAG_NAMES_MAX 16
#define LAG_NAME_MAX 263 /* bytes; longer ones are cut */

struct lag_of {
    char name[LAG_NAME_MAX + 1]; /* of the stream, NUL-terminated */
    uint64_t messages;           /* by how many it is behind */
};

/* All zero: not known. */
struct lag {
    bool known;        /* whether anybody knows; nothing else means anything without */
    uint64_t messages; /* of all streams */
    uint64_t behind;   /* streams that have some */
    uint64_t missing;  /* topics that are named in the configuration and not there */
    struct lag_of worst[LAG_NAMES_MAX]; /* the furthest behind first; of equal ones the first that
                                           was added */
    unsigned count;                     /* How many of them are used. */
};

/* Adds a stream, by which the lag is known. */
void lag_add(struct lag *lag, struct str name, uint64_t messages);

/* Appends the lag as MessagePack: {"m": messages, "b": behind, "p": {name: messages, …}}, and
 * "a": missing when some are. */
void lag_put(struct buf *out, const struct lag *lag);

/* Reads what lag_put wrote. What is missing or of another type is not known. */
void lag_read(const mp_value *value, struct lag *out);

#endif
