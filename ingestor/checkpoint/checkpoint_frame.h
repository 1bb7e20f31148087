/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a checkpoint, by which damage is noticed. All stores use it, for the records of the
 * journal, too.
 *
 *   ┌──────────┬────────┬────────┬───────────────┬─────────┐
 *   │ TILEWIRE │ format │ length │ FNV-1a 64 of  │ bytes … │    numbers: 8 bytes, little-endian
 *   │          │        │        │ the bytes     │         │
 *   └──────────┴────────┴────────┴───────────────┴─────────┘
 *   0          8        16       24              32
 *
 * Pure.
 */
#ifndef INGESTOR_CHECKPOINT_CHECKPOINT_FRAME_H
#define INGESTOR_CHECKPOINT_CHECKPOINT_FRAME_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"

#define CHECKPOINT_FORMAT 1
#define CHECKPOINT_HEADER_BYTES 32

/* Appends the bytes in a frame. */
void checkpoint_wrap(struct buf *out, struct str bytes);

/* The length of the frame that the bytes begin with; 0 when they do not begin with a whole one. */
size_t checkpoint_frame_len(struct str bytes);

/* True when these bytes are the beginning of a frame, but not all of it. */
bool checkpoint_is_cut(struct str bytes);

/* STATUS_OK when the bytes begin like a frame of the format that this version reads. STATUS_NEWER:
 * a newer version wrote them; STATUS_INVALID: they are no frame, or one of an older format. err
 * says which. */
int checkpoint_check_format(struct str bytes, struct error *err);

/* What is in a frame; *bytes points into `framed`. STATUS_NEWER, and STATUS_INVALID: as above, or
 * it is damaged; err says which. */
int checkpoint_unwrap(struct str framed, struct str *bytes, struct error *err);

#endif
