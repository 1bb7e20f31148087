/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/unusable.h"

#include "common/program/log.h"
#include "common/wire/event_id.h"

static const char *const reasons[UNUSABLE_KINDS] = {
    "its timestamp is missing or cannot be read as a time",
    "its event type is missing",
    "its id is not a number above 0",
    "a column is longer than 1 MiB",
    "the database fails at it",
    "its value is not JSON of the form that source.format names",
};

void unusable_text_row(struct unusable_log *log, enum unusable kind, struct str id)
{
    unusable_text_row_because(
        log, kind, id,
        kind == UNUSABLE_ID
            ? "its id is no text of 1 to 200 bytes in UTF-8 without control characters"
            : reasons[kind]);
}

void unusable_text_row_because(struct unusable_log *log, enum unusable kind, struct str id,
                               const char *reason)
{
    const int len = (int)(id.len < EVENT_ID_MAX ? id.len : EVENT_ID_MAX);
    if (log->counts[kind]++ == 0) {
        log_warn(
            "row %.*s is passed over: %s (further ones are only counted; see `tilewire stats`)",
            len, len != 0 ? id.p : "", reason);
    }
}

void unusable_row(struct unusable_log *log, enum unusable kind, int64_t id)
{
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
