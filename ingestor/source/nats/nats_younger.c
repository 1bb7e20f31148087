/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_younger.h"

#define SPAN 1000     /* messages that are looked at first */
#define SPAN_GROWS 10 /* times as many when all of them are younger */

/* Looks from a sequence on. *older: one that is no younger was there. Without one that is younger,
 * *out stays. */
static int find_from(struct nats_client *client, uint64_t from, int64_t time_ns, bool *older,
                     uint64_t *out, struct error *err)
{
    struct nats_feed feed;
    bool more = true;
    int status = nats_feed_open(&feed, client, from, err);
    while (status == STATUS_OK && more) {
        struct nats_message message;
        status = nats_feed_next(&feed, &message, err);
        more = status == STATUS_OK && message.message != NULL && message.time_ns <= time_ns;
        *older = *older || more;
        if (status == STATUS_OK && message.message != NULL && !more) {
            *out = message.sequence;
        }
        natsMsg_Destroy(message.message);
    }
    nats_feed_close(&feed);
    return status;
}

/* The server could be asked for messages since a time, but 2.9 may answer after a restart that
 * there is none. */
int nats_find_younger(struct nats_client *client, const struct nats_anchor *anchor, uint64_t first,
                      uint64_t *out, struct error *err)
{
    bool older = false;
    int status = STATUS_OK;
    *out = anchor->sequence;
    for (uint64_t span = SPAN; status == STATUS_OK && !older; span *= SPAN_GROWS) {
        const bool all = anchor->sequence - first <= span;
        const uint64_t from = all ? first : anchor->sequence - span;
        status = find_from(client, from, anchor->time_ns, &older, out, err);
        older = older || all;
    }
    return status;
}
