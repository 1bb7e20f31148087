/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/cursor/pg_cursor_identity.h"

#include <stdlib.h>

int pg_cursor_identity_read(struct postgres_source *s, struct buf *out, struct error *err)
{
    const int status = pg_past_read(s->db, &s->past, err);
    buf_printf(out, "%d/%llu/%llu/%llu/%d/%lld", s->table.oid, (unsigned long long)s->past.system,
               (unsigned long long)s->past.timeline, (unsigned long long)s->past.xmax,
               s->past.standby, (long long)s->past.started);
    return status;
}

/* The number at *text, which then is behind it and the slash; 0: there is none. */
static uint64_t next_number(const char **text)
{
    char *end;
    const uint64_t number = strtoull(*text, &end, 10);
    *text = *end == '/' ? end + 1 : end;
    return number;
}

/* Returns the OID. */
static uint64_t read_identity(struct str identity, struct pg_past *past)
{
    struct buf copy = {0};
    buf_append_str(&copy, identity);
    const char *text = buf_cstr(&copy);
    const uint64_t oid = next_number(&text);
    past->system = next_number(&text);
    past->timeline = next_number(&text);
    past->xmax = next_number(&text);
    past->standby = next_number(&text) != 0;
    past->started = (int64_t)next_number(&text);
    buf_free(&copy);
    return oid;
}

bool pg_cursor_identity_same(struct postgres_source *s, struct str before, struct str now)
{
    struct pg_past past_before = {0};
    struct pg_past past_now = {0};
    const bool same_oid = read_identity(before, &past_before) == read_identity(now, &past_now);
    bool lost = pg_past_is_suspicious(&past_before, &past_now);
    s->runs_on = same_oid && pg_past_runs_on(&past_before, &past_now);
    if (s->config->ingestor.checkpoint == CHECKPOINT_POSTGRESQL) {
        s->base.other_past = lost;
        lost = false;
    }
    return same_oid && !lost;
}
