/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells that something was written into an SQLite database: its folder is watched (inotify),
 * in which the file itself changes, its -wal or its -journal, or a file is put in its place.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_WAKE_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_WAKE_H

#include <stdbool.h>
#include <sys/types.h>

/* A file beside the database, by which it is known again. */
struct sqlite_wake_file {
    dev_t device; /* with the inode it names the file */
    ino_t inode;  /* 0: it was not there yet */
};

struct sqlite_wake {
    int inotify;      /* -1: the folder cannot be watched, so timeouts are all that there is */
    int again_ms;     /* after so long the next poll, though nothing asks for it; 0: none is due */
    bool replaced;    /* a notification told that the file was created, moved or removed */
    bool log_touched; /* the same of the log's files */
    struct sqlite_wake_file log;   /* -wal, which is there in WAL mode alone */
    struct sqlite_wake_file index; /* -shm */
};

enum sqlite_wake_reason {
    SQLITE_WAKE_NONE,     /* wake_fd is readable, or a signal came */
    SQLITE_WAKE_TIMEOUT,  /* the time is over */
    SQLITE_WAKE_WRITTEN,  /* something was written, or may have been just now */
    SQLITE_WAKE_REPLACED, /* the file was created, moved or removed */
    SQLITE_WAKE_UNLINKED, /* so was its log: what was open of it is read by nobody else */
};

/* Begins to watch. path: of the database. writes: whether what is written into it wakes, and not
 * only what happens to the files themselves. A folder that cannot be watched is only logged. */
void sqlite_wake_open(struct sqlite_wake *wake, const char *path, bool writes);
void sqlite_wake_close(struct sqlite_wake *wake);

/* Remembers the log's files as they are now; true when they are others than before. SQLite itself
 * keeps them as long as they are open, so somebody else unlinked them. */
bool sqlite_wake_unlinked(struct sqlite_wake *wake, const char *path);

/* After a reason to read, once no writer is at work: takes the notifications that have come
 * meanwhile, and says what they are about: SQLITE_WAKE_WRITTEN, _REPLACED or _UNLINKED. complete:
 * all that was written can be seen now. */
enum sqlite_wake_reason sqlite_wake_settle(struct sqlite_wake *wake, const char *path,
                                           bool complete);

/* Sleeps until there is a reason, at most timeout_ms: SQLITE_WAKE_NONE, _TIMEOUT or _WRITTEN. */
enum sqlite_wake_reason sqlite_wake_wait(struct sqlite_wake *wake, const char *path, int wake_fd,
                                         int timeout_ms);

#endif
