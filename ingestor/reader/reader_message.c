/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader_message.h"

#include <stdlib.h>
#include <zmq.h>

#include "common/base/handover.h"

void reader_message_send(void *socket, const struct reader_message *message)
{
    /* The pipe has no high-water mark; what goes through it is bounded by the credits. */
    handover_give(message->batch);
    handover_give(message->state);
    zmq_send(socket, message, sizeof *message, 0);
}

void reader_message_free(struct reader_message *message)
{
    if (message->batch != NULL) {
        batch_destroy(&message->batch);
    }
    if (message->state != NULL) {
        state_changes_free(message->state);
        free(message->state);
        message->state = NULL;
    }
}
