/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame around bytes, by which damage is noticed, and which says in which form they are.
 *
 *   ┌──────────┬────────┬────────┬───────────────┬─────────┐
 *   │ TILEWIRE │ format │ length │ FNV-1a 64 of  │ bytes … │    numbers: 8 bytes, little-endian
 *   │          │        │        │ the bytes     │         │
 *   └──────────┴────────┴────────┴───────────────┴─────────┘
 *   0          8        16       24              32
 *
 * Pure.
 */
#ifndef COMMON_STATE_FRAME_H
#define COMMON_STATE_FRAME_H

#include "common/base/buf.h"
#include "common/base/error.h"

enum frame_format {
    /* A whole checkpoint, as versions before 0.2 wrote it; and a record of PostgreSQL's journal. */
    FRAME_CHECKPOINT = 1,
    /* Where the state lies. Older programs refuse it, and so leave the state alone. */
    FRAME_POINTER = 2,
};

/* Appends the bytes in a frame. */
void frame_wrap(struct buf *out, enum frame_format format, struct str bytes);

/* What is in a frame; *bytes points into `framed`. STATUS_NEWER: a newer version wrote it;
 * STATUS_INVALID: it is no frame, or damaged. err says which. */
int frame_unwrap(struct str framed, enum frame_format *format, struct str *bytes,
                 struct error *err);

#endif
