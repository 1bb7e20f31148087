/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows were in the table at a moment, by their keys. */
#ifndef CTL_VERIFY_THERE_H
#define CTL_VERIFY_THERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/oracle/rows.h"

/* Zero-initialised: none. 8 bytes a row. */
struct there {
    int64_t *keys; /* in ascending order */
    size_t count;  /* how many there are */
};

/* All rows that are here; what was noted before is forgotten. */
void there_note(struct there *there, const struct oracle_rows *rows);
void there_copy(struct there *to, const struct there *from);
void there_free(struct there *there);

bool there_has(const struct there *there, int64_t key);

#endif
