/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` says at its end, for people or for programs. */
#ifndef CTL_VERIFY_REPORT_H
#define CTL_VERIFY_REPORT_H

#include "ctl/base/ctl.h"
#include "ctl/verify/verdict.h"

struct report {
    const struct ctl *ctl;
    const struct verdicts *verdicts;
    size_t rows;       /* usable ones */
    uint64_t unusable; /* passed over */
    const char *position;
};

void report_print(const struct report *report);

/* verify could not do its work. */
void report_failure(const struct ctl *ctl, const char *why);

#endif
