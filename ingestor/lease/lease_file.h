/* SPDX-License-Identifier: Apache-2.0 */
/* The lease in files: PATH.lock.1, PATH.lock.2, …, of which the one with the greatest number
 * counts. */
#ifndef INGESTOR_LEASE_LEASE_FILE_H
#define INGESTOR_LEASE_LEASE_FILE_H

#include "ingestor/lease/lease_store.h"

extern const struct lease_store_ops lease_file;

#endif
