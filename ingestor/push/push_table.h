/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing pushed events into their file. Several pushes share a transaction, and so one fsync:
 *
 *     push_table_begin ─► push_table_add … ─► push_table_commit: now they are on disk
 *
 * Used by the writer's thread alone.
 */
#ifndef INGESTOR_PUSH_PUSH_TABLE_H
#define INGESTOR_PUSH_PUSH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"

struct push_table;

/* What a push asks for; borrowed from its request. */
struct push_wish {
    struct str key;         /* its Idempotency-Key; STR_NULL: it has none */
    const mp_value *events; /* an array of maps, see pushed_event.h */
};

struct push_outcome {
    int64_t first;   /* the id of its first event; the others follow without a gap */
    uint64_t events; /* how many it has */
    bool repeated;   /* The key was known: nothing was stored, and these are the ids from then. */
};

/* Opens the file, see push_file_open. */
int push_table_open(const char *path, struct push_table **out, struct error *err);

/* Clears the pointer; what is not committed is not there. NULL is fine. */
void push_table_close(struct push_table **table);

/* Begin and end a transaction. After a commit that fails nothing of it is stored. STATUS_FULL: the
 * disk is. STATUS_IO: something else is wrong with the file. */
int push_table_begin(struct push_table *table, struct error *err);
int push_table_commit(struct push_table *table, struct error *err);
void push_table_rollback(struct push_table *table);

/*
 * Adds the events of a push. STATUS_INVALID, and it is as if it had never been asked for: an event
 * is malformed; STATUS_DENIED: its key stands for other events. After any other failure the
 * transaction is of no use, and has to be rolled back.
 */
int push_table_add(struct push_table *table, const struct push_wish *wish, wall_time now,
                   struct push_outcome *out, struct error *err);

/* What push_table_sweep did. */
struct push_swept {
    uint64_t events; /* how many it deleted */
    bool more;       /* There may be more that is too old: it deleted as much as it may. */
};

/* Deletes, of the oldest rows, at most `max` events that came before `before` and have an id up to
 * `last`, and at most `max` keys that came before keys_before. */
int push_table_sweep(struct push_table *table, wall_time before, int64_t last,
                     wall_time keys_before, unsigned max, struct push_swept *out,
                     struct error *err);

#endif
