/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_broken.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"

static const char doing[] = "cannot read the events table";

bool pg_broken_is_why(const PGresult *result)
{
    /* Data exceptions, cardinality, external routines, limits of one value, RAISE, damaged data. */
    static const char *const classes[] = {"22", "21", "38", "39", "54", "P0", "XX001"};
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    for (size_t i = 0; state != NULL && i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(state, classes[i], strlen(classes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- The list ---- */

void pg_broken_clear(struct pg_broken *broken)
{
    broken->count = 0;
}

void pg_broken_free(struct pg_broken *broken)
{
    free(broken->ids);
    *broken = (struct pg_broken){0};
}

static size_t first_above(const struct pg_broken *broken, int64_t id)
{
    size_t low = 0;
    size_t high = broken->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (broken->ids[middle] > id) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool pg_broken_above(const struct pg_broken *broken, int64_t id, int64_t *out)
{
    const size_t at = first_above(broken, id);
    if (at < broken->count) {
        *out = broken->ids[at];
    }
    return at < broken->count;
}

static void add(struct pg_broken *broken, int64_t id)
{
    const size_t at = first_above(broken, id);
    if (broken->count == broken->cap) {
        broken->cap = broken->cap != 0 ? 2 * broken->cap : 16;
        broken->ids = x_reallocarray(broken->ids, broken->cap, sizeof *broken->ids);
    }
    memmove(&broken->ids[at + 1], &broken->ids[at], (broken->count - at) * sizeof *broken->ids);
    broken->ids[at] = id;
    broken->count++;
}

/* ---- The statement ---- */

static void put_sql(const struct pg_reading *r, struct buf *sql)
{
    const char *id = buf_cstr(&r->table->id);
    const char *places = buf_cstr(&r->table->places);
    if (r->first_ids != NULL) {
        buf_printf(sql,
                   "SELECT %s FROM unnest($5::bigint[], $6::bigint[]) r(f, l) CROSS JOIN LATERAL (",
                   places);
    }
    buf_printf(sql,
               "SELECT %s FROM %s e WHERE e.%s > $1::bigint AND e.%s <= $2::bigint AND NOT (e.%s = "
               "ANY ($4::bigint[]))",
               buf_cstr(&r->table->columns), buf_cstr(&r->table->name), id, id, id);
    if (r->first_ids != NULL) {
        buf_printf(
            sql, " AND e.%s BETWEEN r.f AND r.l ORDER BY e.%s LIMIT $3::bigint) e(%s) ORDER BY c1",
            id, id, places);
    } else {
        buf_printf(sql, " ORDER BY e.%s", id);
    }
    buf_append_text(sql, " LIMIT $3::bigint");
}

bool pg_broken_send(const struct pg_broken *broken, const struct pg_reading *r)
{
    char texts[3][32];
    struct buf sql = {0};
    struct buf list = {0};
    put_sql(r, &sql);
    snprintf(texts[0], sizeof texts[0], "%lld", (long long)r->after);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)r->until);
    snprintf(texts[2], sizeof texts[2], "%zu", r->limit);
    buf_append_char(&list, '{');
    for (size_t i = 0; i < broken->count; i++) {
        buf_printf(&list, "%s%lld", i != 0 ? "," : "", (long long)broken->ids[i]);
    }
    buf_append_char(&list, '}');
    const char *const parameters[] = {texts[0],        texts[1],     texts[2],
                                      buf_cstr(&list), r->first_ids, r->last_ids};
    const bool sent = PQsendQueryParams(r->db, buf_cstr(&sql), r->first_ids != NULL ? 6 : 4, NULL,
                                        parameters, NULL, NULL, 1) == 1;
    buf_free(&sql);
    buf_free(&list);
    return sent;
}

/* Runs the reading's statement. NULL: it cannot be sent. */
static PGresult *read_around(const struct pg_broken *broken, const struct pg_reading *r)
{
    if (r->pooled) {
        return pg_pooled_begin(r->db, pg_pooled_settings) && pg_broken_send(broken, r)
                   ? pg_pooled_end(r->db)
                   : NULL;
    }
    PGresult *result = NULL;
    PGresult *next = pg_broken_send(broken, r) ? PQgetResult(r->db) : NULL;
    for (; next != NULL; next = PQgetResult(r->db)) {
        PQclear(result);
        result = next;
    }
    return result;
}

/* ---- The search ---- */

struct search {
    struct pg_broken *broken;
    struct pg_reading reading;
    size_t seen; /* rows up to where the search has come, broken ones included */
    int64_t until;
    bool full;
};

static void take_readable(struct search *f, const PGresult *rows)
{
    const int count = PQntuples(rows);
    f->seen += (size_t)count;
    if (f->seen >= f->reading.limit && count != 0) {
        uint64_t big;
        memcpy(&big, PQgetvalue(rows, count - 1, 0), sizeof big);
        f->until = (int64_t)be64toh(big);
        f->full = true;
    }
}

static void take_broken(struct search *f, int64_t id, const PGresult *result)
{
    if (f->broken->count == 0) {
        (void)pg_error(f->reading.db, result, "it cannot be read", &f->broken->why);
    }
    add(f->broken, id);
    if (++f->seen >= f->reading.limit) {
        f->until = id;
        f->full = true;
    }
}

/* Searches (after, until]. It goes as deep as a range of ids can be halved: 64 calls. */
static int search(struct search *f, int64_t after, int64_t until, struct error *err)
{
    if (f->full || after >= until) {
        return STATUS_OK;
    }
    struct pg_reading part = f->reading;
    part.after = after;
    part.until = until;
    part.limit = f->reading.limit - f->seen;
    PGresult *result = read_around(f->broken, &part);
    const bool failed = PQresultStatus(result) != PGRES_TUPLES_OK;
    const uint64_t ids = (uint64_t)until - (uint64_t)after;
    int status = STATUS_OK;
    if (!failed) {
        take_readable(f, result);
    } else if (!pg_broken_is_why(result)) {
        status = pg_error(part.db, result, doing, err);
    } else if (ids == 1) {
        take_broken(f, until, result);
    }
    PQclear(result);
    if (status == STATUS_OK && failed && ids > 1) {
        const int64_t middle = (int64_t)((uint64_t)after + ids / 2);
        status = search(f, after, middle, err);
        if (status == STATUS_OK) {
            status = search(f, middle, until, err);
        }
    }
    return status;
}

int pg_broken_find(struct pg_broken *broken, const struct pg_reading *reading, int64_t *until,
                   struct error *err)
{
    struct search f = {.broken = broken, .reading = *reading, .until = reading->until};
    const int status = search(&f, reading->after, reading->until, err);
    *until = f.until;
    return status;
}

int pg_broken_read(struct pg_broken *broken, const struct pg_reading *reading, PGresult **result,
                   struct error *err)
{
    int status = STATUS_OK;
    pg_broken_clear(broken);
    if (pg_broken_is_why(*result)) {
        struct pg_reading rest = *reading;
        status = pg_broken_find(broken, reading, &rest.until, err);
        if (status != STATUS_OK) {
            return status;
        }
        PQclear(*result);
        *result = read_around(broken, &rest);
    }
    return PQresultStatus(*result) == PGRES_TUPLES_OK ? STATUS_OK
                                                      : pg_error(reading->db, *result, doing, err);
}
