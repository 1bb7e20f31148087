/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `source.dedupe`, worked out anew: which rows came again, and count in no tile. By the rules of
 * docs/sources.md, and with nothing of the ingestor's.
 *
 * Pure.
 */
#ifndef CTL_ORACLE_DUPLICATES_H
#define CTL_ORACLE_DUPLICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/oracle/rows.h"

struct oracle_duplicates {
    bool *left_out; /* of each row: it is a duplicate */
    bool *named;    /* of each row: it has a name, and so may be one */

    /* Of each row: others have its name, and nothing says in which order they were delivered, so
     * that it may be another one of them that counts. */
    bool *doubtful;
};

/* ordinals: of each row, its place in the order of delivery; 0: before all that have one, and
 * UINT64_MAX: behind them. sure: the order is exactly that; else what has ordinal 0 is taken to
 * have come in the order of the rows, or for the streams of a bus in the order of time, and what
 * has another one counts. Returns zeroed memory when the configuration has no dedupe. The caller
 * frees it with oracle_duplicates_free. */
struct oracle_duplicates oracle_duplicates_find(const struct oracle_rows *rows,
                                                const uint64_t *ordinals, bool sure);
void oracle_duplicates_free(struct oracle_duplicates *duplicates);

#endif
