/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the ingestor share: ingestor.c (the loop), ingestor_reader.c (what the reader
 * says), ingestor_publish.c (what goes out, and when), ingestor_save.c (checkpoints),
 * ingestor_query.c (what is answered). Nobody else includes it. One thread.
 */
#ifndef INGESTOR_INGESTOR_STATE_H
#define INGESTOR_INGESTOR_STATE_H

#include <czmq.h>

#include "common/base/backoff.h"
#include "common/net/server.h"
#include "common/replica/query.h"
#include "common/wire/wire.h"
#include "ingestor/fold/fold.h"
#include "ingestor/ingestor.h"
#include "ingestor/lease/lease.h"
#include "ingestor/publish/newest.h"
#include "ingestor/publish/publisher.h"
#include "ingestor/reader/reader.h"

/*
 *            lease, checkpoint ┌─► resuming ── the event log is filled again ──┐
 * standby ─────────────────────┤                                              ├─► live
 *            lease, none       └─► building ── caught up for the first time ──┘
 *
 * What came since a checkpoint is folded and published live, so that subscribers get it; what a new
 * fold is built from is not.
 *
 * Nothing leaves while the lease is not valid (lease.h), or while the source cannot be read: then
 * nobody knows whether the tiles are true, and without beats and keyframes everybody sees that.
 */
enum phase { PHASE_STANDBY, PHASE_RESUMING, PHASE_BUILDING, PHASE_LIVE };

struct ingestor {
    struct program *program;
    const struct config *config;
    void *pub;
    struct server *server;
    struct query query;
    struct lease *lease;
    struct reader *reader;
    struct fold *fold; /* NULL on standby */
    struct publisher *publisher;
    struct newest newest; /* PHASE_BUILDING */
    zloop_t *loop;
    int timer; /* 0: none */
    enum phase phase;
    enum ingestor_end end;
    char instance[64];
    char reason[600]; /* why it does not serve */
    bool source_up;
    bool silent;     /* for want of the lease, as last logged */
    bool deposed;    /* something could not be sent for want of the lease: this life is over */
    wall_time as_of; /* when what is published was last known to be true */
    uint64_t epoch;
    struct buf source_state; /* after the last batch folded */
    uint64_t ordinal;
    uint64_t origin;
    uint64_t record; /* of the source's journal: the last one in source_state */
    struct moment beat_at;
    mono_time save_at;
    bool unsaved; /* something was folded since the last checkpoint */
    bool built; /* everything was: the next checkpoint is due at once, for without it a crash would
                   cost the streams their places */
    bool saving;
    mono_time saving_since;
    uint64_t saving_ordinal;
    uint64_t saved_ordinal;
    bool save_failing;
    struct backoff save_backoff;
    uint64_t rows_unusable;
    uint64_t pending_ids; /* of the source: see holes.h */
    uint64_t given_up;
    wall_time pending_since;
    uint64_t checkpoints;
    uint64_t checkpoint_failures;
    uint64_t checkpoint_bytes;
    uint64_t restarts; /* times that the table began anew */
    uint64_t not_sent;
    uint64_t reader_downs;
};

/* ---- ingestor_publish.c ---- */

/* For publisher_create; arg: the ingestor. */
void ingestor_send(void *arg, const struct str frames[WIRE_FRAMES]);

bool ingestor_may_publish(const struct ingestor *ingestor);

/* Publishes what changed and is due. */
void ingestor_flush(struct ingestor *ingestor, struct moment now);

/* All tiles are up to date: publishes them, and from now on each change. */
void ingestor_go_live(struct ingestor *ingestor, struct moment now);

/* Publishes what is due. Returns when something is due next, µs from now. */
int64_t ingestor_publish_due(struct ingestor *ingestor);

/* ---- ingestor_save.c ---- */

void ingestor_save(struct ingestor *ingestor);
void ingestor_save_if_due(struct ingestor *ingestor);
void ingestor_saved(struct ingestor *ingestor, const struct error *error, bool failed);

/* A last checkpoint, so that the next start has nothing to catch up. Takes up to 5 s. */
void ingestor_save_at_end(struct ingestor *ingestor);

/* ---- ingestor_reader.c. Both return -1 if the loop has to end ---- */

int ingestor_handle(struct ingestor *ingestor, struct reader_message *message);

/* The lease is lost: this life of the ingestor is over. Always -1. */
int ingestor_stand_down(struct ingestor *ingestor, const struct error *why);

/* ---- ingestor_query.c: for struct query; arg: the ingestor ---- */

void ingestor_describe(void *arg, struct query_state *out);
size_t ingestor_stats(void *arg, struct buf *out);

#endif
