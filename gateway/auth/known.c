/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/known.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/table.h"

#include "common/base/xalloc.h"

struct entry {
    uint8_t digest[KNOWN_DIGEST_SIZE];
    struct identity *identity;
    UT_hash_handle hh; /* The table's order is that of their last use. */
};

struct known {
    struct entry *table;
    size_t bytes;
    size_t max_bytes;
};

struct known *known_create(size_t max_bytes)
{
    struct known *known = x_calloc(1, sizeof *known);
    known->max_bytes = max_bytes;
    return known;
}

/* A view is counted as if nobody else had it: its text twice and as many bytes of patterns. */
static size_t bytes_of(const struct entry *entry)
{
    const struct identity *identity = entry->identity;
    return sizeof *entry + identity_bytes(identity) +
           4 * (view_text(identity->view, VIEW_TILES).len +
                view_text(identity->view, VIEW_EVENTS).len);
}

static void forget(struct known *known, struct entry *entry)
{
    /* The analyzer does not know that a table with an entry has a bucket for it.
     * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    HASH_DEL(known->table, entry);
    known->bytes -= bytes_of(entry);
    identity_release(&entry->identity);
    free(entry);
}

void known_clear(struct known *known)
{
    struct entry *entry;
    struct entry *next;
    HASH_ITER(hh, known->table, entry, next)
    {
        forget(known, entry);
    }
}

void known_destroy(struct known **known)
{
    if (*known != NULL) {
        known_clear(*known);
        free(*known);
        *known = NULL;
    }
}

void known_expire(struct known *known, wall_time now)
{
    struct entry *entry;
    struct entry *next;
    HASH_ITER(hh, known->table, entry, next)
    {
        if (now.us >= entry->identity->valid_until.us) {
            forget(known, entry);
        }
    }
}

struct identity *known_find(struct known *known, const uint8_t digest[KNOWN_DIGEST_SIZE],
                            wall_time now)
{
    struct entry *entry;
    HASH_FIND(hh, known->table, digest, KNOWN_DIGEST_SIZE, entry);
    if (entry == NULL) {
        return NULL;
    }
    if (now.us >= entry->identity->valid_until.us) {
        forget(known, entry);
        return NULL;
    }
    HASH_DEL(known->table, entry);
    HASH_ADD(hh, known->table, digest, KNOWN_DIGEST_SIZE, entry);
    return entry->identity;
}

void known_add(struct known *known, const uint8_t digest[KNOWN_DIGEST_SIZE],
               struct identity *identity)
{
    struct entry *entry = x_calloc(1, sizeof *entry);
    memcpy(entry->digest, digest, KNOWN_DIGEST_SIZE);
    entry->identity = identity_retain(identity);
    HASH_ADD(hh, known->table, digest, KNOWN_DIGEST_SIZE, entry);
    known->bytes += bytes_of(entry);
    while (known->bytes > known->max_bytes) {
        forget(known, known->table);
    }
}

size_t known_count(const struct known *known)
{
    return HASH_COUNT(known->table);
}

size_t known_bytes(const struct known *known)
{
    return known->bytes;
}
