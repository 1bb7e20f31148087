/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/state.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "ctl/state/records.h"
#include "ctl/state/stores.h"

#define ABOUT "state"
#define LEASE_ABOUT "lease"
#define LOCK_BYTES 128

/* ---- What is stored ---- */

static bool in_files(const struct config *config)
{
    return config->ingestor.checkpoint == CHECKPOINT_FILE;
}

static void say_tiles(const struct config *config, const struct state_changes *records,
                      struct findings *out)
{
    struct record_tiles tiles = {0};
    struct error err = {{0}};
    int status = records_check_place(records, config, &err);
    if (status == STATUS_OK) {
        status = records_read_tiles(records, &tiles, &err);
    }
    if (status == STATUS_OK) {
        finding_add(out, FINDING_OK, ABOUT, "%s has the state of %zu tile%s, in %zu bytes",
                    in_files(config) ? config->ingestor.checkpoint_path : "the schema tilewire",
                    tiles.count, tiles.count == 1 ? "" : "s", records->values.len);
    } else {
        finding_add(out, FINDING_WARNING, ABOUT,
                    "%s: the ingestor will not go on from it, but build all tiles anew", err.text);
    }
    records_free_tiles(&tiles);
}

static void try_stored(const struct config *config, struct findings *out)
{
    struct state_changes records = {0};
    struct error err = {{0}};
    switch (stores_read(config, &records, NULL, &err)) {
    case STATUS_OK:
        say_tiles(config, &records, out);
        break;
    case STATUS_NOT_FOUND:
        finding_add(
            out, FINDING_OK, ABOUT,
            "there is none yet: the ingestor will build all tiles from the source, and make "
            "it %s%s",
            in_files(config) ? "at " : "in the schema tilewire",
            in_files(config) ? config->ingestor.checkpoint_path : "");
        break;
    case STATUS_NEWER:
        finding_add(
            out, FINDING_ERROR, ABOUT,
            "%s: the ingestor of this version refuses it. Start that version, or name another "
            "place (ingestor.checkpoint)",
            err.text);
        break;
    default:
        finding_add(out, FINDING_ERROR, ABOUT, "%s", err.text);
        break;
    }
    state_changes_free(&records);
}

/* ---- Files ---- */

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? x_strdup(".")
                         : x_strndup(path, slash != path ? (size_t)(slash - path) : 1);
}

static void try_folder(const char *folder, struct findings *out)
{
    if (access(folder, W_OK | X_OK) != 0) {
        finding_add(
            out, FINDING_ERROR, ABOUT,
            "the folder %s cannot be written to by this user (%s); the ingestor's user has to "
            "write there, or ingestor.checkpoint has to name a file elsewhere",
            folder, strerror(errno));
    }
}

/* The text of the lock file with the greatest number; false when there is none. */
static bool read_lock(const char *path, const char *folder, char text[LOCK_BYTES])
{
    const char *slash = strrchr(path, '/');
    char *prefix = x_asprintf("%s.lock.", slash != NULL ? slash + 1 : path);
    unsigned long long greatest = 0;
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            const unsigned long long number = strtoull(entry->d_name + strlen(prefix), NULL, 10);
            greatest = number > greatest ? number : greatest;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    char *name = x_asprintf("%s.lock.%llu", path, greatest);
    FILE *file = greatest != 0 ? fopen(name, "re") : NULL;
    const bool read = file != NULL && fgets(text, LOCK_BYTES, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    free(name);
    free(prefix);
    return read;
}

/* The lock itself is not touched: whoever takes it looks like an ingestor to the others. */
static void try_lock(const char *path, const char *folder, struct findings *out)
{
    char text[LOCK_BYTES];
    const char *process = read_lock(path, folder, text) ? strstr(text, " process ") : NULL;
    const long pid = process != NULL ? strtol(process + strlen(" process "), NULL, 10) : 0;
    if (pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM)) {
        finding_add(out, FINDING_OK, LEASE_ABOUT, "process %ld of this machine holds it", pid);
    } else {
        finding_add(out, FINDING_OK, LEASE_ABOUT, "nobody holds it: an ingestor can begin at once");
    }
}

/* ---- The schema ---- */

static void say_holder(const PGresult *result, struct findings *out)
{
    if (PQntuples(result) != 0 && PQgetlength(result, 0, 0) != 0) {
        finding_add(out, FINDING_OK, LEASE_ABOUT, "its last holder is %s, number %s",
                    PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    } else {
        finding_add(out, FINDING_OK, LEASE_ABOUT, "nobody holds it: an ingestor can begin at once");
    }
}

static void try_schema(const struct config *config, struct findings *out)
{
    static const char rights[] =
        "SELECT to_regclass('tilewire.lease') IS NOT NULL, "
        "to_regnamespace('tilewire') IS NOT NULL, has_database_privilege(current_database(), "
        "'CREATE'), coalesce(has_schema_privilege(to_regnamespace('tilewire')::oid, 'USAGE'), "
        "true)";
    struct error err = {{0}};
    struct buf name = {0};
    PGconn *db = NULL;
    PGresult *result = NULL;
    if (pg_connect_state(config, &db, &err) != STATUS_OK ||
        pg_query(db, rights, &result, "cannot look for the schema tilewire", &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, ABOUT, "%s", err.text);
        PQfinish(db);
        return;
    }
    const bool lease = PQgetvalue(result, 0, 0)[0] == 't';
    const bool schema = PQgetvalue(result, 0, 1)[0] == 't';
    const bool create = PQgetvalue(result, 0, 2)[0] == 't';
    const bool usage = PQgetvalue(result, 0, 3)[0] == 't';
    PQclear(result);
    if ((!schema && !create) || !usage) {
        finding_add(
            out, FINDING_ERROR, ABOUT,
            "role \"%s\" may not %s the schema tilewire: CREATE SCHEMA tilewire AUTHORIZATION "
            "\"%s\", or set ingestor.checkpoint to file:PATH",
            PQuser(db), schema ? "use" : "make", PQuser(db));
    } else if (lease) {
        pg_checkpoint_name(&name, config);
        const char *const parameters[] = {name.data};
        result = PQexecParams(db, "SELECT owner, number FROM tilewire.lease WHERE name = $1", 1,
                              NULL, parameters, NULL, NULL, 0);
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            say_holder(result, out);
        } else {
            (void)pg_error(db, result, "cannot read the lease", &err);
            finding_add(out, FINDING_ERROR, LEASE_ABOUT, "%s", err.text);
        }
        PQclear(result);
    }
    buf_free(&name);
    PQfinish(db);
}

void connect_try_state(const struct config *config, struct findings *out)
{
    try_stored(config, out);
    if (in_files(config)) {
        char *folder = folder_of(config->ingestor.checkpoint_path);
        try_folder(folder, out);
        try_lock(config->ingestor.checkpoint_path, folder, out);
        free(folder);
    } else if (config->ingestor.checkpoint == CHECKPOINT_POSTGRESQL) {
        try_schema(config, out);
    }
}
