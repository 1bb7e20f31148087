/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose objects a program may use in a database. Who owns a function can replace its body, and who
 * owns a table can put a trigger on it: both then run as whoever uses them. So what somebody made
 * beforehand under a name of ours is used only if its owner is trusted:
 *
 *   - our own role, and those that it is a member of. What a superuser may do does not count here:
 *     it is no member of all roles;
 *   - a superuser, who can do all that anyway;
 *   - the database's owner, also as pg_database_owner.
 */
#ifndef COMMON_POSTGRES_PG_TRUST_H
#define COMMON_POSTGRES_PG_TRUST_H

/* The beginning of a query: `trusted` has the oid of each of those roles. Another table expression
 * may follow behind a comma, or the query itself. */
#define PG_TRUSTED                                                                                 \
    "WITH RECURSIVE ours(oid) AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = "            \
    "current_user UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN ours ON m.member "  \
    "= ours.oid), trusted(oid) AS (SELECT oid FROM ours UNION SELECT oid FROM "                    \
    "pg_catalog.pg_roles WHERE rolsuper OR rolname = 'pg_database_owner' UNION SELECT datdba "     \
    "FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"

#endif
