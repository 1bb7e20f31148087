/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader_missing.h"

#include "ingestor/reader/reader_message.h"

void reader_missing_tell(struct source *source, uint64_t *told, void *socket, bool rows_follow)
{
    struct reader_message message = {.kind = READER_MISSING};
    if (source == NULL || source->ops->missing == NULL) {
        return;
    }
    message.missing = source->ops->missing(source);
    message.missing |= rows_follow ? *told : 0;
    if (message.missing != *told) {
        *told = message.missing;
        reader_message_send(socket, &message);
    }
    message.kind = READER_TROUBLE;
    while (source->ops->trouble(source, &message.source, &message.error)) {
        reader_message_send(socket, &message);
    }
}
