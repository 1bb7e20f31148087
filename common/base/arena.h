/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: many small things that live and die together, such as a
 * configuration. Whoever copies outsiders' bytes into it bounds them first.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_create(void);

/* Frees everything that came from it, and sets the caller's pointer to NULL. NULL is fine. */
void arena_destroy(struct arena **arena);

/* Zeroed, aligned for any type. size and count may be 0; the result is never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Copies, with a terminating NUL. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
