/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/postgres_store.h"

#include "common/postgres/pg.h"

/* Through a pooler another server shows only when it is asked. */
int postgres_reconnect(struct postgres_state *p, struct error *err)
{
    struct pg_past now;
    int status = STATUS_OK;
    const bool broken = PQstatus(p->db) != CONNECTION_OK;
    if (broken && p->number[0] == '\0') {
        return error_set(err, STATUS_IO, "the connection broke while the state was read");
    }
    if (broken) {
        PQfinish(p->db);
        p->db = NULL;
        status = pg_connect_state(p->config, &p->db, err);
    }
    if (status == STATUS_OK && (broken || p->pooled)) {
        status = pg_past_read(p->db, &now, err);
        if (status == STATUS_OK && pg_past_is_suspicious(&p->past, &now)) {
            status = error_set(err, STATUS_DENIED,
                               "the database is another one than before, as after a failover");
        }
    }
    return status;
}
