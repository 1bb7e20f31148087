/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/verdict.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_EQUAL] = "equal",           [VERDICT_DIFFERS] = "differs",
        [VERDICT_LACKS] = "lacks",           [VERDICT_BEHIND] = "behind",
        [VERDICT_MISSING] = "missing",       [VERDICT_SURPLUS] = "surplus",
        [VERDICT_STALE] = "stale",           [VERDICT_UNPROVABLE] = "unprovable",
        [VERDICT_BUILDING] = "building",     [VERDICT_SHOWN_OTHERWISE] = "shown_otherwise",
        [VERDICT_SHOWN_LATE] = "shown_late", [VERDICT_NOT_SHOWN] = "not_shown",
        [VERDICT_EXPOSED] = "exposed",
    };
    return names[verdict];
}

bool verdict_is_unprovable(enum verdict verdict)
{
    return verdict == VERDICT_UNPROVABLE || verdict == VERDICT_BUILDING;
}
