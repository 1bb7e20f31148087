/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of an entry of a stream: `1700000000000-0`, which is the milliseconds of its time and a
 * number within these. Ids of a stream only grow.
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_ID_H
#define INGESTOR_SOURCE_REDIS_REDIS_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"

#define REDIS_ID_SIZE 48 /* bytes of one as text, with its NUL */

/* Zero-initialised: before every entry. */
struct redis_id {
    uint64_t ms;  /* milliseconds since 1970, as the server or the producer had it */
    uint64_t seq; /* which entry of that millisecond */
};

/* False when the text is no id. */
bool redis_id_parse(struct str text, struct redis_id *out);

/* Returns out. */
const char *redis_id_format(struct redis_id id, char out[REDIS_ID_SIZE]);

/* Below, equal to or above 0 as a stands before, at or behind b. */
int redis_id_compare(struct redis_id a, struct redis_id b);

/* The least id behind that one. */
static inline struct redis_id redis_id_next(struct redis_id id)
{
    return id.seq != UINT64_MAX ? (struct redis_id){id.ms, id.seq + 1}
                                : (struct redis_id){id.ms + 1, 0};
}

static inline bool redis_id_is_zero(struct redis_id id)
{
    return id.ms == 0 && id.seq == 0;
}

#endif
