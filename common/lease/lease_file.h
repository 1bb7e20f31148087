/* SPDX-License-Identifier: Apache-2.0 */
/* The lease in files: PATH.lock.1, PATH.lock.2, …, of which the one with the greatest number
 * counts. */
#ifndef COMMON_LEASE_LEASE_FILE_H
#define COMMON_LEASE_LEASE_FILE_H

#include "common/lease/lease_store.h"

extern const struct lease_store_ops lease_file;

#endif
