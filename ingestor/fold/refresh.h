/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of a family is handed out again before a third of its TTL has passed, whether it has
 * changed or not. The family is gone round for that, in the order in which its members came:
 *
 *   members   ■ ■ ■ ■ ■ ■ ■ □ □ □ □ □      ■ done in this round
 *                         ▲
 *                        last              a round lasts a third of the TTL, less a beat
 *
 * That is mostly the order in which they lie in memory, here and in the publisher's store; to find
 * the one that had been quiet longest, and to wait for its memory, took longer than all the rest.
 * And they come evenly, where those that nothing happens to would come all at once. Steps are a
 * beat apart, so that a large family does not wake the program for each member.
 */
#ifndef INGESTOR_FOLD_REFRESH_H
#define INGESTOR_FOLD_REFRESH_H

#include "ingestor/fold/fold_state.h"

/* All members of the family have just been handed out: a round begins. */
void refresh_begin(struct fold *fold, struct family *family, mono_time now);

/* A member has come into the family, behind all others. */
void refresh_join(struct fold *fold, struct family *family, mono_time now);

/* The member is about to be taken out of its family. */
void refresh_leave(struct family *family, const struct member *member);

/* Finds out again when a step is due, after families came from another fold. */
void refresh_plan(struct fold *fold);

/* Calls hand_out for each member whose turn it is, but for those that nobody sees, and those that
 * have changed: these wait for their refresh policy. */
void refresh_step(struct fold *fold, mono_time now,
                  void (*hand_out)(void *arg, struct member *member), void *arg);

#endif
