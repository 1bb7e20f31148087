/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of pushed events: a thread of its own, since a commit waits for the disk. What comes
 * while it waits is committed together afterwards, so that many who push at once share an fsync.
 *
 *   main thread                     writer's thread
 *   push_writer_give(job) ────────► begin, add, add, …, commit
 *        ◄── push_writer_take ───── each job with its reply, once it is on disk
 *
 * It deletes events that are older than `source.keep`, too, once the tiles that they are in are
 * saved. All calls are the main thread's.
 */
#ifndef INGESTOR_PUSH_PUSH_WRITER_H
#define INGESTOR_PUSH_PUSH_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"

/* Who waits, as the server wants it back, and what for. */
#define PUSH_FRAMES_MAX 8
struct push_job {
    struct buf envelope[PUSH_FRAMES_MAX]; /* the frames that its reply begins with, which lead back
                                             to who asked */
    size_t frames;                        /* how many frames there are */
    struct buf request;                   /* the whole of it, in MessagePack */
    struct buf reply;                     /* written by the writer */
    uint64_t events;                      /* that it stored */
    bool repeated;                        /* Its key was known. */
    bool failed;           /* It is refused, or could not be stored: the reply says so. */
    struct push_job *next; /* in the writer's list */
};

/* Each only grows. The writer's thread counts. */
struct push_counters {
    uint64_t commits; /* transactions of pushes */
    uint64_t deleted; /* events that `source.keep` deleted */
    uint64_t failed;  /* transactions that could not be committed */
};

struct push_writer;

/* Starts the thread, which stores what is pushed to that source. It is borrowed. */
struct push_writer *push_writer_create(const struct config_source *source);

/* Ends it, after the transaction that is under way, and frees the jobs that nobody took. NULL is
 * fine. */
void push_writer_destroy(struct push_writer **writer);

struct push_job *push_job_create(void);
void push_job_destroy(struct push_job **job);

/* Bounds of what may wait for the writer. */
#define PUSH_JOBS_MAX 900 /* fewer than a pipe of czmq holds */
#define PUSH_JOBS_BYTES_MAX ((size_t)64 << 20)

/* Hands a job over. False when as much waits as may: it stays the caller's. */
bool push_writer_give(struct push_writer *writer, struct push_job *job);

/* The socket to be polled for reading; it stays the writer's. */
void *push_writer_socket(const struct push_writer *writer);

/* A job that is done, without waiting, which is the caller's; NULL: there is none. */
struct push_job *push_writer_take(struct push_writer *writer);

/* Events up to that id are part of tiles that are saved: they may be deleted. */
void push_writer_saved(struct push_writer *writer, uint64_t id);

struct push_counters push_writer_counters(const struct push_writer *writer);

#endif
