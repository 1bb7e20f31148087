/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of alerts in the saved state: one record for each alert, MessagePack
 * [format, rule, key, title, level, since_us, ended_us, told, told_level, told_at_us], and one for
 * the silences, [format, [[pattern, until_us], …]].
 */
#ifndef INGESTOR_ALERTS_ALERT_RECORD_H
#define INGESTOR_ALERTS_ALERT_RECORD_H

#include "common/base/error.h"
#include "common/state/changes.h"
#include "ingestor/alerts/alert_book.h"

/* Appends what has changed since the last call. */
void alert_record_save(struct alert_book *book, struct state_changes *out);

/* The store has nothing of the book any more: the next save is to append everything. */
void alert_record_unsave(struct alert_book *book);

/* Fills a new book with what was saved. Alerts of rules that are not configured any more are
 * forgotten, and so are records that are damaged; *damaged is how many. STATUS_NEWER: a newer
 * version of Tilewire wrote them; err says so. */
int alert_record_load(struct alert_book *book, const struct state_changes *saved, wall_time now,
                      size_t *damaged, struct error *err);

#endif
