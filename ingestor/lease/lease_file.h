/* SPDX-License-Identifier: Apache-2.0 */
/* The lease in files: PATH.lock.1, PATH.lock.2, …, of which the one with the greatest number
 * counts. */
#ifndef INGESTOR_LEASE_LEASE_FILE_H
#define INGESTOR_LEASE_LEASE_FILE_H

#include "ingestor/lease/lease_store.h"

extern const struct lease_store_ops lease_file;

/* For the checkpoint file's fence. STATUS_OK: the lease of that number, in the lock file with that
 * inode, is still the one that counts; STATUS_DENIED: it is lost. path is the checkpoint's. */
int lease_file_confirm(const char *path, uint64_t number, uint64_t inode, struct error *err);

#endif
