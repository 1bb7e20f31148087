/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reading of Kafka stands: an offset for each partition, and in which order messages of
 * different partitions were delivered.
 *
 *   orders-0   … 40 41 │ 42 43           a run: the messages 42 and 43 of orders-0, then
 *   orders-1   … 90 │ 91 92 93           91 to 93 of orders-1, then …
 *
 * Within a partition the order is Kafka's; between partitions it is that in which they came, which
 * cannot be told from the topics later on. So each batch is journaled as a record of its runs, and
 * the newest runs are kept as long as the event log holds their messages.
 *
 * The saved form is a whole state, and behind it the records of the batches since
 * (batch.state_appends), so that a batch costs what it has. When the records have become as long as
 * the state, the next batch brings a whole one.
 *
 *   [ format, "kafka", origin, record, ordinal, [partition, …], [run, …] ] [ record ] [ record ] …
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_STATE_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/source.h"

#define KAFKA_TOPIC_MAX 249 /* bytes of a topic's name; Kafka allows no more */
#define KAFKA_PARTITIONS_MAX 10000
#define KAFKA_RUNS_MAX 200000 /* 8 MB. Beyond, the event log begins later after a restart. */

/* A message that was read, by which its partition is known again. */
struct kafka_anchor {
    int64_t offset;  /* -1: none */
    uint64_t digest; /* of its content */
};

struct kafka_partition {
    char *topic;               /* owned */
    int32_t number;            /* its number in the topic */
    int64_t next;              /* offset of the next message; -1: the first one there is */
    struct kafka_anchor first; /* the first message that was read */
    struct kafka_anchor last;  /* the last message that was read */
};

/* Messages that stand one behind the other in a partition and in the order of delivery. Each offset
 * has one: where some have none, those of transactions and in compacted topics, a run ends. So the
 * offset of a message says its ordinal, whichever of the others are gone later. */
struct kafka_run {
    uint32_t partition; /* its index */
    uint32_t count;     /* messages; 0: the partition goes on from `next` */
    int64_t first;      /* offset of the first one */
    int64_t next;       /* behind the last one */
    uint64_t ordinal;   /* of the first one */
};

struct kafka_state {
    struct kafka_partition *partitions; /* they never move to another index */
    size_t count;                       /* how many there are */
    struct kafka_run *runs;             /* the newest ones, in the order of delivery */
    size_t run_count;                   /* how many there are */
    size_t run_cap;                     /* how many there is memory for */
    uint64_t keep;                      /* messages that runs are kept for */
    uint64_t origin;                    /* that the ordinals belong to */
    uint64_t ordinal;                   /* of the last message */
    uint64_t record;                    /* number of the last one */
    size_t whole_bytes;                 /* bytes of the last whole state */
    size_t record_bytes;                /* of the records since; SIZE_MAX: a whole state is due */
};

void kafka_state_free(struct kafka_state *state);

/* The index of a partition, which is added when it is not known. */
size_t kafka_state_partition(struct kafka_state *state, const char *topic, int32_t number);

/* Ordinals begin a new numbering. Returns its origin. */
uint64_t kafka_state_renumber(struct kafka_state *state);

/* ---- Records ---- */

/* A record that is being made. Zero-initialised: empty. */
struct kafka_draft {
    struct kafka_run *runs; /* what is delivered, in that order; owned */
    size_t count;           /* how many there are */
    size_t cap;             /* how many there is memory for */
};

/* The message at that offset is delivered next: moves the partition, and returns its ordinal.
 * Before the record is put, kafka_state_anchor is told of the last one of each partition. */
uint64_t kafka_draft_deliver(struct kafka_draft *draft, struct kafka_state *state, size_t partition,
                             int64_t offset);

/* The newest message that was read of a partition; the first one stays what it is known by, too. */
void kafka_state_anchor(struct kafka_state *state, size_t partition, struct kafka_anchor anchor);

/* The partition goes on from another offset: what lies between is not there any more. */
void kafka_draft_skip(struct kafka_draft *draft, struct kafka_state *state, size_t partition,
                      int64_t next);

bool kafka_draft_empty(const struct kafka_draft *draft);

/* Appends the record, whose runs are part of the state from then on. */
void kafka_draft_put(struct kafka_draft *draft, struct kafka_state *state, struct buf *out);
void kafka_draft_free(struct kafka_draft *draft);

/* A record that was read. */
struct kafka_record {
    uint64_t number;            /* of the record; they grow */
    struct kafka_run *runs;     /* owned; they name partitions by the state's indices */
    size_t count;               /* how many there are */
    const mp_value *partitions; /* borrowed from what it was read from */
};

/* Its number alone; 0 when the value is no record. */
uint64_t kafka_record_number(const mp_value *value);

/* Reads a record, and adds its partitions to the state. False when it is none; the caller frees it
 * in either case. */
bool kafka_record_read(struct kafka_state *state, const mp_value *value, struct kafka_record *out);
void kafka_record_free(struct kafka_record *record);

/* What the record says was delivered. */
void kafka_state_apply(struct kafka_state *state, const struct kafka_record *record);

/* ---- The saved form ---- */

void kafka_state_save(struct kafka_state *state, struct buf *out);

/* Loads a state into one that is empty. False when it is none. */
bool kafka_state_load(struct kafka_state *state, struct str saved);

/* source_ops.state_is_newer */
bool kafka_state_is_newer(struct str saved);

#endif
