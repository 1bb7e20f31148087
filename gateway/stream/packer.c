/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/packer.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/table.h"
#include "common/base/xalloc.h"
#include "gateway/stream/render/coding.h"

#define SAMPLE_BYTES 256 /* of each end of a text, which tell its place */

struct packed {
    struct blob *text;  /* NULL: the place is free */
    struct blob *chunk; /* what it became */
};

struct packer {
    struct packed kept[PACKER_KEPT]; /* by a hash of the text */
    struct buf chunk;                /* scratch */
};

struct packer *packer_create(void)
{
    return x_calloc(1, sizeof(struct packer));
}

static void forget(struct packed *packed)
{
    blob_unref(&packed->text);
    blob_unref(&packed->chunk);
}

void packer_destroy(struct packer **packer)
{
    if (*packer != NULL) {
        for (size_t i = 0; i < PACKER_KEPT; i++) {
            forget(&(*packer)->kept[i]);
        }
        buf_free(&(*packer)->chunk);
        free(*packer);
        *packer = NULL;
    }
}

/* Texts differ by their first and last messages, and be it by the ids of these. */
static struct packed *place_of(struct packer *packer, struct str text)
{
    const size_t sample = text.len < SAMPLE_BYTES ? text.len : SAMPLE_BYTES;
    const uint32_t hash =
        table_hash(text.p, sample) ^ table_hash(text.p + text.len - sample, sample);
    return &packer->kept[hash % PACKER_KEPT];
}

struct blob *packer_pack(struct packer *packer, struct str text, struct deflater *deflater,
                         bool *made)
{
    struct packed *packed = place_of(packer, text);
    *made = packed->text == NULL || !str_equal(blob_str(packed->text), text);
    if (!*made) {
        return blob_ref(packed->chunk);
    }
    buf_clear(&packer->chunk);
    coding_append(&packer->chunk, CODING_GZIP, text, deflater);
    struct blob *chunk = blob_new(buf_str(&packer->chunk));
    if (text.len <= PACKER_TEXT_MAX) {
        forget(packed);
        packed->text = blob_new(text);
        packed->chunk = blob_ref(chunk);
    }
    return chunk;
}

size_t packer_bytes(const struct packer *packer)
{
    size_t bytes = 0;
    for (size_t i = 0; i < PACKER_KEPT; i++) {
        const struct packed *packed = &packer->kept[i];
        bytes += packed->text != NULL ? packed->text->len + packed->chunk->len : 0;
    }
    return bytes;
}
