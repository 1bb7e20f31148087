/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the events that are held here are of the history that the ingestor tells now. A database
 * may have lost rows that were delivered: it failed over to a standby that lacked them, or it was
 * restored from a backup. Other rows have their ordinals then.
 *
 *   held       … 998 999 1000 a b c d e          d and e: not known in this epoch
 *   told       … 998 999 1000 a b c f            f stands where d is: another history
 *                             ▲
 *                         confirmed
 *
 * An ingestor begins each life, and so each epoch, a little before the place where the last one
 * ended, and tells the events since then again. So in a new epoch nothing is confirmed at first.
 * What a page of a server has, and what comes live, is compared. It is another history when
 *
 *   - an event stands at an ordinal where another one is held, or none between two that are;
 *   - an event comes behind the last that is held, and that one is not confirmed;
 *   - the ingestor has told all that there is, and the last that is held is not confirmed.
 *
 * That something is not confirmed is no reason where the ingestor can vouch for it: the database is
 * the one that it was since the epoch in which the event came (`continues`), or the ids up to the
 * event's had all been given out (`accounted`). Then the row was deleted, and stays a fact.
 *
 * An event is known by its id, timestamp and type: the rest of a row may have been updated.
 *
 * Part of the replica: only its files include this.
 */
#ifndef COMMON_REPLICA_HISTORY_H
#define COMMON_REPLICA_HISTORY_H

#include "common/replica/replica_state.h"

/* How many of the events that are held are asked for again, to be compared, in a new epoch. */
#define HISTORY_OVERLAP 100

enum history {
    HISTORY_NEXT,  /* it comes behind all that is held */
    HISTORY_KNOWN, /* it is held, or has left */
    HISTORY_OTHER, /* it is of another history than what is held */
};

/* Compares an event with what is held. *confirmed: up to where that was confirmed; it is raised to
 * the event's ordinal if that is known. */
enum history history_judge(struct replica *r, uint64_t ordinal, const mp_value *fields,
                           uint64_t *confirmed);

/* The ordinal behind which events are to be asked for, so that what is not confirmed is compared.
 * new_epoch: nothing is. The log holds an event, or knows of one. */
uint64_t history_ask_after(const struct replica *r, bool new_epoch);

/* Up to which ordinal of what is held the ingestor vouches, in a new epoch, that a row that it does
 * not tell again was deleted and not lost. By the snapshot that is being fetched. */
uint64_t history_vouched(const struct replica *r);

/* True when something that is held was not confirmed in this epoch. */
bool history_is_doubtful(const struct replica *r);

#endif
