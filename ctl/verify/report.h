/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` says at its end, for people or for programs. */
#ifndef CTL_VERIFY_REPORT_H
#define CTL_VERIFY_REPORT_H

#include "ctl/base/ctl.h"
#include "ctl/verify/verdicts.h"

/* All of it is borrowed. */
struct report {
    const struct ctl *ctl;           /* where it is printed, and how */
    const struct verdicts *verdicts; /* what was found */
    size_t rows;                     /* how many the table has that can be used */
    uint64_t unusable;               /* how many rows were passed over */
    const char *position;            /* of the snapshot */
    bool over_http;                  /* True when a gateway was asked, too. */
};

/* Prints to ctl->out, as JSON if ctl->json. */
void report_print(const struct report *report);

/* Says why verify could not do its work. */
void report_failure(const struct ctl *ctl, const char *why);

#endif
