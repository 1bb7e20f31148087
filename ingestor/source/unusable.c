/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/unusable.h"

#include "common/program/log.h"

void unusable_row(struct unusable_log *log, enum unusable kind, int64_t id)
{
    static const char *const reasons[UNUSABLE_KINDS] = {
        "its timestamp is missing or cannot be read as a time",
        "its event type is missing",
        "its id is not a number above 0",
        "a column is longer than 1 MiB",
        "the database fails at it",
    };
    unusable_row_because(log, kind, id, reasons[kind]);
}

void unusable_row_because(struct unusable_log *log, enum unusable kind, int64_t id,
                          const char *reason)
{
    if (log->counts[kind]++ == 0) {
        log_warn(
            "row %lld is passed over: %s (further ones are only counted; see `tilewire stats`)",
            (long long)id, reason);
    }
}
