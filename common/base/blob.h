/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immutable bytes with a reference count: made once, read by many, freed with the last reference.
 * All references to a blob belong to one thread, because they are counted without a lock.
 */
#ifndef COMMON_BASE_BLOB_H
#define COMMON_BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/base/xalloc.h"

struct blob {
    uint32_t references; /* How many hold it; the last one frees it. */
    uint32_t len;        /* The bytes of `data`. */
    char data[];         /* The content, which nobody changes. */
};

/* Copies the bytes, less than 4 GiB of them. The blob has one reference, which is the caller's. */
static inline struct blob *blob_new(struct str bytes)
{
    struct blob *blob = x_malloc(sizeof *blob + bytes.len);
    blob->references = 1;
    blob->len = (uint32_t)bytes.len;
    if (bytes.p != NULL) {
        memcpy(blob->data, bytes.p, bytes.len);
    }
    return blob;
}

/* Takes one more reference, for a second owner. */
static inline struct blob *blob_ref(struct blob *blob)
{
    blob->references++;
    return blob;
}

/* Gives a reference back, and sets the caller's pointer to NULL, which it may be already. */
static inline void blob_unref(struct blob **blob)
{
    if (*blob != NULL && --(*blob)->references == 0) {
        free(*blob);
    }
    *blob = NULL;
}

/* The bytes, borrowed from the blob. */
static inline struct str blob_str(const struct blob *blob)
{
    return (struct str){blob->data, blob->len};
}

#endif
