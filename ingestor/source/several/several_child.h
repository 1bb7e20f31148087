/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of several sources, with a thread that opens, reads and waits for it, so that one that hangs
 * or is down holds up none of the others. What it reads waits in its queue, which is bounded in
 * bytes: then the thread waits, too.
 *
 *   thread: open ─► read ─► queue ─┐        reader's thread: several_child_take
 *            ▲               wait ◄┘
 *            └── backoff ◄── it failed
 */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_CHILD_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_CHILD_H

#include <pthread.h>
#include <stdbool.h>

#include "common/base/backoff.h"
#include "common/config/config.h"
#include "ingestor/source/source.h"

/* Bytes of batches that wait for their turn, of one source; the one that fills it may be beyond. */
#define SEVERAL_QUEUE_BYTES ((size_t)8 << 20)

struct several_child {
    struct config config;         /* as if the source were the only one */
    const struct source_ops *ops; /* of its kind */
    size_t place;                 /* in the state */
    pthread_t thread;             /* what reads it */
    bool running;                 /* The thread is to be joined. */
    int stop_fd;                  /* an eventfd, which wakes the thread */
    int told_fd; /* borrowed: an eventfd, which the thread writes when something has come */

    /* The thread's alone. */
    struct source *source;  /* NULL: not open */
    struct buf state;       /* where it is opened */
    struct buf journal;     /* what it is opened with */
    bool journal_whole;     /* The journal is all that was written. */
    bool opened_before;     /* History is not wanted any more. */
    bool has_state;         /* False: at its start. */
    uint64_t epoch;         /* for the origin of a new numbering */
    struct backoff backoff; /* how long it waits after a failure */

    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t room;   /* The queue has become shorter, or it is to stop. */
    struct batch *queue;   /* utlist, in the order of reading */
    size_t queue_bytes;    /* of the queue */
    bool stop;             /* The thread is to end. */
    bool down;             /* It could not be read when it was tried last. */
    bool tried;            /* It was read, or could not be: nobody need wait for it to begin. */
    bool caught_up;        /* It has come to its end once. */
    bool lost_past;        /* It may have lost rows that were delivered. */
    struct error why;      /* of down */
    bool told;             /* Why it is down was told. */
    struct lag lag;        /* as last measured */
};

/* Begins to read. state: its own, or STR_NULL; journal: as for source_ops.open. */
int several_child_start(struct several_child *child, struct str state, struct str journal,
                        uint64_t epoch, struct error *err);

/* The thread is to end as soon as it can. */
void several_child_tell_stop(struct several_child *child);

/* Ends the thread, which may take as long as a call to the source, and frees what the child has. */
void several_child_stop(struct several_child *child);

/* The next batch, for the caller to destroy; NULL: there is none yet. */
struct batch *several_child_take(struct several_child *child);

/* How it stands. */
struct several_standing {
    bool waits;     /* a batch does */
    bool down;      /* it could not be read when it was tried last */
    bool tried;     /* it was read, or could not be */
    bool caught_up; /* it has come to its end once */
};
struct several_standing several_child_standing(struct several_child *child);

/* True, once for each reason, when it could not be read; *why says the reason. */
bool several_child_trouble(struct several_child *child, struct error *why);

/* True, once, when it may have lost rows that were delivered. */
bool several_child_lost_past(struct several_child *child);

#endif
