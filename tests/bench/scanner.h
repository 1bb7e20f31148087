/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for stamps and for a text in a stream of bytes that comes in pieces.
 *
 * A stamp is a tilde, 16 digits (microseconds of the monotonic clock), a tilde.
 */
#ifndef BENCH_SCANNER_H
#define BENCH_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_DIGITS 16

struct scanner {
    int digits;     /* of the stamp that is being read; -1: none is */
    uint64_t stamp; /* as far as it was read */
    size_t matched; /* bytes of the text */
    bool found;     /* the text came since scanner_reset */
};

void scanner_reset(struct scanner *scanner);

/* Calls stamped for each whole stamp in the bytes (and what came before them). */
void scanner_stamps(struct scanner *scanner, const char *data, size_t len,
                    void (*stamped)(void *arg, uint64_t stamp), void *arg);

/* True when the text is found in these bytes for the first time. The text begins with a byte that
 * it has nowhere else; it may be split over calls. */
bool scanner_text(struct scanner *scanner, const char *data, size_t len, const char *text,
                  size_t text_len);

/*
 * Length of the HTTP answer at the beginning of the bytes, once it is there as a whole; 0: it is
 * not; SIZE_MAX: it has no Content-Length, and is no 304.
 */
size_t answer_length(const char *data, size_t len);

#endif
