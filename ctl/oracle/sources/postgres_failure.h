/* SPDX-License-Identifier: Apache-2.0 */
/* Rows at which PostgreSQL fails. */
#ifndef CTL_ORACLE_SOURCES_POSTGRES_FAILURE_H
#define CTL_ORACLE_SOURCES_POSTGRES_FAILURE_H

#include <libpq-fe.h>
#include <stdbool.h>

/* True when a statement failed because of a value: a text that is not of its encoding, a division
 * by zero in a view, an exception that a function raises, a damaged page. */
bool postgres_fails_at_a_row(const PGresult *result);

#endif
