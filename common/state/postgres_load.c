/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/postgres_load.h"

#include <endian.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "common/state/frame.h"
#include "common/state/pg_pointer.h"
#include "common/state/postgres_store.h"

#define PAGE_RECORDS "4000" /* read at once */

static const char reading[] = "cannot read the state";

static uint64_t get_u64(const PGresult *rows, int row, int column)
{
    uint64_t big;
    memcpy(&big, PQgetvalue(rows, row, column), sizeof big);
    return be64toh(big);
}

/* Remembers what the rows say. */
static int take_rows(const PGresult *rows, struct state_changes *out, uint64_t *damaged,
                     struct error *err)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        const struct state_id id = {get_u64(rows, i, 0), get_u64(rows, i, 1), get_u64(rows, i, 2)};
        struct str value;
        if (*damaged != 0 && id.tile == *damaged) {
            continue;
        }
        if (state_unseal(id, (struct str){PQgetvalue(rows, i, 3), (size_t)PQgetlength(rows, i, 3)},
                         &value)) {
            state_put(out, id, value);
        } else if (state_lost(out, id)) {
            *damaged = id.tile;
        } else {
            return error_set(err, STATUS_INVALID, "the state in tilewire.state is damaged");
        }
    }
    return STATUS_OK;
}

/* Opens a cursor on our rows, in a transaction. If each page were a statement of its own, a
 * database that knows nothing of the table yet would sort all the rest of it for each. */
static int open_cursor(struct postgres_state *p, struct error *err)
{
    const char *const parameters[] = {p->name};
    int status = pg_run(p->db,
                        "BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL enable_seqscan = off; "
                        "SET LOCAL enable_bitmapscan = off",
                        reading, err);
    if (status == STATUS_OK) {
        PGresult *opened =
            PQexecParams(p->db,
                         "DECLARE saved NO SCROLL CURSOR FOR SELECT tile, member, item, value FROM "
                         "tilewire.state WHERE name = $1 ORDER BY tile, member, item",
                         1, NULL, parameters, NULL, NULL, 0);
        status = PQresultStatus(opened) == PGRES_COMMAND_OK ? STATUS_OK
                                                            : pg_error(p->db, opened, reading, err);
        PQclear(opened);
    }
    return status;
}

int postgres_load(struct state_store *store, struct state_changes *out, struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    uint64_t damaged = 0;
    int count = -1;
    int status = postgres_reconnect(p, err);
    if (status == STATUS_OK) {
        status = open_cursor(p, err);
    }
    while (status == STATUS_OK && count != 0) {
        PGresult *rows =
            PQexecParams(p->db, "FETCH " PAGE_RECORDS " FROM saved", 0, NULL, NULL, NULL, NULL, 1);
        count = PQntuples(rows);
        status = PQresultStatus(rows) == PGRES_TUPLES_OK ? take_rows(rows, out, &damaged, err)
                                                         : pg_error(p->db, rows, reading, err);
        PQclear(rows);
    }
    if (status == STATUS_OK) {
        status = pg_run(p->db, "COMMIT", reading, err);
    } else if (p->db != NULL) {
        (void)pg_run(p->db, "ROLLBACK", reading, NULL);
    }
    return status == STATUS_OK && out->count == 0 ? pg_pointer_legacy(p->db, p->name, out, err)
                                                  : status;
}

int postgres_journal(struct state_store *store, struct state_changes *out, struct error *err)
{
    struct postgres_state *p = postgres_of(store);
    const char *const parameters[] = {p->name};
    if (p->went_back) {
        return error_set(err, STATUS_INVALID,
                         "the database of the state has failed over, or was restored, since the "
                         "state was saved: records of its journal may be lost");
    }
    PGresult *result =
        PQexecParams(p->db, "SELECT record, n FROM tilewire.journal WHERE name = $1 ORDER BY n", 1,
                     NULL, parameters, NULL, NULL, 1);
    int status = PQresultStatus(result) == PGRES_TUPLES_OK
                     ? STATUS_OK
                     : pg_error(p->db, result, "cannot read the journal", err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(result); i++) {
        enum frame_format format;
        struct str record;
        status =
            frame_unwrap((struct str){PQgetvalue(result, i, 0), (size_t)PQgetlength(result, i, 0)},
                         &format, &record, err);
        if (status == STATUS_OK) {
            state_put(out, (struct state_id){.item = get_u64(result, i, 1)}, record);
        } else {
            error_prefix(err, status, "a record in tilewire.journal cannot be used");
        }
    }
    PQclear(result);
    return status;
}
