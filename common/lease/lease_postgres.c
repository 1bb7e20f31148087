/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease in the database: a row of tilewire.lease for each set of lanes. Taking it is one
 * statement, which fails when the holder has renewed since it was polled, and which puts the new
 * number into the state's row, too: that waits for a save or a record that the holder
 * before is writing, and refuses its next one.
 *
 * A renewal does not wait until it is on disk (synchronous_commit), so a slow disk, or a replica
 * that does not answer, costs nobody the lease. What a crash of the database forgets of it does no
 * harm: the heartbeat was another one, and who polls it has to connect anew, and begins to wait
 * anew. Taking does wait: a number that was forgotten would come twice.
 *
 * A holder on this machine that is dead need not be waited for: while it lives, a socket's name is
 * taken (in the abstract namespace, which the kernel clears up).
 */
#include "common/lease/lease_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/lease/lease_watch.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/postgres/pg_schema.h"

struct postgres_lease {
    struct lease_store base;
    const struct config *config;
    PGconn *db;  /* NULL: none */
    bool pooled; /* it goes through a pooler */
    char *name;  /* of the row */
    struct lease_watch watch;
    struct lease_grant grant; /* number 0: none */
    char place[128];          /* this machine, and this network namespace of it */
    char owner[192];          /* the place, and a name that this process alone has */
    int alive;                /* the socket with that name; -1: none */
};

static struct postgres_lease *postgres_of(struct lease_store *store)
{
    return (struct postgres_lease *)store;
}

/* ---- Whether a process of this machine is alive ---- */

/* A socket with the name; -1 when it is taken. */
static int take_name(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int len =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "tilewire-%s", name);
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void name_place(struct postgres_lease *l)
{
    char boot[64] = "";
    struct stat network = {0};
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file != NULL) {
        boot[fread(boot, 1, 36, file)] = '\0';
        fclose(file);
    }
    (void)stat("/proc/self/ns/net", &network);
    snprintf(l->place, sizeof l->place, "%s/%ju/", boot, (uintmax_t)network.st_ino);
}

static void name_owner(struct postgres_lease *l)
{
    uint64_t token = 0;
    char name[32];
    name_place(l);
    if (getrandom(&token, sizeof token, 0) != (ssize_t)sizeof token) {
        token = (uint64_t)clock_wall().us ^ (uint64_t)getpid();
    }
    snprintf(name, sizeof name, "%016" PRIx64, token);
    snprintf(l->owner, sizeof l->owner, "%s%s", l->place, name);
    l->alive = take_name(name);
}

/* True when the owner gave the lease back, or is of this machine and dead, or is this process. */
static bool owner_gone(const struct postgres_lease *l, const char *owner)
{
    const size_t len = strlen(l->place);
    if (owner[0] == '\0' || strcmp(owner, l->owner) == 0) {
        return true;
    }
    if (strncmp(owner, l->place, len) != 0) {
        return false;
    }
    const int fd = take_name(owner + len);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* ---- The session ---- */

/* Connects, unless the connection that there is still works. */
static int connect_anew(struct postgres_lease *l, struct error *err)
{
    if (l->db != NULL && PQstatus(l->db) == CONNECTION_OK) {
        return STATUS_OK;
    }
    PQfinish(l->db);
    l->db = NULL;
    int status = pg_connect_state(l->config, &l->db, err);
    if (status == STATUS_OK) {
        l->pooled = pg_is_pooled(l->db);
        /* A pooler's session is others', too: there it is for the transaction alone. */
        status = pg_run(l->db, l->pooled ? "SELECT 1" : "SET statement_timeout = '2s'",
                        "cannot set up the session", err);
    }
    if (status == STATUS_OK) {
        status = pg_schema_prepare(l->db, err);
    }
    if (status != STATUS_OK) {
        PQfinish(l->db);
        l->db = NULL;
    }
    return status;
}

static int postgres_open(const struct config *config, struct lease_store **out, struct error *err)
{
    (void)err;
    struct postgres_lease *l = x_calloc(1, sizeof *l);
    struct buf name = {0};
    l->base.ops = &lease_postgres;
    l->config = config;
    pg_checkpoint_name(&name, config);
    l->name = buf_take(&name);
    name_owner(l);
    *out = &l->base;
    return STATUS_OK;
}

/* Runs one statement; it takes 2 s at most. */
static PGresult *exec(struct postgres_lease *l, const char *sql, int count,
                      const char *const *parameters)
{
    return l->pooled ? pg_pooled_exec(l->db, "SELECT set_config('statement_timeout', '2s', true)",
                                      sql, count, parameters, 0)
                     : PQexecParams(l->db, sql, count, NULL, parameters, NULL, NULL, 0);
}

/* ---- Taking ---- */

/* What a poll of the row found. */
struct seen {
    char number[32]; /* "0": there is no row */
    char heartbeat[32];
    char owner[192];
};

static int poll_row(struct postgres_lease *l, struct seen *out, struct error *err)
{
    const char *const parameters[] = {l->name};
    *out = (struct seen){"0", "0", ""};
    PGresult *result =
        exec(l, "SELECT number::text, beat::text, owner FROM tilewire.lease WHERE name = $1", 1,
             parameters);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(l->db, result, "cannot look at the lease", err);
    } else if (PQntuples(result) == 1) {
        snprintf(out->number, sizeof out->number, "%s", PQgetvalue(result, 0, 0));
        snprintf(out->heartbeat, sizeof out->heartbeat, "%s", PQgetvalue(result, 0, 1));
        snprintf(out->owner, sizeof out->owner, "%s", PQgetvalue(result, 0, 2));
    }
    PQclear(result);
    return status;
}

/* Takes the lease from the holder that was seen. STATUS_AGAIN when somebody was faster. */
static int take(struct postgres_lease *l, const struct seen *seen, struct error *err)
{
    char epoch[32];
    snprintf(epoch, sizeof epoch, "%" PRIu64, lease_epoch_after(0));
    const char *const parameters[] = {l->name, l->owner, seen->number, seen->heartbeat, epoch};
    PGresult *result = exec(
        l,
        "WITH taken AS (INSERT INTO tilewire.lease AS l (name, number, beat, owner, epoch) "
        "VALUES ($1, 1, 0, $2, $5::bigint) ON CONFLICT (name) DO UPDATE SET number = l.number + 1, "
        "beat = 0, owner = $2, epoch = greatest(l.epoch + 1, $5::bigint) "
        "WHERE l.number = $3::bigint AND l.beat = $4::bigint RETURNING name, number, epoch), "
        "fenced AS (INSERT INTO tilewire.checkpoint AS c (name, holder) "
        "SELECT name, number FROM taken ON CONFLICT (name) DO UPDATE SET holder = excluded.holder "
        "RETURNING holder) SELECT t.number::text, t.epoch::text FROM taken t, fenced",
        5, parameters);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(l->db, result, "cannot take the lease", err);
    } else if (PQntuples(result) != 1) {
        status = error_set(err, STATUS_AGAIN, "another ingestor has just taken the lease on %s",
                           l->name);
    } else {
        l->grant.number = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
        l->grant.epoch = strtoull(PQgetvalue(result, 0, 1), NULL, 10);
    }
    PQclear(result);
    return status;
}

static int postgres_acquire(struct lease_store *store, boot_time now, struct lease_grant *out,
                            struct error *err)
{
    struct postgres_lease *l = postgres_of(store);
    struct seen seen;
    int status = connect_anew(l, err);
    if (status == STATUS_OK) {
        status = poll_row(l, &seen, err);
    }
    if (status != STATUS_OK) {
        lease_watch_forget(&l->watch);
        return status;
    }
    const uint64_t number = strtoull(seen.number, NULL, 10);
    const bool expired =
        lease_watch_expired(&l->watch, number, strtoull(seen.heartbeat, NULL, 10), now);
    if (!expired && !owner_gone(l, seen.owner)) {
        return error_set(err, STATUS_AGAIN, "another ingestor holds the lease on %s", l->name);
    }
    status = take(l, &seen, err);
    *out = l->grant;
    return status;
}

/* ---- Holding ---- */

#define NOT_ON_DISK " RETURNING set_config('synchronous_commit', 'off', true)"

/* Runs a statement on our row; STATUS_DENIED when it is not ours any more. */
static int on_our_row(struct postgres_lease *l, const char *sql, const char *doing,
                      struct error *err)
{
    char number[32];
    snprintf(number, sizeof number, "%" PRIu64, l->grant.number);
    const char *const parameters[] = {l->name, number};
    PGresult *result = exec(l, sql, 2, parameters);
    int status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = pg_error(l->db, result, doing, err);
    } else if (strcmp(PQcmdTuples(result), "1") != 0) {
        status = error_set(err, STATUS_DENIED,
                           "the lease on %s is lost: another ingestor has taken it", l->name);
    }
    PQclear(result);
    return status;
}

static int postgres_renew(struct lease_store *store, struct error *err)
{
    struct postgres_lease *l = postgres_of(store);
    const int status = connect_anew(l, err);
    return status != STATUS_OK
               ? status
               : on_our_row(l,
                            "UPDATE tilewire.lease SET beat = beat + 1 WHERE name = $1 AND "
                            "number = $2::bigint" NOT_ON_DISK,
                            "cannot renew the lease", err);
}

static void postgres_close(struct lease_store *store)
{
    struct postgres_lease *l = postgres_of(store);
    struct error err;
    if (l->grant.number != 0 && l->db != NULL && PQstatus(l->db) == CONNECTION_OK) {
        (void)on_our_row(l,
                         "UPDATE tilewire.lease SET owner = '' WHERE name = $1 AND "
                         "number = $2::bigint" NOT_ON_DISK,
                         "cannot give the lease back", &err);
    }
    PQfinish(l->db);
    if (l->alive >= 0) {
        close(l->alive);
    }
    free(l->name);
    free(l);
}

const struct lease_store_ops lease_postgres = {
    .open = postgres_open,
    .close = postgres_close,
    .acquire = postgres_acquire,
    .renew = postgres_renew,
};
