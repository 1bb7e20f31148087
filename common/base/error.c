/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

int error_prefix(struct error *err, int status, const char *format, ...)
{
    if (err != NULL) {
        struct error before = *err;
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        size_t len = strlen(err->text);
        for (const char *parts[] = {": ", before.text}, **part = parts; part < parts + 2; part++) {
            const size_t room = sizeof err->text - 1 - len;
            const size_t want = strlen(*part);
            memcpy(err->text + len, *part, want < room ? want : room);
            len += want < room ? want : room;
        }
        err->text[len] = '\0';
    }
    return status;
}
