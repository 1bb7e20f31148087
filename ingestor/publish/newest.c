/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/publish/newest.h"

#include <utlist.h>

static void drop_oldest(struct newest *newest)
{
    struct batch *batch = newest->batches;
    DL_DELETE(newest->batches, batch);
    newest->events -= batch->count;
    newest->floor = batch->ordinal;
    batch_destroy(&batch);
}

void newest_add(struct newest *newest, struct batch *batch, size_t wanted)
{
    DL_APPEND(newest->batches, batch);
    newest->events += batch->count;
    while (newest->batches != NULL && newest->events - newest->batches->count >= wanted) {
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
