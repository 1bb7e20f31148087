/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *ptr, size_t size)
{
    if (ptr == NULL && size != 0) {
        fprintf(stderr, "out of memory: %zu bytes were refused\n", size);
        abort();
    }
    return ptr;
}

void *x_malloc(size_t size)
{
    return checked(malloc(size), size);
}

void *x_calloc(size_t count, size_t size)
{
    return checked(calloc(count, size), count != 0 ? size : 0);
}

void *x_realloc(void *ptr, size_t size)
{
    return checked(realloc(ptr, size), size);
}

void *x_reallocarray(void *ptr, size_t count, size_t size)
{
    return checked(reallocarray(ptr, count, size), count != 0 ? size : 0);
}

char *x_strdup(const char *text)
{
    return x_strndup(text, strlen(text));
}

char *x_strndup(const char *text, size_t len)
{
    char *copy = x_malloc(len + 1);
    if (len != 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

void *x_memdup(const void *data, size_t len)
{
    void *copy = x_malloc(len != 0 ? len : 1);
    if (len != 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

char *x_asprintf(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    const int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        checked(NULL, strlen(format));
    }
    return text;
}
