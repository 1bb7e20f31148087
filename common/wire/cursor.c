/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/cursor.h"

#include <string.h>

void cursor_append(struct buf *out, const struct cursor *cursor)
{
    for (unsigned i = 0; i < cursor->lanes; i++) {
        char text[VERSION_TEXT_SIZE];
        version_format(cursor->at[i], text);
        if (i != 0) {
            buf_append_char(out, '_');
        }
        const bool repeated = i != 0 && cursor->at[i].epoch == cursor->at[i - 1].epoch;
        buf_append_text(out, repeated ? strchr(text, '-') : text);
    }
}

bool cursor_parse(struct str text, struct cursor *out)
{
    struct cursor cursor = {0};
    for (;;) {
        const struct version *before = cursor.lanes != 0 ? &cursor.at[cursor.lanes - 1] : NULL;
        if (cursor.lanes == LANES_MAX || !version_take(&text, before, &cursor.at[cursor.lanes])) {
            return false;
        }
        cursor.lanes++;
        if (text.len == 0) {
            *out = cursor;
            return true;
        }
        if (text.p[0] != '_') {
            return false;
        }
        text = (struct str){text.p + 1, text.len - 1};
    }
}
