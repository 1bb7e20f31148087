/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader_store.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

static int confirm_lease(void *arg, struct error *err)
{
    const struct reader_store *store = arg;
    return store->parts->lease_store->confirm(store->parts->config, &store->grant, err);
}

static int open_store(struct reader_store *store, const struct lease_grant *grant,
                      struct error *why)
{
    const bool confirms = store->parts->lease_store->confirm != NULL;
    const struct state_fence fence = {grant->number, confirms ? confirm_lease : NULL, store};
    store->grant = *grant;
    return store->parts->state->open(store->parts->config, &fence, &store->open, why);
}

int reader_store_load(struct reader_store *store, const struct lease_grant *grant,
                      struct reader_message *message, struct error *why)
{
    struct state_changes *state = x_calloc(1, sizeof *state);
    int status = store->open == NULL ? open_store(store, grant, why) : STATUS_OK;
    if (status == STATUS_OK) {
        status = store->parts->state->load(store->open, state, why);
    }
    message->state_lost = status == STATUS_INVALID;
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID) {
        message->error = *why; /* for the log; all is built anew */
        state_changes_free(state);
        free(state);
        return STATUS_OK;
    }
    message->state = state;
    return status;
}

void reader_store_close(struct reader_store *store)
{
    if (store->open != NULL) {
        store->parts->state->close(store->open);
        store->open = NULL;
    }
}
