/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/side.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "gateway/stream/streams_state.h"

struct ws_side *ws_side_get(const struct stream *stream)
{
    return stream->side;
}

struct ws_side *ws_side_need(struct stream *stream)
{
    if (stream->side == NULL) {
        stream->side = x_calloc(1, sizeof(struct ws_side));
    }
    return stream->side;
}

void ws_side_free(struct stream *stream)
{
    struct ws_side *side = stream->side;
    if (side == NULL) {
        return;
    }
    if (side->waits != NULL) {
        ws_request_free(side->waits);
        free(side->waits);
    }
    ws_partial_free(&side->partial);
    free(side);
    stream->side = NULL;
}

void ws_side_drop_if_empty(struct stream *stream)
{
    const struct ws_side *side = stream->side;
    if (side != NULL && ws_partial_empty(&side->partial) && side->waits == NULL && !side->pong &&
        side->closing == WS_OPEN) {
        ws_side_free(stream);
    }
}

bool ws_side_closing(const struct stream *stream)
{
    const struct ws_side *side = stream->side;
    return side != NULL && side->closing != WS_OPEN;
}
