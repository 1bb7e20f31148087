/* SPDX-License-Identifier: Apache-2.0 */
/* Tells others of tiles in trouble: joins the book of who was told what (alerts/alert_book.h) to
 * the tiles that are published, to the thread that hands messages over, and to the saved state. */
#ifndef INGESTOR_INGESTOR_ALERTS_H
#define INGESTOR_INGESTOR_ALERTS_H

#include "ingestor/ingestor_state.h"

/* Begin and end it. */
void ingestor_alerts_begin(struct ingestor *ingestor);
void ingestor_alerts_finish(struct ingestor *ingestor);

/* Goes on from a saved state, of which `status` says what came of the tiles: who was told what
 * counts also where they are built anew. saved: NULL, there is none. Returns status, or
 * STATUS_NEWER: a newer version wrote the state, as err says. */
int ingestor_alerts_go_on(struct ingestor *ingestor, const struct state_changes *saved,
                          wall_time now, int status, struct error *err);

/* A tile was published. */
void ingestor_alerts_see(struct ingestor *ingestor, const struct fold_output *output,
                         struct moment now);

/* Hands over what is due; to be called while tiles may be published. Returns in how many µs
 * something is due next; INT64_MAX: never. */
int64_t ingestor_alerts_due(struct ingestor *ingestor, struct moment now);

/* Takes what came of messages. */
void ingestor_alerts_answer(struct ingestor *ingestor);

/* SIGHUP: goes over to the alerts of another configuration. */
void ingestor_alerts_change(struct ingestor *ingestor, const struct config *config);

/* Answers `alerts` and `silence`: the callback of struct query; arg: the ingestor. */
const char *ingestor_alerts_query(void *arg, const mp_value *request, struct buf *reply,
                                  const char **code);

/* Appends the counters of alerts, and returns how many. */
size_t ingestor_alerts_stats(struct ingestor *ingestor, struct buf *out);

#endif
