/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that cannot be used: counted each, logged once for each kind, never in the way of the
 * others. */
#ifndef INGESTOR_SOURCE_UNUSABLE_H
#define INGESTOR_SOURCE_UNUSABLE_H

#include <stdint.h>

enum unusable {
    UNUSABLE_TIMESTAMP,
    UNUSABLE_EVENT_TYPE,
    UNUSABLE_ID,
    UNUSABLE_TOO_LONG,
    UNUSABLE_KINDS
};

struct unusable_log {
    uint64_t counts[UNUSABLE_KINDS];
};

/* id: of the row. */
void unusable_row(struct unusable_log *log, enum unusable kind, int64_t id);

#endif
