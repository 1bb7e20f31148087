/* SPDX-License-Identifier: Apache-2.0 */
/* The lease in PostgreSQL: a row of tilewire.lease for each set of lanes. */
#ifndef COMMON_LEASE_LEASE_POSTGRES_H
#define COMMON_LEASE_LEASE_POSTGRES_H

#include "common/lease/lease_store.h"

extern const struct lease_store_ops lease_postgres;

#endif
