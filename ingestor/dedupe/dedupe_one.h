/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The duplicates of one source: what dedupe.h has for all.
 *
 * An event is a duplicate when another one counts that has the same name (the value of the
 * configured field), was delivered before, and has a timestamp no further away than the window.
 * It is not remembered when the stream's time has come further than a window since, both since it
 * was delivered and since its own timestamp. The stream's time is the latest moment that two events
 * in a row have both reached: one event with a wild timestamp does not move it. So it depends on
 * the order of delivery alone what is a duplicate, and not on batches, clocks and restarts.
 *
 *   name     delivered ──►                          window 1h
 *    a       10:00 counts   10:02 duplicate
 *    b                 10:01 counts         11:30 counts: too far away
 *
 * Which row was a duplicate is decided once, when it is delivered, and remembered by the row's id:
 * tiles that are built later read rows in another order, and from another beginning. Both memories
 * have bounds. At that of names the oldest is forgotten, and the window is shorter than configured
 * (`cut`). At that of dropped rows the oldest are decided anew when a tile is built, in the order
 * of reading.
 *
 * Records of the state: STATE_DEDUPE, [format, settings, key, last timestamp, reached, first and
 * end of the names, first and end of the dropped rows, rows forgotten], and the parts of both
 * (known.h).
 *
 * The one `source` has these where enum state_whole and state_parts say; of several, each has
 * members of its own, by its name, so that they stay where they are when others come and go.
 */
#ifndef INGESTOR_DEDUPE_DEDUPE_ONE_H
#define INGESTOR_DEDUPE_DEDUPE_ONE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "common/state/changes.h"
#include "common/store/event.h"

struct dedupe_one;

struct dedupe_counters {
    uint64_t duplicates; /* events that were left out */
    uint64_t cut;        /* names that were forgotten before the window was over */
    uint64_t known;      /* names that are remembered now */
};

/* Where the state of a source's dedupe is. */
struct dedupe_records {
    struct state_id whole; /* the record */
    uint64_t known;        /* the member of tile 0 that has the names */
    uint64_t dropped;      /* that of the dropped rows */
};
struct dedupe_records dedupe_one_records(const struct config_source *source);

/* The members that each of several sources has, one behind the other; the first has its record. */
#define DEDUPE_MEMBERS 3

/* The first member of the source that this one is of; 0: it is of none of several sources. */
uint64_t dedupe_one_member(uint64_t member);

/* All as the functions of dedupe.h. source has a `dedupe`. */
struct dedupe_one *dedupe_one_create(const struct config_source *source);
void dedupe_one_destroy(struct dedupe_one **dedupe);
int dedupe_one_load(struct dedupe_one *dedupe, const struct state_changes *saved,
                    struct error *err);
void dedupe_one_save(struct dedupe_one *dedupe, struct state_changes *out);
void dedupe_one_unsave(struct dedupe_one *dedupe);
void dedupe_one_clear(struct dedupe_one *dedupe);
void dedupe_one_past_begin(struct dedupe_one *dedupe);
bool dedupe_one_past_decides(const struct dedupe_one *dedupe);
void dedupe_one_past_end(struct dedupe_one *dedupe);
struct dedupe_counters dedupe_one_counters(const struct dedupe_one *dedupe);

/* False for a duplicate: of an event that is delivered now, and of one that was before. */
bool dedupe_one_new(struct dedupe_one *dedupe, const struct event *event);
bool dedupe_one_past(struct dedupe_one *dedupe, const struct event *event);

#endif
