/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/ring.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"

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

int ring_init(struct ring *ring, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *ring = (struct ring){.size = (size + page - 1) / page * page};
    ring->map = map_twice(ring->size);
    return ring->map != NULL ? STATUS_OK : STATUS_IO;
}

void ring_finish(struct ring *ring)
{
    if (ring->map != NULL) {
        munmap(ring->map, 2 * ring->size);
    }
    *ring = (struct ring){0};
}

void ring_append(struct ring *ring, struct str bytes)
{
    assert(bytes.len <= ring->size - (size_t)(ring->head - ring->tail));
    if (bytes.len != 0) {
        memcpy(ring->map + ring->head % ring->size, bytes.p, bytes.len);
        ring->head += bytes.len;
    }
}

struct str ring_from(const struct ring *ring, uint64_t position)
{
    assert(position >= ring->tail && position <= ring->head);
    return (struct str){ring->map + position % ring->size, (size_t)(ring->head - position)};
}

int ring_grow(struct ring *ring)
{
    char *map = map_twice(2 * ring->size);
    if (map == NULL) {
        return STATUS_IO;
    }
    const struct str kept = ring_from(ring, ring->tail);
    memcpy(map + ring->tail % (2 * ring->size), kept.p, kept.len);
    munmap(ring->map, 2 * ring->size);
    ring->map = map;
    ring->size *= 2;
    return STATUS_OK;
}
