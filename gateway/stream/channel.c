/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/channel.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"

#define RING_FIRST_BYTES ((size_t)256)
#define FIRST_ENDS 1    /* The frames that the log knows the ends of at first; a power of two. */
#define FIRST_STREAMS 6 /* As many as fit into the smallest piece of the heap. */
#define MAPPED_USED 8   /* A mapped log of which less than that part was used is given back. */

struct channel *channel_create(enum channel_kind kind, enum coding coding,
                               struct selection *selection, size_t ring_max, uint64_t watermark)
{
    struct channel *channel = x_calloc(1, sizeof *channel);
    channel->kind = kind;
    channel->coding = coding;
    channel->ring_max = ring_max;
    channel->watermark = watermark;
    channel->selection = *selection;
    *selection = (struct selection){0};
    return channel;
}

void channel_destroy(struct channel **channel_p)
{
    struct channel *channel = *channel_p;
    if (channel != NULL) {
        selection_free(&channel->selection);
        view_release(&channel->view);
        ring_give_back(&channel->ring);
        free(channel->ends);
        free(channel->streams);
        free(channel);
        *channel_p = NULL;
    }
}

size_t channel_quiet_bytes(const struct selection *selection)
{
    size_t names = 0;
    (void)selection_names(selection, &names);
    return sizeof(struct channel) + FIRST_STREAMS * sizeof(uint32_t) +
           names * sizeof(struct channel_name) + selection_bytes(selection);
}

void channel_join(struct channel *channel, uint32_t stream, uint32_t *slot)
{
    if (channel->stream_count == channel->stream_cap) {
        channel->stream_cap = channel->stream_cap != 0 ? channel->stream_cap * 2 : FIRST_STREAMS;
        channel->streams =
            x_reallocarray(channel->streams, channel->stream_cap, sizeof *channel->streams);
    }
    *slot = (uint32_t)channel->stream_count;
    channel->streams[channel->stream_count++] = stream;
}

uint32_t channel_leave(struct channel *channel, uint32_t slot)
{
    const uint32_t moved = channel->streams[--channel->stream_count];
    channel->streams[slot] = moved;
    return moved;
}

static struct frame_end *end_at(const struct channel *channel, size_t index)
{
    return &channel->ends[(channel->ends_first + index) & (channel->ends_cap - 1)];
}

size_t channel_log_bytes(const struct channel *channel)
{
    return channel->ring.size + channel->ends_cap * sizeof *channel->ends;
}

/* What a log has first, for a frame of that length. */
static size_t first_size(const struct channel *channel, size_t len)
{
    size_t size = RING_FIRST_BYTES;
    while (size < len && size * 2 <= channel->ring_max) {
        size *= 2;
    }
    return size < channel->ring_max ? size : channel->ring_max;
}

uint64_t channel_crowded(struct channel *channel, size_t len, size_t spare)
{
    struct ring *ring = &channel->ring;
    const size_t before = ring->size;
    if (ring->size == 0) {
        const size_t first = first_size(channel, len);
        if (first > spare || ring_take(ring, first) != STATUS_OK) {
            return UINT64_MAX;
        }
    }
    while (ring->size - (size_t)(ring->head - ring->tail) < len) {
        if (ring->size * 2 > channel->ring_max || ring->size * 2 - before > spare ||
            ring_grow(ring) != STATUS_OK) {
            break;
        }
    }
    if (ring->size - (size_t)(ring->head - ring->tail) >= len) {
        return 0;
    }
    if (len > ring->size) {
        return UINT64_MAX;
    }
    /* A quarter more than is needed, so that this is not done for each frame. */
    uint64_t until = ring->head + len + ring->size / 4 - ring->size;
    until = until < ring->head ? until : ring->head;
    for (size_t i = 0; i < channel->ends_count; i++) {
        if (end_at(channel, i)->position >= until) {
            return end_at(channel, i)->position;
        }
    }
    return ring->head;
}

void channel_drop(struct channel *channel, uint64_t position)
{
    while (channel->ends_count != 0 && end_at(channel, 0)->position <= position) {
        channel->watermark = end_at(channel, 0)->watermark;
        channel->ring.tail = end_at(channel, 0)->position;
        channel->ends_first = (channel->ends_first + 1) & (channel->ends_cap - 1);
        channel->ends_count--;
    }
}

void channel_forget(struct channel *channel, uint64_t watermark)
{
    channel->ends_count = 0;
    channel->unmeasured = 0;
    channel->ring.tail = channel->ring.head;
    channel->watermark = watermark;
}

void channel_give_back(struct channel *channel)
{
    struct ring *ring = &channel->ring;
    const size_t used = (size_t)(ring->head - ring->tail);
    if (channel->ends_count != 0) {
        channel_forget(channel, end_at(channel, channel->ends_count - 1)->watermark);
    }
    if (!ring_is_mapped(ring) || used < ring->size / MAPPED_USED) {
        ring_give_back(ring);
        free(channel->ends);
        channel->ends = NULL;
        channel->ends_cap = 0;
        channel->ends_first = 0;
    }
}

static void grow_ends(struct channel *channel)
{
    const size_t cap = channel->ends_cap != 0 ? channel->ends_cap * 2 : FIRST_ENDS;
    struct frame_end *ends = x_calloc(cap, sizeof *ends);
    for (size_t i = 0; i < channel->ends_count; i++) {
        ends[i] = *end_at(channel, i);
    }
    free(channel->ends);
    channel->ends = ends;
    channel->ends_cap = cap;
    channel->ends_first = 0;
}

void channel_append(struct channel *channel, struct str frame, uint64_t watermark)
{
    ring_append(&channel->ring, frame);
    if (channel->ends_count == channel->ends_cap) {
        grow_ends(channel);
    }
    *end_at(channel, channel->ends_count++) =
        (struct frame_end){.position = channel->ring.head, .watermark = watermark};
    channel->unmeasured++;
}

void channel_stamp(struct channel *channel, const struct latency_stamp *stamp)
{
    end_at(channel, channel->ends_count - 1)->stamp = *stamp;
}

const struct latency_stamp *channel_measure(struct channel *channel, uint64_t position)
{
    if (channel->unmeasured > channel->ends_count) {
        channel->unmeasured = channel->ends_count; /* the others have left the log */
    }
    if (channel->unmeasured == 0) {
        return NULL;
    }
    const struct frame_end *end = end_at(channel, channel->ends_count - channel->unmeasured);
    if (end->position > position) {
        return NULL;
    }
    channel->unmeasured--;
    return &end->stamp;
}

/* Index of the first frame that ends behind the position. */
static size_t frame_behind(const struct channel *channel, uint64_t position)
{
    size_t low = 0;
    size_t high = channel->ends_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (end_at(channel, middle)->position <= position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct frame_end channel_frame_at(const struct channel *channel, uint64_t position,
                                  uint64_t *before)
{
    assert(position >= channel->ring.tail);
    const size_t index = frame_behind(channel, position);
    *before = index != 0 ? end_at(channel, index - 1)->watermark : channel->watermark;
    if (index == channel->ends_count) {
        return (struct frame_end){.position = channel->ring.head, .watermark = *before};
    }
    return *end_at(channel, index);
}

bool channel_at_boundary(const struct channel *channel, uint64_t position)
{
    const size_t index = frame_behind(channel, position);
    return position == (index != 0 ? end_at(channel, index - 1)->position : channel->ring.tail);
}
