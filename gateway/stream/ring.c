/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"

/* Reserves addresses for both copies, then maps the same memory file onto each half. */
static char *map_twice(size_t size)
{
    const int fd = memfd_create("tilewire-channel", MFD_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    char *map = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0) {
        map = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (map != MAP_FAILED &&
        (mmap(map, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
         mmap(map + size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
             MAP_FAILED)) {
        munmap(map, 2 * size);
        map = MAP_FAILED;
    }
    close(fd); /* the mappings keep the memory */
    return map != MAP_FAILED ? map : NULL;
}

/* The memory of a ring of that size, which becomes one of whole pages if it is mapped. */
static char *take(size_t *size)
{
    if (*size < RING_MAPPED_BYTES) {
        return x_malloc(*size);
    }
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *size = (*size + page - 1) / page * page;
    return map_twice(*size);
}

static void give_back(char *map, size_t size)
{
    if (map != NULL && size >= RING_MAPPED_BYTES) {
        munmap(map, 2 * size);
    } else {
        free(map);
    }
}

int ring_take(struct ring *ring, size_t size)
{
    assert(ring->size == 0 && ring->tail == ring->head && size != 0);
    ring->map = take(&size);
    if (ring->map == NULL) {
        return STATUS_IO;
    }
    ring->size = size;
    ring->base = ring->head;
    return STATUS_OK;
}

void ring_give_back(struct ring *ring)
{
    give_back(ring->map, ring->size);
    *ring = (struct ring){.tail = ring->head, .head = ring->head};
}

static char *byte_at(const struct ring *ring, uint64_t position)
{
    return ring->map +
           (ring_is_mapped(ring) ? position % ring->size : (size_t)(position - ring->base));
}

struct str ring_from(const struct ring *ring, uint64_t position)
{
    assert(position >= ring->tail && position <= ring->head);
    return ring->size != 0 ? (struct str){byte_at(ring, position), (size_t)(ring->head - position)}
                           : STR("");
}

void ring_append(struct ring *ring, struct str bytes)
{
    assert(bytes.len <= ring->size - (size_t)(ring->head - ring->tail));
    if (bytes.len == 0) {
        return;
    }
    if (!ring_is_mapped(ring) && ring->head + bytes.len > ring->base + ring->size) {
        const struct str kept = ring_from(ring, ring->tail);
        memmove(ring->map, kept.p, kept.len);
        ring->base = ring->tail;
    }
    memcpy(byte_at(ring, ring->head), bytes.p, bytes.len);
    ring->head += bytes.len;
}

int ring_grow(struct ring *ring)
{
    struct ring wider = *ring;
    wider.size *= 2;
    wider.base = ring->tail;
    wider.map = take(&wider.size);
    if (wider.map == NULL) {
        return STATUS_IO;
    }
    const struct str kept = ring_from(ring, ring->tail);
    memcpy(byte_at(&wider, ring->tail), kept.p, kept.len);
    give_back(ring->map, ring->size);
    *ring = wider;
    return STATUS_OK;
}
