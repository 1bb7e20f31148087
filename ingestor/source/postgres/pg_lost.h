/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the database has lost rows that were read from it: it failed over to a standby that
 * lacked them, or was restored from a backup or to a point in time. Their ids are given to others
 * then.
 *
 *   the server ran on since                                 nothing was lost
 *   it was started again, and all looks as before           nothing, as far as can be seen
 *   another timeline or identifier, or transaction ids      something may be lost: the newest rows
 *   that went back                                          that were read tell (anchors.h)
 *   another row at an id that was read, though it had       something is lost
 *   been written by then
 *
 * Where the state lies in the same database, it went back together with the rows, so it is gone on
 * from whatever it says. An ingestor that knows more than that database begins again from there.
 * Where the state lies elsewhere it is of no use once rows are lost, and all tiles are built anew.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_LOST_H
#define INGESTOR_SOURCE_POSTGRES_PG_LOST_H

#include "ingestor/source/postgres/pg_state.h"

/* To be called when the source was opened, and goes on from a saved state or not. Sets s->past and
 * s->runs_on; sets s->base.other_past, or starts over, if rows may be lost. STATUS_IO. */
int pg_lost_check(struct postgres_source *s, bool resumed, struct error *err);

/* Through a pooler nobody notices that the server behind it became another one. To be called before
 * each poll. STATUS_IO: it did, and the source is to be opened again. */
int pg_lost_inspect(struct postgres_source *s, struct error *err);

#endif
