/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells that something was written into an SQLite database: its folder is watched (inotify),
 * in which the file itself changes, its -wal or its -journal, or a file is put in its place.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_WAKE_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_WAKE_H

struct sqlite_wake {
    int inotify;  /* -1: the folder cannot be watched, so timeouts are all that there is */
    int again_ms; /* after so long the next poll, though nothing asks for it; 0: none is due */
};

enum sqlite_wake_reason {
    SQLITE_WAKE_NONE,     /* wake_fd is readable, or a signal came */
    SQLITE_WAKE_TIMEOUT,  /* the time is over */
    SQLITE_WAKE_WRITTEN,  /* something was written, or may have been just now */
    SQLITE_WAKE_REPLACED, /* the file was created, moved or removed */
};

/* Begins to watch. path: of the database. A folder that cannot be watched is only logged. */
void sqlite_wake_open(struct sqlite_wake *wake, const char *path);
void sqlite_wake_close(struct sqlite_wake *wake);

/* Sleeps until there is a reason, at most timeout_ms. */
enum sqlite_wake_reason sqlite_wake_wait(struct sqlite_wake *wake, const char *path, int wake_fd,
                                         int timeout_ms);

#endif
