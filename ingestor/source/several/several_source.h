/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. Private to it. */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_SOURCE_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_SOURCE_H

#include "ingestor/source/several/several_child.h"
#include "ingestor/source/several/several_state.h"

/* Batches of one source that were taken from its queue. */
struct several_taken {
    struct batch *list; /* utlist, in the order of reading */
    size_t bytes;       /* of all */
};

struct several_source {
    struct source base;                                /* what others see of it */
    const struct config *config;                       /* borrowed */
    struct several_state state;                        /* behind what was delivered */
    struct several_child children[CONFIG_SOURCES_MAX]; /* as the configuration has them */
    struct several_taken taken[CONFIG_SOURCES_MAX];    /* of each child */
    uint64_t pending[CONFIG_SOURCES_MAX];              /* ids that are missing, of each */
    size_t count;                                      /* of children */
    size_t next;                                       /* the child whose turn it is */
    int told_fd;           /* an eventfd: some child has something new */
    uint64_t whole_origin; /* of the last whole state; 0: none */
    size_t whole_bytes;    /* of that state */
    size_t change_bytes;   /* of the changes behind it */
    struct buf plan;  /* struct several_run: delivered by an earlier life, and not in the state */
    bool history_due; /* The event log is to be filled first. */
    bool restarted;   /* The next batch says so. */
    uint64_t anew;    /* Bit i: the next batch says that the i-th reads another table now. */
    bool promised;    /* The next call has to give a batch. */
    int64_t patience_ms; /* how long a child that says nothing is waited for, at the start */
    mono_time patience;  /* until when all children are waited for */
};

/* A batch for rows of all sources. */
struct batch *several_batch(const struct several_source *s);

/* Takes a batch over from the child's queue into `taken`; false when there is none. */
bool several_take(struct several_source *s, size_t child);

/* Ends the batch: the state is behind it. change: all that has changed in it since the batch before
 * (several_state_change); NULL: nobody knows, so that it is whole. */
void several_finish(struct several_source *s, struct batch *batch, const struct buf *change,
                    struct str journal);

/* Takes over what the child's batch says beside its rows. run: in the order of delivery. Appends
 * what changed in the state. */
void several_note(struct several_source *s, size_t child, const struct batch *from,
                  const struct several_run *run, struct batch *batch, struct buf *change);

/* True while some child is not at its end yet, though it can be read. */
bool several_is_behind(struct several_source *s);

#endif
