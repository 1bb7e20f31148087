/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/pg_pointer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "common/state/frame.h"

#define PAST_NAME "tilewire.state\n"
#define PAST_TEXT PAST_NAME "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n"

void pg_pointer_put(struct buf *out, const struct pg_past *past)
{
    struct buf text = {0};
    buf_printf(&text, PAST_TEXT, past->system, past->timeline, past->standby ? 0 : past->xmax);
    frame_wrap(out, FRAME_POINTER, buf_str(&text));
    buf_free(&text);
}

/* False when the row says nothing of it. */
static bool read_past(struct str framed, struct pg_past *out)
{
    enum frame_format format;
    struct str bytes;
    char text[128];
    *out = (struct pg_past){0};
    if (frame_unwrap(framed, &format, &bytes, NULL) != STATUS_OK || format != FRAME_POINTER) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s", (int)(bytes.len < 127 ? bytes.len : 127), bytes.p);
    uint64_t *const numbers[] = {&out->system, &out->timeline, &out->xmax};
    const char *at = text + strlen(PAST_NAME);
    bool read = strncmp(text, PAST_NAME, strlen(PAST_NAME)) == 0;
    for (size_t i = 0; read && i < sizeof numbers / sizeof *numbers; i++) {
        char *end;
        errno = 0;
        *numbers[i] = strtoull(at, &end, 10);
        read = errno == 0 && end != at;
        at = end;
    }
    return read;
}

int pg_pointer_check(PGconn *db, const char *name, const struct pg_past *now, bool *went_back,
                     struct error *err)
{
    const char *const parameters[] = {name};
    PGresult *result = PQexecParams(db, "SELECT bytes FROM tilewire.checkpoint WHERE name = $1", 1,
                                    NULL, parameters, NULL, NULL, 1);
    int status = STATUS_OK;
    struct pg_past before;
    *went_back = false;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(db, result, "cannot read the checkpoint", err);
    } else if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0)) {
        const struct str framed = {PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)};
        *went_back = read_past(framed, &before) && pg_past_is_suspicious(&before, now);
    }
    PQclear(result);
    return status;
}

int pg_pointer_legacy(PGconn *db, const char *name, struct state_changes *out, struct error *err)
{
    const char *const parameters[] = {name};
    PGresult *result = PQexecParams(db, "SELECT bytes FROM tilewire.checkpoint WHERE name = $1", 1,
                                    NULL, parameters, NULL, NULL, 1);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(db, result, "cannot read the checkpoint", err);
    } else if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0)) {
        status = STATUS_NOT_FOUND;
    } else {
        enum frame_format format;
        struct str bytes;
        status =
            frame_unwrap((struct str){PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)},
                         &format, &bytes, err);
        if (status != STATUS_OK) {
            error_prefix(err, status, "the checkpoint in tilewire.checkpoint cannot be used");
        } else if (format != FRAME_CHECKPOINT) {
            status =
                error_set(err, STATUS_INVALID, "the rows of %s in tilewire.state are lost", name);
        } else {
            state_put(out, (struct state_id){.item = STATE_LEGACY}, bytes);
        }
    }
    PQclear(result);
    return status;
}
