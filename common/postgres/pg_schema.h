/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema `tilewire`, in which the lease and the state lie: the tables checkpoint, journal,
 * state and lease. Whichever of the two comes first makes what there is not.
 *
 * Nothing is made that is there already, so the right to make it is needed only then: a schema, or
 * the tables, too, may have been made beforehand. What is there has to belong to a role that can be
 * trusted (pg_trust.h). What is not there is made with a plain CREATE, which fails when somebody
 * else is faster, so that nobody's tables are taken for ours.
 *
 * Threads: as for pg.h; there is no state here.
 */
#ifndef COMMON_POSTGRES_PG_SCHEMA_H
#define COMMON_POSTGRES_PG_SCHEMA_H

#include <libpq-fe.h>

#include "common/base/error.h"

/*
 * Makes what is missing of the schema and its tables, and refuses what is another's. Both may be
 * repeated, and several programs may do it at once. Through a pooler it is the same. STATUS_IO,
 * with what to do: something cannot be made, or its owner is not trusted, or the database is lost.
 */
int pg_schema_prepare(PGconn *db, struct error *err);

/* Only refuses what is another's, for who reads; what is missing stays missing. STATUS_IO. */
int pg_schema_check(PGconn *db, struct error *err);

#endif
