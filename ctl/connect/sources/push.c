/* SPDX-License-Identifier: Apache-2.0 */
/* Pushed events lie in an SQLite file, which the ingestor makes when it first leads. */
#include <errno.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/config/pushed_file.h"
#include "ctl/connect/source.h"

/* What the ingestor will need to make the file. */
static void try_folder(const char *path, struct findings *out)
{
    char *copy = x_strdup(path);
    const char *folder = dirname(copy);
    if (access(folder, W_OK | X_OK) == 0) {
        finding_add(out, FINDING_OK, CONNECT_SOURCE,
                    "%s is not there yet: the ingestor makes it when it starts", path);
    } else {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s cannot be made: the folder %s: %s. Make it, and let the ingestor's user "
                    "write there, or name another file in source.uri",
                    path, folder, strerror(errno));
    }
    free(copy);
}

/* A number that SQLite keeps in the file's header; -1: it is no database, or cannot be read. */
static int64_t number_of(sqlite3 *db, const char *pragma)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(db, pragma, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return number;
}

/* False: the ingestor would refuse the file. What cannot be read at all is told by who reads it. */
static bool is_of_pushed_events(const char *path, struct findings *out)
{
    sqlite3 *db = NULL;
    int64_t kind = -1;
    int64_t format = -1;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, CONNECT_WAIT_MS);
        kind = number_of(db, "PRAGMA application_id");
        format = number_of(db, "PRAGMA user_version");
    }
    sqlite3_close(db);
    if (kind >= 0 && kind != PUSHED_FILE_APPLICATION_ID) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s is no file of pushed events: name another one in source.uri, or read its "
                    "table with sqlite:FILE",
                    path);
        return false;
    }
    if (format > PUSHED_FILE_FORMAT) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE,
                    "%s is of format %lld, which a newer version of Tilewire wrote: use that "
                    "version",
                    path, (long long)format);
        return false;
    }
    return true;
}

void connect_push(const struct config *config, struct findings *out)
{
    const char *path = config->source.path;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        try_folder(path, out);
    } else if (is_of_pushed_events(path, out)) {
        connect_sqlite(config, out);
    }
}
