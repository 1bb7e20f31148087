/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of reading JetStream share. One feed serves the past and the present:
 *
 *   sequences   … │ 31 … 42 │ 43 44 45 …
 *                   history   live, from state.next on
 *                   for the
 *                   event log
 *
 * nats_live.c reads, source_nats.c is the table of functions.
 */
#ifndef INGESTOR_SOURCE_NATS_NATS_SOURCE_H
#define INGESTOR_SOURCE_NATS_NATS_SOURCE_H

#include "ingestor/source/nats/nats_event.h"
#include "ingestor/source/nats/nats_feed.h"

struct nats_source {
    struct source base;          /* first: a struct source is one of these */
    const struct config *config; /* borrowed */
    struct nats_client client;   /* the connection */
    struct nats_feed feed;       /* the messages that come */
    struct nats_events events;   /* what makes events of them */
    struct nats_state state;     /* what has been delivered */
    struct nats_stream stream;   /* as last looked at */
    struct nats_message held;    /* taken from the feed, and not delivered yet */
    uint64_t lost;               /* messages that the next batch is to say are gone */
    uint64_t lost_from;          /* the sequence of the first of them */
    uint64_t saved_next;         /* state.next as the last batch had it */
    bool history_due;     /* What was delivered before the state is read for the event log. */
    bool first_reading;   /* The stream is read from its start, and its end was not reached yet. */
    bool building;        /* What was there when it was opened was not all read yet. */
    bool promised;        /* The next read has to give a batch. */
    bool started_over;    /* The next batch begins anew. */
    bool older_gone;      /* Messages were there before the first one that was read. */
    mono_time inspect_at; /* when to look what has become of the stream */
};

/* Begins reading: with as many messages before state.next as the event log wants. STATUS_IO. */
int nats_live_start(struct nats_source *s, struct error *err);

/* One batch: the newest messages before state.next. STATUS_IO. */
int nats_live_history(struct nats_source *s, struct batch **out, struct error *err);

/* source_ops.read, once history is done. */
int nats_live_read(struct nats_source *s, size_t max_rows, struct batch **out, struct error *err);

/* Gives back the message that was not delivered. */
void nats_live_stop(struct nats_source *s);

#endif
