/* SPDX-License-Identifier: Apache-2.0 */
/* Events that were pushed. ingestor/push stores them in an SQLite file of our own, and from there
 * they are read as any table is, by the source for SQLite. */
#include "common/lease/lease_file.h"
#include "common/state/state_file.h"
#include "ingestor/source/list.h"
#include "ingestor/source/push/push_file.h"

/* Nobody has pushed anything yet, perhaps: the file is made. */
static int push_open(const struct config *config, struct str state, struct str journal,
                     uint64_t epoch, struct source **out, struct error *err)
{
    sqlite3 *db;
    const int status = push_file_open(config->source.path, &db, err);
    sqlite3_close(db);
    return status == STATUS_OK ? source_sqlite.open(config, state, journal, epoch, out, err)
                               : status;
}

static int push_open_past(const struct config *config, struct str from, struct str to,
                          struct str done, struct source **out, struct error *err)
{
    return source_sqlite.open_past(config, from, to, done, out, err);
}

static bool push_state_is_newer(struct str state)
{
    return source_sqlite.state_is_newer(state);
}

/* What it opens is a source of SQLite's, whose own functions read and close it. */
const struct source_ops source_push = {
    .scheme = "push",
    .stores = {&state_file, &lease_file},
    .open = push_open,
    .open_past = push_open_past,
    .state_is_newer = push_state_is_newer,
};
