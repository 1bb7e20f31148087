/* SPDX-License-Identifier: Apache-2.0 */
/* What the fold counts, for whoever watches it (docs/monitoring.md). Each counter only grows. */
#ifndef INGESTOR_FOLD_FOLD_COUNTERS_H
#define INGESTOR_FOLD_FOLD_COUNTERS_H

#include <stdint.h>

struct fold_counters {
    /* Rows that came, those from the future included. */
    uint64_t events;
    /* Rows whose payload a tile needed, but that is no JSON, or is longer than ROW_PAYLOAD_MAX;
     * also a string that begins like a map or a list, but holds no JSON. */
    uint64_t bad_payloads;
    /* Fields that a tile needed and that are there, but cannot be used: the value of a metric that
     * is text, a deadline that is no moment, a string of the payload that is no text. */
    uint64_t bad_fields;
    /* Rows passed over because their group has no member, and can get none: the family has
     * max_groups members already, or the key would be too long. */
    uint64_t groups_refused;
    /* Rows passed over because a tile has ITEMS_OPEN_MAX open items. */
    uint64_t items_refused;
    /* Pauses and resumes that an item has beyond SLA_MARKS_MAX, and that count no more. */
    uint64_t pauses_dropped;
    /* Rows from the future that were put off because too many wait: WAITING_ROWS_MAX rows, or
     * WAITING_BYTES_MAX bytes of them. They are read again when their time comes. */
    uint64_t future_dropped;
    /* Tiles that were taken out of the file and whose state is not kept, because that of others
     * takes PLACES_BYTES_MAX or WAITING_BYTES_MAX already. */
    uint64_t retired_dropped;
};

#endif
