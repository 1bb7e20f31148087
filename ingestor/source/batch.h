/* SPDX-License-Identifier: Apache-2.0 */
/* How sources fill a batch: rows one after the other, their texts in one run of memory. */
#ifndef INGESTOR_SOURCE_BATCH_H
#define INGESTOR_SOURCE_BATCH_H

#include "ingestor/source/source.h"

#define BATCH_TEXT_MAX (1024 << 10) /* bytes of one column; a row with more is unusable */

/* Bytes of a batch's texts and events from which on it is full; the row that fills it may be
 * beyond. A row is at most so many columns of BATCH_TEXT_MAX. */
#define BATCH_BYTES_MAX (4096 << 10)

/* Bytes of the rows that are read again for the event log: as many of the newest as take less. */
#define BATCH_HISTORY_BYTES_MAX ((size_t)32 << 20)

/* An empty batch; each event that comes will have extra_count extras. */
struct batch *batch_create(size_t extra_count);

/* A new event at the end, all zero, with room for its extras (whose names the caller sets).
 * Pointers to events are valid until the next call. */
struct event *batch_event(struct batch *batch);
struct event_extra *batch_extras(struct batch *batch, const struct event *event);

/* Memory of the batch. */
size_t batch_bytes(const struct batch *batch);

/* True when its rows take BATCH_BYTES_MAX: it has to be handed on before the next row. */
static inline bool batch_is_full(const struct batch *batch)
{
    return batch_bytes(batch) >= BATCH_BYTES_MAX;
}

/* Takes the last event back: the row is unusable. */
void batch_drop_event(struct batch *batch);

/* Copies a text for the event under way. What it returns is a place in the batch's memory, which
 * becomes a text in batch_finish; STR_NULL stays so. */
struct str batch_text(struct batch *batch, struct str text);

/* Turns what batch_text returned back into a text, while the batch is not finished. The text is
 * valid until the next call. */
struct str batch_text_of(const struct batch *batch, struct str text);

/* Ends the filling: texts and extras become pointers. state and journal are copied. */
void batch_finish(struct batch *batch, struct str state, struct str journal);

#endif
