/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation for sizes that no outsider chooses: a few bytes of bookkeeping, whose failure leaves
 * nothing sensible to do. These functions end the process with a message when memory is out, so
 * that they never return NULL for a size above 0. What grows with input is bounded by its owner
 * before it gets here.
 *
 * The caller owns the memory and frees it with free(). Any thread may call these.
 */
#ifndef COMMON_BASE_XALLOC_H
#define COMMON_BASE_XALLOC_H

#include <stddef.h>

void *x_malloc(size_t size);
void *x_calloc(size_t count, size_t size);
void *x_realloc(void *ptr, size_t size);
/* Allocates count * size bytes, which is checked for overflow. */
void *x_reallocarray(void *ptr, size_t count, size_t size);
char *x_strdup(const char *text);
/* Copies len bytes, which are all there, and adds a terminating NUL. */
char *x_strndup(const char *text, size_t len);
/* Copies len bytes. Never returns NULL, even when len is 0. */
void *x_memdup(const void *data, size_t len);
/* printf into a new string. */
char *x_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
