/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/sqlite_read.h"

/* What SQLite's error means to the caller. */
static int status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STATUS_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_AGAIN;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STATUS_INVALID;
    default:
        return STATUS_IO;
    }
}

int sqlite_read_error(sqlite3 *db, const char *path, const char *doing, struct error *err)
{
    return error_set(err, status_of(sqlite3_extended_errcode(db)), "cannot %s %s: %s", doing, path,
                     sqlite3_errmsg(db));
}

int sqlite_read_state(sqlite3 *db, const char *path, struct state_changes *out, struct error *err)
{
    sqlite3_stmt *rows = NULL;
    uint64_t damaged = 0; /* the tile that is, while its records go by */
    int code;
    if (sqlite3_prepare_v2(
            db, "SELECT tile, member, item, value FROM state ORDER BY tile, member, item", -1,
            &rows, NULL) != SQLITE_OK) {
        return sqlite_read_error(db, path, "read the state", err);
    }
    int status = STATUS_OK;
    while (status == STATUS_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const struct state_id id = {(uint64_t)sqlite3_column_int64(rows, 0),
                                    (uint64_t)sqlite3_column_int64(rows, 1),
                                    (uint64_t)sqlite3_column_int64(rows, 2)};
        const struct str sealed = {sqlite3_column_blob(rows, 3),
                                   (size_t)sqlite3_column_bytes(rows, 3)};
        struct str value;
        if (damaged != 0 && id.tile == damaged) {
            continue;
        }
        if (state_unseal(id, sealed, &value)) {
            state_put(out, id, value);
        } else if (state_lost(out, id)) {
            damaged = id.tile;
        } else {
            status = error_set(err, STATUS_INVALID, "the state %s is damaged", path);
        }
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = sqlite_read_error(db, path, "read the state", err);
    }
    sqlite3_finalize(rows);
    return status == STATUS_OK && out->count == 0 ? STATUS_NOT_FOUND : status;
}

int sqlite_read_journal(sqlite3 *db, const char *path, struct state_changes *out, struct error *err)
{
    sqlite3_stmt *rows = NULL;
    int code = SQLITE_DONE;
    int status = STATUS_OK;
    if (sqlite3_prepare_v2(db, "SELECT n, record FROM journal ORDER BY n", -1, &rows, NULL) !=
        SQLITE_OK) {
        return sqlite_read_error(db, path, "read the journal in", err);
    }
    while (status == STATUS_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const struct state_id id = {.item = (uint64_t)sqlite3_column_int64(rows, 0)};
        struct str record;
        if (state_unseal(
                id,
                (struct str){sqlite3_column_blob(rows, 1), (size_t)sqlite3_column_bytes(rows, 1)},
                &record)) {
            state_put(out, id, record);
        } else {
            status = error_set(err, STATUS_INVALID, "the journal in %s is damaged", path);
        }
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = sqlite_read_error(db, path, "read the journal in", err);
    }
    sqlite3_finalize(rows);
    return status;
}
