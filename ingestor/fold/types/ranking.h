/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many rows each group has, or the sum of their values: exactly up to RANKING_EXACT_MAX groups,
 * and beyond by Space-Saving (Metwally, Agrawal, El Abbadi). Then a new group takes the counter of
 * the lightest one over, with all that is in it, and counts on:
 *
 *     acme 90 | bolt 40 | corp 3          a row of dyne          acme 90 | bolt 40 | dyne 4
 *                         ▲ the lightest                                   of which 3 may be
 * others'
 *
 * The weight of a row is 1, or the size of its value. No counter is lighter than what was taken
 * over with it, and no group without a counter is heavier than the lightest one. So what a counter
 * says is at most the weight of the lightest counter away from what is right, which is at most
 * 1/RANKING_EXACT_MAX of the weight of all rows; and all counters together are always exact.
 *
 * Up to the bound, the order of the rows does not matter, nor does it for whether there are more.
 * Beyond, it matters within the error.
 *
 * Memory: at most RANKING_EXACT_MAX counters of about 130 bytes and their names, and of sums that
 * no double holds 288 bytes more for each.
 */
#ifndef INGESTOR_FOLD_TYPES_RANKING_H
#define INGESTOR_FOLD_TYPES_RANKING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/mp.h"
#include "ingestor/fold/number.h"

#define RANKING_EXACT_MAX 1024
#define RANKING_GROUP_MAX 128 /* bytes of a name; a longer one is cut where a character ends */

struct ranking;

/* A group of a ranking. */
struct ranking_group {
    struct str name;     /* borrowed from the ranking */
    struct number value; /* how many rows, or the sum of their values; beyond all doubles: the
                            largest one */
};

/* sums: it sums values up; else it counts rows. */
struct ranking *ranking_create(bool sums);
void ranking_destroy(struct ranking **ranking);

bool ranking_sums(const struct ranking *ranking);

/* Adds a row of a group. The value, which is finite, means nothing where rows are counted. */
void ranking_add(struct ranking *ranking, struct str group, struct number value);

/* Adds all of another one, which sums values up if this one does. This one then has as many groups
 * as there are, however many, and only what follows may be called. */
void ranking_add_all(struct ranking *ranking, const struct ranking *other);

size_t ranking_count(const struct ranking *ranking);

/* True when there are more groups than are counted exactly. */
bool ranking_approximates(const struct ranking *ranking);

/* How far what is said of a group may be from what is right; 0 when it does not approximate. */
double ranking_error(const struct ranking *ranking);

/* Writes the largest groups to out, at most max of them, the largest first, and of equal ones the
 * one whose name comes first, byte by byte; returns how many. *other is what all others have
 * together. Takes O(groups), and O(max) for each that is among the largest so far. */
size_t ranking_best(const struct ranking *ranking, size_t max, struct ranking_group *out,
                    struct number *other);

/* Appends [approximates, [name, weight, taken over], …], where sums have a fourth member: a number,
 * or what exact_save writes. */
void ranking_save(const struct ranking *ranking, struct buf *out);

/* A ranking that ranking_save wrote; NULL when the value is none. */
struct ranking *ranking_load(const mp_value *value);

#endif
