/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures that people read. A function that can fail for reasons outside the program returns 0 or
 * a negative enum status, and fills a struct error, if it is given one, with one sentence that says
 * what was wrong and what to do.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#include <errno.h>

enum status {
    STATUS_OK = 0,
    STATUS_INVALID = -1,   /* what came in is not what was promised: configuration, message, row */
    STATUS_NOT_FOUND = -2, /* there is no such thing */
    STATUS_IO = -3,        /* a file, a database or the network failed; trying again may help */
    STATUS_FULL = -4,      /* a bound was reached */
    STATUS_AGAIN = -5,     /* not now: another holds it, or it is not ready yet */
    STATUS_DENIED = -6,    /* no permission */
    STATUS_NEWER = -7,     /* a newer version of the program has written it: leave it as it is */
};

struct error {
    char text[512]; /* always NUL-terminated; empty when there was no error */
};

/* Fills err (which may be NULL) and returns status, so that `return error_set(...)` reads well.
 * Text that does not fit is cut. */
int error_set(struct error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of what err says. Returns status. */
int error_prefix(struct error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
