/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/publish/newest.h"

#include <utlist.h>

#include "ingestor/source/batch.h"

static void drop_oldest(struct newest *newest)
{
    struct batch *batch = newest->batches;
    DL_DELETE(newest->batches, batch);
    newest->events -= batch->count;
    newest->bytes -= batch_bytes(batch);
    newest->floor = batch->ordinal;
    batch_destroy(&batch);
}

void newest_add(struct newest *newest, struct batch *batch, size_t wanted, size_t max_bytes)
{
    DL_APPEND(newest->batches, batch);
    newest->events += batch->count;
    newest->bytes += batch_bytes(batch);
    while (newest->batches != batch &&
           (newest->events - newest->batches->count >= wanted || newest->bytes > max_bytes)) {
        drop_oldest(newest);
    }
}

void newest_clear(struct newest *newest)
{
    while (newest->batches != NULL) {
        drop_oldest(newest);
    }
    newest->floor = 0;
}
