/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several sources are read. All zero: there is but one.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_SOURCES_UP_H
#define COMMON_WIRE_SOURCES_UP_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"

#define SOURCES_UP_MAX 16
#define SOURCES_UP_NAME_MAX 32 /* bytes; longer ones are cut */

struct source_up {
    char name[SOURCES_UP_NAME_MAX + 1]; /* as configured, NUL-terminated */
    bool up;                            /* It is read, and has come to its end once. */
};

struct sources_up {
    struct source_up list[SOURCES_UP_MAX]; /* in the order of the configuration */
    unsigned count;                        /* How many of them are used. */
};

/* Adds one; beyond SOURCES_UP_MAX nothing. */
void sources_up_add(struct sources_up *sources, struct str name, bool up);

/* Appends them as MessagePack: {name: up, …}. */
void sources_up_put(struct buf *out, const struct sources_up *sources);

/* Reads what sources_up_put wrote. What is of another type is left out. */
void sources_up_read(const mp_value *value, struct sources_up *out);

#endif
