/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader_message.h"

#include <stdlib.h>

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
