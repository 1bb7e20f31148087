/* SPDX-License-Identifier: Apache-2.0 */
/* The lease in PostgreSQL: a row of tilewire.lease for each set of lanes. */
#ifndef INGESTOR_LEASE_LEASE_POSTGRES_H
#define INGESTOR_LEASE_LEASE_POSTGRES_H

#include "ingestor/lease/lease_store.h"

extern const struct lease_store_ops lease_postgres;

#endif
