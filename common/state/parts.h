/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of changes in parts of a bounded size, for a store that is given a list in pieces: what is
 * taken away comes first, so that a later part takes nothing away that an earlier one has put.
 *
 * Pure.
 */
#ifndef COMMON_STATE_PARTS_H
#define COMMON_STATE_PARTS_H

#include "common/state/changes.h"

/* Puts a settled list (state_changes_settle) into that order. */
void state_parts_order(struct state_changes *settled);

/* Where the part ends that begins with the change `from`: it has at most max_bytes, or one change.
 */
size_t state_parts_end(const struct state_changes *ordered, size_t from, size_t max_bytes);

#endif
