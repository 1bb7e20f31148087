/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/arguments.h"

#include <stdio.h>

#include "common/base/printable.h"

bool arguments_check(int argc, char **argv)
{
    bool good = true;
    for (int i = 1; i < argc && good; i++) {
        struct buf line = {0};
        printable_append(&line, str_of(argv[i]));
        good = str_is(buf_str(&line), argv[i]);
        if (!good) {
            fprintf(stderr,
                    "tilewire: argument %d has characters that cannot be printed, or is no UTF-8: "
                    "'%s'\n",
                    i, buf_cstr(&line));
        }
        buf_free(&line);
    }
    return good;
}
