/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What catch-ups gather, as compressed chunks. Many streams gather the same bytes when they come
 * together, as after a gateway's end: what was packed lately is kept, and given to all of them. One
 * thread.
 */
#ifndef GATEWAY_STREAM_PACKER_H
#define GATEWAY_STREAM_PACKER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/blob.h"
#include "common/base/str.h"
#include "gateway/base/deflate.h"

/* So many packed texts are kept, each of at most so many bytes. */
#define PACKER_KEPT 64
#define PACKER_TEXT_MAX ((size_t)48 << 10)

struct packer;

struct packer *packer_create(void);
void packer_destroy(struct packer **packer);

/* The text as a chunk of CODING_GZIP; the reference is the caller's. *made: it was compressed now.
 */
struct blob *packer_pack(struct packer *packer, struct str text, struct deflater *deflater,
                         bool *made);

/* The memory of what is kept, in bytes. */
size_t packer_bytes(const struct packer *packer);

#endif
