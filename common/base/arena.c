/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

struct arena_block {
    struct arena_block *next;
    max_align_t data[];
};

/* Each thing is an allocation of its own, so that sanitizers see where it ends. */
struct arena {
    struct arena_block *blocks; /* the newest first */
};

struct arena *arena_create(void)
{
    return x_calloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena **arena)
{
    if (*arena == NULL) {
        return;
    }
    struct arena_block *block = (*arena)->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    free(*arena);
    *arena = NULL;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - sizeof(struct arena_block)) / size) {
        abort();
    }
    struct arena_block *block = x_calloc(1, sizeof *block + count * size);
    block->next = arena->blocks;
    arena->blocks = block;
    return block->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return arena_array(arena, 1, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_array(arena, len + 1, 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    const int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        abort();
    }
    char *copy = arena_strndup(arena, text, (size_t)len);
    free(text);
    return copy;
}
