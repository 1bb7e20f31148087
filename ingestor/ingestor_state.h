/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the ingestor share. From the ground: ingestor_clock.c (what time it is),
 * ingestor_publish.c (what goes out, and when), ingestor_save.c (the state), ingestor_query.c
 * (what is answered), ingestor_push.c (events that are pushed),
 * ingestor_alerts.c (who is told), ingestor_build.c (tiles that lack
 * rows), ingestor_reload.c (SIGHUP), ingestor_reader.c (what the reader says), ingestor.c (the
 * loop). Nobody else includes it.
 */
#ifndef INGESTOR_INGESTOR_STATE_H
#define INGESTOR_INGESTOR_STATE_H

#include <czmq.h>

#include "common/base/backoff.h"
#include "common/lease/lease.h"
#include "common/net/guard.h"
#include "common/net/listeners.h"
#include "common/net/outlet.h"
#include "common/net/server.h"
#include "common/program/program.h"
#include "common/replica/query.h"
#include "common/wire/wire.h"
#include "ingestor/alerts/alert_book.h"
#include "ingestor/alerts/alert_sender.h"
#include "ingestor/clock_steps.h"
#include "ingestor/dedupe/dedupe.h"
#include "ingestor/fold/fold.h"
#include "ingestor/publish/newest.h"
#include "ingestor/publish/publisher.h"
#include "ingestor/push/push_writer.h"
#include "ingestor/reader/past.h"
#include "ingestor/reader/reader.h"
#include "ingestor/row_times.h"
#include "ingestor/snapshot.h"

/*
 *            lease, a state    ┌─► resuming ── the event log is filled again ──┐
 * standby ─────────────────────┤                                              ├─► live
 *            lease, none       └─► building ── caught up for the first time ──┘
 *
 * What came since a state was saved is folded and published live, so that subscribers get it; what
 * a new fold is built from is not.
 *
 * Nothing leaves while the lease is not valid (lease.h), or while the source cannot be read: then
 * nobody knows whether the tiles are true, and without heartbeats and keyframes everybody sees
 * that.
 */
enum ingestor_phase { INGESTOR_STANDBY, INGESTOR_RESUMING, INGESTOR_BUILDING, INGESTOR_LIVE };

/* How the source stands, as the reader told. */
struct ingestor_source {
    bool up;                       /* The source is read. */
    bool caught_up;                /* All rows that it had were folded. */
    uint64_t missing;              /* Of several, bit i: the i-th cannot be read, or not yet. */
    struct buf state;              /* The source's, after the last batch folded. */
    struct snapshot_pieces pieces; /* What of it the store has, or will with the changes to save. */
    uint64_t ordinal;              /* Of the last event folded. */
    uint64_t pushed;               /* Id of the last pushed event folded; 0: none in this life. */
    uint64_t origin;               /* The numbering that the ordinal belongs to. */
    bool redelivers;               /* Rows come that an earlier life may have delivered in another
                                      order; of several sources each says so of its own. */
    struct snapshot_again again;   /* Rows that may have been delivered before, in another order. */
    uint64_t record;               /* The number of the last journal record that is in the state. */
    bool told;                     /* In this life the source has told whether rows may be lost. */
    uint64_t saved_epoch;          /* Of the life that saved what this one goes on from; 0: none. */
    uint64_t continues;            /* An epoch since which no row was lost; 0: nobody knows. */
    uint64_t accounted;      /* Rows up to this ordinal that are not here were deleted, not lost. */
    uint64_t pending_ids;    /* Ids that are missing and may still come: see holes.h. */
    wall_time pending_since; /* When the longest of them began to be missing. */
    uint64_t given_up;       /* Ranges of ids that were too many to wait for. */
    uint64_t rows_unusable;  /* Rows that were passed over, because they cannot be used. */
    uint64_t delivered;      /* Events that it ever delivered, of this table; 0: not known. */
    uint64_t
        delivered_of[CONFIG_SOURCES_MAX]; /* The same of each; the first is the one `source`. */
    uint64_t delivered_before; /* What an earlier life knew of that, which this one did not go on
                                  from. */
    uint64_t gone;     /* Bit i: rows before the first one of the i-th are known to be gone. */
    bool state_lost;   /* There was a state, and it is damaged. */
    uint64_t restarts; /* Times that the table began anew. */
    uint64_t downs;    /* Times that the source failed. */
};

/* The state of publishing. */
struct ingestor_publishing {
    struct outlet *outlet;  /* Where it goes out. */
    uint64_t epoch;         /* Of all that this life publishes. */
    wall_time as_of;        /* The time when what is published was last known to be true. */
    mono_time heartbeat_at; /* When the next heartbeat is due. */
    bool resuming;          /* Tiles go out as they were saved, though a source be missing. */
    bool silent;            /* Nothing goes out for want of the lease, as last logged. */
    bool deposed;      /* Something could not be sent for want of the lease: this life is over. */
    uint64_t not_sent; /* Messages that the socket did not take. */
};

/* Saving what changes, of which one list at a time is under way. */
struct ingestor_saving {
    bool unsaved; /* Something was folded since the last save. */
    bool at_once; /* The next save is due as soon as tiles are live: it holds a new epoch, or tiles
                     were built, and without it a crash would cost the streams their places, and us
                     the work. */
    mono_time rows_first_until;   /* Rows that a takeover has kept waiting are read before it. */
    bool under_way;               /* The reader has a list to store, and nobody else touches it. */
    struct state_changes changes; /* What is not stored yet. */
    mono_time since;              /* When it was handed over. */
    uint64_t ordinal;             /* What it goes up to. */
    uint64_t pushed;              /* The same of pushed events, by their ids. */
    mono_time due_at;             /* When the next one is due. */
    struct backoff backoff;       /* How long it waits after a save that failed. */
    bool failing;                 /* The last one could not be written, as last logged. */
    uint64_t saved_ordinal;       /* What the last one written goes up to. */
    uint64_t saved_pushed;        /* The same of pushed events, by their ids. */
    uint64_t bytes;               /* Of the last list. */
    uint64_t lost;                /* Times that the store turned out to be damaged. */
    uint64_t written;             /* Saves that are stored. */
    uint64_t failures;            /* Saves that failed. */
};

/* The build that is under way (ingestor_build.h). */
struct ingestor_build {
    struct past *past; /* NULL: none is. */
    bool returning;    /* Its tiles were away, and lack only what came since. */
    bool put_off;      /* It is of no tile, but reads rows that were put off (fold_put_off.h). */
    uint64_t rows;     /* that have come */
    uint64_t rows_of[CONFIG_SOURCES_MAX];  /* the same of each source */
    uint64_t expected[CONFIG_SOURCES_MAX]; /* that were delivered, as far as that is known */
    uint64_t gone;        /* Bit i: rows before the first one of the i-th are known to be gone. */
    bool anew;            /* What tiles that are built showed before is to be taken back. */
    mono_time begun;      /* When it began. */
    mono_time put_off_at; /* Before it no rows that were put off are read again. */
};

/* The configurations that SIGHUP has brought since the start; tiles hold parts of them. After so
 * many the ingestor starts again, so that they do not become more and more. */
#define INGESTOR_RELOADS_MAX 50
struct ingestor_reloaded {
    struct config *list[INGESTOR_RELOADS_MAX]; /* Configurations that tiles of this life still point
                                                  into; owned. */
    size_t count;                              /* How many there are. */
};

/* What time it is for the tiles, and by the clocks of others. */
struct ingestor_clock {
    struct clock_steps steps;       /* Which time is believed. */
    struct row_times rows;          /* How old rows are when they come. */
    struct database_clock database; /* How far the database's clock is ahead. */
    wall_time reached;              /* The latest moment that anything was published for. */
};

/* The state of answering queries. */
struct ingestor_answering {
    struct server *server;       /* Receives queries and sends replies. */
    struct guard *guard;         /* of both sockets */
    struct listeners *listeners; /* What connects to both sockets. */
    struct query query;          /* Answers them, from what the publisher keeps. */
    char instance[64];           /* The name of this life. */
    char reason[600];            /* Why it does not serve. */
};

/* Events that are pushed. */
struct ingestor_pushing {
    struct push_writer *writer; /* NULL: the source is another one. */
    uint64_t stored;            /* Events. */
    uint64_t repeated;          /* Pushes whose key was known. */
    uint64_t refused;           /* Pushes that were not stored. */
};

/* Telling others of tiles in trouble. */
struct ingestor_alerting {
    struct alert_book book;      /* Who was told what. */
    struct alert_sender *sender; /* Tells them; NULL: the file names nobody. */
    uint64_t round;              /* Grows when the messages that are under way are given up. */
    struct mp_doc doc;           /* scratch */
};

/* All members are the main thread's. The reader (reader.h) and the lease's keeper (lease.h) are
 * threads of their own, and share only what their headers say. */
struct ingestor {
    struct program *program;       /* The program's log, signals and metrics. */
    const struct config *config;   /* The one in force; a reload changes it. */
    zloop_t *loop;                 /* The main thread's loop. */
    int timer;                     /* 0: none. */
    enum ingestor_phase phase;     /* How far this life has come. */
    bool start_again;              /* The end of the loop is no end of the program. */
    bool refused;                  /* The state is a newer version's: the program ends. */
    struct lease *lease;           /* The right to publish. */
    struct reader *reader;         /* The thread that reads the source and stores the state. */
    struct fold *fold;             /* NULL on standby. */
    struct dedupe *dedupe;         /* What events are known; NULL: each counts. */
    struct publisher *publisher;   /* Numbers what changes, and sends it. */
    struct newest newest;          /* INGESTOR_BUILDING: the events that the log will get. */
    struct ingestor_source source; /* What is known of the source. */
    struct ingestor_publishing publishing; /* When to publish and to send heartbeats. */
    struct ingestor_saving saving;         /* What is to be saved, and when. */
    struct ingestor_build build;           /* The building of tiles beside those that are live. */
    struct ingestor_reloaded reloaded;     /* Earlier configurations. */
    struct ingestor_clock clock;           /* Which time it is. */
    struct ingestor_answering answering;   /* The other way in: queries. */
    struct ingestor_pushing pushing;       /* Events that clients push. */
    struct ingestor_alerting alerting;     /* Who is told of tiles in trouble. */
};

#endif
