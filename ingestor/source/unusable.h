/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that cannot be used. Each is counted; the first of each kind is logged; none holds up the
 * others. */
#ifndef INGESTOR_SOURCE_UNUSABLE_H
#define INGESTOR_SOURCE_UNUSABLE_H

#include <stdint.h>

#include "common/base/str.h"

enum unusable {
    UNUSABLE_TIMESTAMP,
    UNUSABLE_EVENT_TYPE,
    UNUSABLE_ID,
    UNUSABLE_TOO_LONG,
    UNUSABLE_UNREADABLE,
    UNUSABLE_NOT_JSON, /* of messages */
    UNUSABLE_KINDS,    /* The number of kinds; as a result it means that the row is usable. */
};

struct unusable_log {
    uint64_t counts[UNUSABLE_KINDS]; /* by enum unusable: how many there were */
};

/* Counts a row of that id, and logs it if it is the first of its kind. */
void unusable_row(struct unusable_log *log, enum unusable kind, int64_t id);

/* The same, of a row whose id is a text. */
void unusable_text_row(struct unusable_log *log, enum unusable kind, struct str id);

/* The same, with the reason as somebody else says it. */
void unusable_row_because(struct unusable_log *log, enum unusable kind, int64_t id,
                          const char *reason);
void unusable_text_row_because(struct unusable_log *log, enum unusable kind, struct str id,
                               const char *reason);

#endif
