/* SPDX-License-Identifier: Apache-2.0 */
/* The state's store, as the reader's thread opens it for the lease that it has. */
#ifndef INGESTOR_READER_READER_STORE_H
#define INGESTOR_READER_READER_STORE_H

#include "ingestor/reader/reader_message.h"
#include "ingestor/reader/reader_parts.h"

struct reader_store {
    const struct reader_parts *parts; /* borrowed */
    struct state_store *open;         /* NULL: it is not */
    struct lease_grant grant;         /* the one that it was opened with */
};

/* Opens the state, unless it is open, and reads what the holder before us left into the message.
 * STATUS_OK also when there is nothing that can be used; the message says why. STATUS_DENIED: the
 * lease is lost; STATUS_NEWER, STATUS_IO. */
int reader_store_load(struct reader_store *store, const struct lease_grant *grant,
                      struct reader_message *message, struct error *why);

void reader_store_close(struct reader_store *store);

#endif
