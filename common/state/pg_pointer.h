/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the row of a state in tilewire.checkpoint says: that the state is in tilewire.state, and on
 * which server it was written last. A state that lies apart from the rows it was made of does not
 * go back together with them: it has to be noticed that it did.
 */
#ifndef COMMON_STATE_PG_POINTER_H
#define COMMON_STATE_PG_POINTER_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/postgres/pg_past.h"
#include "common/state/changes.h"

/* Appends what the row is to say. */
void pg_pointer_put(struct buf *out, const struct pg_past *past);

/* Sets *went_back when the server, whose past is `now`, may lack what was written after the row of
 * that name, as after a failover. A row that says nothing of it has not. STATUS_IO. */
int pg_pointer_check(PGconn *db, const char *name, const struct pg_past *now, bool *went_back,
                     struct error *err);

/* Adds the checkpoint that a version before 0.2 wrote there, as STATE_LEGACY. STATUS_NOT_FOUND:
 * there is no row; STATUS_INVALID: it is damaged, or what it points to is gone; STATUS_IO. */
int pg_pointer_legacy(PGconn *db, const char *name, struct state_changes *out, struct error *err);

#endif
