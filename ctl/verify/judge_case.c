/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/judge_case.h"

#include <stdlib.h>

void judge_free_judged(struct judged *judged)
{
    free(judged->reason);
    free(judged->proved);
    buf_free(&judged->expected);
    buf_free(&judged->shown);
    *judged = (struct judged){0};
}

void judge_say(struct judged *out, enum verdict verdict, char *reason)
{
    free(out->reason);
    out->verdict = verdict;
    out->reason = reason;
}

uint64_t judge_position(const struct served_tile *tile)
{
    return order_number(str_of(tile->position));
}
