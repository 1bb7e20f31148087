/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the store in PostgreSQL share: postgres_load.c (reading), postgres_save.c
 * (writing) and state_postgres.c, which is the store. Nobody else includes it.
 */
#ifndef COMMON_STATE_POSTGRES_STORE_H
#define COMMON_STATE_POSTGRES_STORE_H

#include <libpq-fe.h>

#include "common/postgres/pg_past.h"
#include "common/state/state_store.h"

struct postgres_state {
    struct state_store base;     /* first: a struct state_store is one of these */
    const struct config *config; /* borrowed */
    PGconn *db;                  /* the connection; owned */
    struct pg_past past;         /* of the server that the state was loaded from */
    bool pooled;                 /* the connection goes through a pooler */
    bool went_back;  /* it may lack what was written last, though the source has its rows */
    char *name;      /* of the rows: table and lanes */
    char number[32]; /* of our lease; "" for a reader */
};

static inline struct postgres_state *postgres_of(struct state_store *store)
{
    return (struct postgres_state *)store;
}

/* Connects anew if the connection is broken. STATUS_DENIED: the server is another one now, which
 * may lack rows that our state counts, and has a state of its own to go on from. */
int postgres_reconnect(struct postgres_state *p, struct error *err);

#endif
