/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/base/ctl.h"
#include "ctl/base/print.h"

#include <stdarg.h>
#include <stdlib.h>

int ctl_fail(const struct ctl *ctl, const char *format, ...)
{
    va_list args;
    char message[2048];
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fputs("tilewire: ", ctl->err);
    print_text(ctl->err, str_of(message));
    fputc('\n', ctl->err);
    return EXIT_FAILURE;
}
