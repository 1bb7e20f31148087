/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging one tile: comparing what is served with what the oracle says. Pure.
 *
 * A tile says for which position and moment it is true, and which rows are in it (tally.h). So the
 * oracle is asked for exactly these: the rows that had been delivered by that position, and whose
 * timestamps had come at that moment. Nothing has to stand still for that. A tile is settled when
 *   1. it is what these rows give, and
 *   2. it is still that for all rows that were in the table when verifying began, at that moment:
 *      nothing that it should show by now is missing in it. A tile that has been published since
 *      for a later position and moment is.
 * The second may be untrue for a moment (a tile is published at most each min_interval), the first
 * when a row has been committed between two looks; so what is not settled is compared again with
 * the next snapshot, and what is settled stays so.
 *
 * When the tally of the rows that are there is not that of the tile:
 *
 *   the tile has fewer rows, or as many others    it lacks rows that are there: wrong
 *   it has more, and shows what is left           equal
 *   it has more, and shows something else         some are gone: unprovable, unless even these
 *                                                 could not explain it (gone.h): wrong
 */
#ifndef CTL_VERIFY_JUDGE_H
#define CTL_VERIFY_JUDGE_H

#include "ctl/verify/judge_case.h"

struct judge;

/* What judging needs besides: memory that is used again. */
struct judge *judge_create(void);
void judge_destroy(struct judge **judge);

void judge_tile(struct judge *judge, const struct judge_case *c, struct judged *out);

#endif
