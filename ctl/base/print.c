/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/base/print.h"

#include "common/base/printable.h"

static void print(FILE *out, struct buf *printable)
{
    (void)fwrite(buf_cstr(printable), 1, printable->len, out);
    buf_free(printable);
}

void print_text(FILE *out, struct str text)
{
    struct buf printable = {0};
    printable_append(&printable, text);
    print(out, &printable);
}

void print_json(FILE *out, struct str json)
{
    struct buf printable = {0};
    printable_append_json(&printable, json);
    print(out, &printable);
}
