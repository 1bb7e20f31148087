/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/base/ctl.h"

#include <stdarg.h>
#include <stdlib.h>

int ctl_fail(const struct ctl *ctl, const char *format, ...)
{
    va_list args;
    fputs("tilewire: ", ctl->err);
    va_start(args, format);
    vfprintf(ctl->err, format, args);
    va_end(args);
    fputc('\n', ctl->err);
    return EXIT_FAILURE;
}
