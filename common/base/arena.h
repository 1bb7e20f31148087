/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: many small things that live and die together, such as a
 * configuration.
 *
 *   arena ──► block ──► block ──► block ──► NULL
 *             newest              oldest              one allocation each
 *
 * The arena owns all that comes from it; nothing is freed alone. The process ends when memory is
 * out, so whoever copies outsiders' bytes into an arena bounds them first. An arena belongs to one
 * thread at a time.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_create(void);

/* Frees everything that came from the arena, and sets the caller's pointer to NULL, which it may be
 * already. */
void arena_destroy(struct arena **arena);

/* Returns zeroed memory that is aligned for any type. The result is never NULL, even of size 0. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same for count things of that size. count * size is checked for overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Returns a copy of len bytes, and a terminating NUL. text may be NULL when len is 0. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);

/* printf into a new string. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
