/* SPDX-License-Identifier: Apache-2.0 */
/* After a crash or a restart: what was delivered before, again and in the same places. */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_REPLAY_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_REPLAY_H

#include "ingestor/source/cursor/cursor_deliver.h"

/* Takes the journal's records over, for those that are not in the state. False when some are
 * missing. */
bool cursor_replay_open(struct cursor *cursor, struct str journal);

/* True while records are left to go through. */
bool cursor_replay_left(const struct cursor *cursor);

/* One batch: what the next record says was delivered. STATUS_IO. */
int cursor_replay_record(struct cursor *cursor, struct batch **out, struct error *err);

/* One batch: the newest rows that were delivered before the state, in their places, as many as the
 * event log holds. STATUS_IO. */
int cursor_replay_history(struct cursor *cursor, struct batch **out, struct error *err);

#endif
