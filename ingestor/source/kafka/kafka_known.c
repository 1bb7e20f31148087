/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_known.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "ingestor/source/kafka/kafka_gather.h"

static bool note_digest(void *arg, size_t piece, rd_kafka_message_t *message)
{
    struct kafka_known *const *known_of = arg;
    struct kafka_known *known = known_of[piece];
    if (message->offset == known->anchor.offset) {
        known->same =
            kafka_client_digest(message) == known->anchor.digest ? KAFKA_SAME_YES : KAFKA_SAME_NO;
    }
    return true;
}

int kafka_known_look(struct kafka_client *client, struct kafka_known *all, size_t count,
                     struct error *err)
{
    struct kafka_piece *pieces = x_calloc(count + 1, sizeof *pieces);
    struct kafka_known **known_of = x_calloc(count + 1, sizeof *known_of); /* of each piece */
    size_t piece_count = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t at = all[i].anchor.offset;
        all[i].same = KAFKA_SAME_UNKNOWN;
        if (at >= 0) {
            known_of[piece_count] = &all[i];
            pieces[piece_count++] = (struct kafka_piece){
                .topic = all[i].topic, .number = all[i].number, .first = at, .end = at + 1};
        }
    }
    const int status = kafka_gather(client, pieces, piece_count, note_digest, known_of, err);
    free(pieces);
    free(known_of);
    return status;
}
