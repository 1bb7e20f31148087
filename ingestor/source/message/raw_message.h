/* SPDX-License-Identifier: Apache-2.0 */
/* A message as a bus gave it, whichever bus it was. */
#ifndef INGESTOR_SOURCE_MESSAGE_RAW_MESSAGE_H
#define INGESTOR_SOURCE_MESSAGE_RAW_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"

#define MESSAGE_VALUE_MAX ((size_t)4 << 20) /* bytes of a value that is looked at */

/* A message as it came. All is borrowed, and valid during the call that is given it. */
struct message {
    struct str topic;  /* the topic, subject or stream */
    int32_t partition; /* of the topic; 0 where there are none */
    struct str key;    /* STR_NULL: none */
    struct str value;  /* STR_NULL: none, as in what deletes a key of a compacted topic */
    wall_time time;    /* the message's own; WALL_NEVER: it has none */
    /* The value of the last header of that name; STR_NULL: there is none. `prefix` and `name` are
     * to be joined. */
    struct str (*header)(void *arg, const char *prefix, struct str name);
    void *header_arg; /* what `header` is called with */
};

#endif
