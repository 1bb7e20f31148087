/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/unusable.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"
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

/* An id as the log names it: its beginning, with what is no character of UTF-8 as \xfc, for the row
 * is to be found again by it. */
static void put_shown(struct buf *out, struct str id)
{
    struct str left = utf8_cut(id, EVENT_ID_MAX);
    while (left.len != 0) {
        const size_t length = utf8_length(left);
        if (length == 0 || *left.p == '\0') {
            buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*left.p);
        } else {
            buf_append(out, left.p, length);
        }
        left.p += length != 0 ? length : 1;
        left.len -= length != 0 ? length : 1;
    }
}

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
    if (log->counts[kind]++ == 0) {
        struct buf shown = {0};
        put_shown(&shown, id);
        log_warn("row %s is passed over: %s (further ones are only counted; see `tilewire stats`)",
                 buf_cstr(&shown), reason);
        buf_free(&shown);
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
