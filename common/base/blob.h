/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immutable bytes with a reference count: made once, read by many, freed with the last reference.
 * For one thread.
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
    uint32_t references;
    uint32_t len;
    char data[];
};

/* A copy of the bytes (less than 4 GiB), with one reference, which is the caller's. */
static inline struct blob *blob_new(struct str bytes)
{
    struct blob *blob = x_malloc(sizeof *blob + bytes.len);
    blob->references = 1;
    blob->len = (uint32_t)bytes.len;
    if (bytes.len != 0) {
        memcpy(blob->data, bytes.p, bytes.len);
    }
    return blob;
}

static inline struct blob *blob_ref(struct blob *blob)
{
    blob->references++;
    return blob;
}

/* Gives a reference back and clears the caller's pointer. NULL is fine. */
static inline void blob_unref(struct blob **blob)
{
    if (*blob != NULL && --(*blob)->references == 0) {
        free(*blob);
    }
    *blob = NULL;
}

static inline struct str blob_str(const struct blob *blob)
{
    return (struct str){blob->data, blob->len};
}

#endif
