/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_listener.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/postgres/pg.h"
#include "common/program/log.h"

#define STEP_MS 5000 /* for the server's next answer, while a connection is made */
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 15000

static void drop(struct pg_listener *l)
{
    PQfinish(l->db);
    l->db = NULL;
    l->phase = PG_LISTENER_AWAY;
}

/* Says once that nothing listens, and tries again later. */
static void give_up(struct pg_listener *l, const struct error *why)
{
    if (!l->lost) {
        l->lost = true;
        log_warn("source.listen_uri: %s: until it listens, the table is polled each %lld ms "
                 "(source.poll_interval)",
                 why->text, (long long)l->config->source.poll_interval_ms);
    }
    drop(l);
    l->due_at = mono_add_ms(clock_mono(), backoff_next_ms(&l->backoff));
}

static void expect(struct pg_listener *l, enum pg_listener_phase phase, short events)
{
    l->phase = phase;
    l->events = events;
    l->due_at = phase == PG_LISTENER_LISTENING ? MONO_NEVER : mono_add_ms(clock_mono(), STEP_MS);
}

void pg_listener_open(struct pg_listener *l, const struct config *config, int table_oid)
{
    if (config->source.listen_uri == NULL) {
        return;
    }
    const mono_time now = clock_mono();
    *l = (struct pg_listener){.config = config,
                              .table_oid = table_oid,
                              .due_at = now,
                              .backoff = {.first_ms = BACKOFF_FIRST_MS,
                                          .max_ms = BACKOFF_MAX_MS,
                                          .random = (uint64_t)now.us}};
}

void pg_listener_close(struct pg_listener *l)
{
    PQfinish(l->db);
    *l = (struct pg_listener){0};
}

struct pollfd pg_listener_pollfd(const struct pg_listener *l)
{
    return (struct pollfd){.fd = l->db != NULL ? PQsocket(l->db) : -1, .events = l->events};
}

mono_time pg_listener_due(const struct pg_listener *l)
{
    return l->config != NULL ? l->due_at : MONO_NEVER;
}

/* ---- From one phase to the next ---- */

static int ask(struct pg_listener *l, enum pg_listener_phase phase, const char *sql,
               struct error *err)
{
    if (PQsendQuery(l->db, sql) != 1) {
        return pg_error(l->db, NULL, "cannot LISTEN", err);
    }
    expect(l, phase, POLLIN);
    return STATUS_OK;
}

/* Before LISTEN, which would stay in a pooler's session. The table shows that the server is the
 * right one, and needs no rights to be looked up. */
static int ask_who_answers(struct pg_listener *l, struct error *err)
{
    struct buf sql = {0};
    char *table = PQescapeLiteral(l->db, l->config->source.table, strlen(l->config->source.table));
    buf_printf(&sql,
               "SELECT pg_backend_pid(), EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = "
               "%d::oid AND relname = %s)",
               l->table_oid, table != NULL ? table : "NULL");
    const int status = ask(l, PG_LISTENER_CHECKING, buf_cstr(&sql), err);
    PQfreemem(table);
    buf_free(&sql);
    return status;
}

static int ask_to_listen(struct pg_listener *l, struct error *err)
{
    struct buf channel = {0};
    struct buf sql = {0};
    pg_channel(&channel, &l->config->source);
    buf_append_text(&sql, "LISTEN ");
    pg_quote(l->db, &sql, buf_cstr(&channel));
    const int status = ask(l, PG_LISTENER_ASKING, buf_cstr(&sql), err);
    buf_free(&channel);
    buf_free(&sql);
    return status;
}

static int begin(struct pg_listener *l, struct error *err)
{
    const int status = pg_connect_start(l->config, l->config->source.listen_uri, &l->db, err);
    if (status == STATUS_OK) {
        expect(l, PG_LISTENER_CONNECTING, POLLOUT);
    }
    return status;
}

static int go_on_connecting(struct pg_listener *l, struct error *err)
{
    const PostgresPollingStatusType wants = PQconnectPoll(l->db);
    if (wants == PGRES_POLLING_OK) {
        return ask_who_answers(l, err);
    }
    if (wants != PGRES_POLLING_READING && wants != PGRES_POLLING_WRITING) {
        return pg_error(l->db, NULL, "cannot connect to PostgreSQL", err);
    }
    expect(l, PG_LISTENER_CONNECTING, wants == PGRES_POLLING_READING ? POLLIN : POLLOUT);
    return STATUS_OK;
}

static int check_who_answers(struct pg_listener *l, const PGresult *result, struct error *err)
{
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        return pg_error(l->db, result, "cannot LISTEN", err);
    }
    if (strtol(PQgetvalue(result, 0, 0), NULL, 10) != PQbackendPID(l->db)) {
        return error_set(err, STATUS_IO,
                         "it leads to a pooler of connections, too; name the server itself");
    }
    if (strcmp(PQgetvalue(result, 0, 1), "t") != 0) {
        return error_set(err, STATUS_IO,
                         "the events table of source.uri is not in that database; name the same "
                         "server and database");
    }
    return STATUS_OK;
}

static int check_listening(struct pg_listener *l, const PGresult *result, struct error *err)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        return pg_error(l->db, result, "cannot LISTEN", err);
    }
    log_info("source.listen_uri: the server notifies of new rows%s", l->heard ? " again" : "");
    l->heard = true;
    l->lost = false;
    backoff_reset(&l->backoff);
    expect(l, PG_LISTENER_LISTENING, POLLIN);
    return STATUS_OK;
}

/* Takes an answer, if all of it is there. */
static int take_answer(struct pg_listener *l, struct error *err)
{
    if (PQisBusy(l->db)) {
        return STATUS_OK;
    }
    const enum pg_listener_phase phase = l->phase;
    PGresult *result = PQgetResult(l->db);
    int status = phase == PG_LISTENER_CHECKING ? check_who_answers(l, result, err)
                                               : check_listening(l, result, err);
    PQclear(result);
    /* What is left is the end of the answer, which came with it. */
    while (status == STATUS_OK && (result = PQgetResult(l->db)) != NULL) {
        PQclear(result);
    }
    return status == STATUS_OK && phase == PG_LISTENER_CHECKING ? ask_to_listen(l, err) : status;
}

static bool take_notifications(struct pg_listener *l)
{
    bool any = false;
    PGnotify *notify;
    while ((notify = PQnotifies(l->db)) != NULL) {
        any = true;
        PQfreemem(notify);
    }
    return any;
}

/* Something has come, or the connection is gone. */
static int take_input(struct pg_listener *l, bool *woken, struct error *err)
{
    if (l->phase == PG_LISTENER_CONNECTING) {
        return go_on_connecting(l, err);
    }
    if (PQconsumeInput(l->db) == 0) {
        return pg_error(l->db, NULL, "the connection is lost", err);
    }
    int status = STATUS_OK;
    const bool listened = l->phase == PG_LISTENER_LISTENING;
    if (!listened) {
        status = take_answer(l, err);
    }
    /* What was written before it listened was not notified of. */
    *woken = take_notifications(l) || (!listened && l->phase == PG_LISTENER_LISTENING);
    if (status == STATUS_OK && PQstatus(l->db) != CONNECTION_OK) {
        status = pg_error(l->db, NULL, "the connection is lost", err);
    }
    return status;
}

bool pg_listener_step(struct pg_listener *l, short revents)
{
    struct error err;
    int status = STATUS_OK;
    bool woken = false;
    if (l->config == NULL) {
        return false;
    }
    if (revents != 0) {
        status = take_input(l, &woken, &err);
    } else if (clock_mono().us >= l->due_at.us) {
        status = l->phase == PG_LISTENER_AWAY
                     ? begin(l, &err)
                     : error_set(&err, STATUS_IO, "the server does not answer");
    }
    if (status != STATUS_OK) {
        give_up(l, &err);
    }
    return woken;
}
