/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging a tile of whose rows some are gone: whether these could explain it, and whether it has
 * changed since it was sampled as the rows say that came since. gone.h has the rules of each type.
 * Pure.
 */
#ifndef CTL_VERIFY_JUDGE_GONE_H
#define CTL_VERIFY_JUDGE_GONE_H

#include "ctl/verify/judge_case.h"

/* The tile is not what the rows that are left give, and more were in it. docs has what it shows,
 * and what the rows that are left give; the rest of it is used here. */
void judge_gone(struct judge_docs *docs, const struct judge_case *c, const struct oracle_cut *cut,
                struct judged *out);

#endif
