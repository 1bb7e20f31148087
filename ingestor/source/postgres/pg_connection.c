/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_connection.h"

#include <poll.h>
#include <string.h>

#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/program/log.h"

/* Says so when rows are kept from us: nothing else would show it. */
static int warn_of_hidden_rows(struct postgres_source *s, struct error *err)
{
    bool hides;
    const char *table = buf_cstr(&s->table.name);
    const int status = pg_hides_rows(s->db, table, &hides, err);
    if (status == STATUS_OK && hides) {
        log_warn("row level security hides rows of table %s from role \"%s\": they are in no tile. "
                 "To have them all, CREATE POLICY tilewire ON %s FOR SELECT TO \"%s\" USING "
                 "(true), or ALTER ROLE \"%s\" BYPASSRLS",
                 table, PQuser(s->db), table, PQuser(s->db), PQuser(s->db));
    }
    return status;
}

int pg_connection_open(struct postgres_source *s, struct error *err)
{
    int status = pg_connect(s->config, &s->db, err);
    if (status == STATUS_OK) {
        s->pooled = pg_is_pooled(s->db);
        status = pg_table_describe(s->db, &s->config->source, &s->table, err);
    }
    return status == STATUS_OK ? warn_of_hidden_rows(s, err) : status;
}

/* Where nothing can notify, the table is polled. */
static void say_that_it_is_polled(const struct postgres_source *s, const char *why)
{
    log_info("%s: the table is polled each %lld ms (source.poll_interval)", why,
             (long long)s->config->source.poll_interval_ms);
}

/* A hot standby cannot notify. */
static int is_standby(struct postgres_source *s, bool *standby, struct error *err)
{
    PGresult *result;
    const int status = pg_query(s->db, "SELECT pg_is_in_recovery()", &result,
                                "cannot ask whether the server is a standby", err);
    if (status == STATUS_OK) {
        *standby = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
        PQclear(result);
    }
    return status;
}

int pg_connection_listen(struct postgres_source *s, struct error *err)
{
    bool standby = false;
    if (s->config->source.listen_uri != NULL) {
        pg_listener_open(&s->listener, s->config, s->table.oid);
        return STATUS_OK;
    }
    if (s->pooled) {
        say_that_it_is_polled(s, "source.uri leads to a pooler of connections, through which "
                                 "PostgreSQL cannot notify of new rows; source.listen_uri may "
                                 "name the server itself");
        return STATUS_OK;
    }
    int status = is_standby(s, &standby, err);
    if (status == STATUS_OK && standby) {
        say_that_it_is_polled(s, "the server is a hot standby, which cannot notify of new rows");
    }
    if (status != STATUS_OK || standby) {
        return status;
    }
    struct buf channel = {0};
    struct buf sql = {0};
    pg_channel(&channel, &s->config->source);
    buf_append_text(&sql, "LISTEN ");
    pg_quote(s->db, &sql, buf_cstr(&channel));
    status = pg_run(s->db, buf_cstr(&sql), "cannot LISTEN", err);
    buf_free(&channel);
    buf_free(&sql);
    return status;
}

static bool take_notifications(struct postgres_source *s)
{
    bool any = false;
    PGnotify *notify;
    while ((notify = PQnotifies(s->db)) != NULL) {
        any = true;
        PQfreemem(notify);
    }
    return any;
}

static int sleep_once(struct postgres_source *s, int wake_fd, mono_time until, int timeout_ms,
                      bool *ended, bool *woken, struct error *err)
{
    const mono_time due_at = pg_listener_due(&s->listener);
    const mono_time next = due_at.us < until.us ? due_at : until;
    struct pollfd fds[] = {
        {wake_fd, POLLIN, 0}, {PQsocket(s->db), POLLIN, 0}, pg_listener_pollfd(&s->listener)};
    const int ready =
        poll(fds, sizeof fds / sizeof *fds, mono_ms_until(clock_mono(), next, timeout_ms));
    if (fds[1].revents != 0 && PQconsumeInput(s->db) == 0) {
        return pg_error(s->db, NULL, "the connection to PostgreSQL is lost", err);
    }
    const bool heard = pg_listener_step(&s->listener, (short)(ready > 0 ? fds[2].revents : 0));
    *woken = take_notifications(s) || heard;
    *ended = *woken || (ready > 0 && (fds[0].revents != 0 || fds[1].revents != 0)) || ready < 0 ||
             clock_mono().us >= until.us;
    if (PQstatus(s->db) != CONNECTION_OK) {
        return pg_error(s->db, NULL, "the connection to PostgreSQL is lost", err);
    }
    return STATUS_OK;
}

int pg_connection_wait(struct postgres_source *s, int wake_fd, int timeout_ms, bool *woken,
                       struct error *err)
{
    /* Those that came during the poll are in the connection's memory, and no socket tells of them
     * any more. */
    *woken = take_notifications(s);
    if (*woken) {
        return STATUS_OK;
    }
    const mono_time until = mono_add_ms(clock_mono(), timeout_ms);
    int status = STATUS_OK;
    /* What the listener does by itself is no reason to end. */
    for (bool ended = false; status == STATUS_OK && !ended;) {
        status = sleep_once(s, wake_fd, until, timeout_ms, &ended, woken, err);
    }
    return status;
}
