/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a log says something that strangers cause: a few lines a minute, and none twice. What
 * is left out is counted, and the next line tells how much that was. Pure: the caller gives the
 * time, and owns the struct, zeroed at first.
 */
#ifndef COMMON_NET_FEW_LINES_H
#define COMMON_NET_FEW_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"

#define FEW_LINES_MAX 5 /* in FEW_LINES_MS */
#define FEW_LINES_MS 60000

struct few_lines {
    bool begun;                       /* Whether a minute ever began. */
    mono_time since;                  /* when this minute began */
    unsigned count;                   /* lines in it */
    uint64_t subjects[FEW_LINES_MAX]; /* hashes of what they were about */
    uint64_t left_out;                /* since the last line */
};

/* True when a line about that subject may be written now. *left_out: how many were not. */
bool few_lines_allow(struct few_lines *lines, struct str subject, mono_time now,
                     uint64_t *left_out);

#endif
