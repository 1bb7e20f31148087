/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of a stream as a message (docs/messages.md). An entry is a list of fields, all of which
 * are texts:
 *
 *   {data: {"event_type": "sold", …}}           one field that holds JSON: the value is that text
 *   {event_type: sold, region: eu, items: [1]}  several: the value is an object of them
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_ENTRY_H
#define INGESTOR_SOURCE_REDIS_REDIS_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/config/config.h"
#include "ingestor/source/message/raw_message.h"
#include "ingestor/source/redis/redis_id.h"

struct redis_field {
    struct str name;  /* borrowed from the reply */
    struct str value; /* borrowed from the reply */
};

/* All is borrowed from the reply. */
struct redis_entry {
    struct redis_id id;               /* its id */
    struct str id_text;               /* the same as text; borrowed */
    const struct redis_field *fields; /* its fields; borrowed */
    size_t count;                     /* how many there are */
};

/* What an entry is known again by. */
uint64_t redis_entry_digest(const struct redis_entry *entry);

/* The entry as a message, which borrows from it, and from `scratch`, where what had to be made
 * stands. */
struct message redis_entry_message(struct redis_entry *entry, const struct config_source *source,
                                   struct buf *scratch);

#endif
