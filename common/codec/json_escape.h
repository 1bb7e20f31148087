/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes in the strings of JSON, as they are written. Pure. */
#ifndef COMMON_CODEC_JSON_ESCAPE_H
#define COMMON_CODEC_JSON_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/str.h"

/* Passes over the escape whose backslash is there; the result may be behind the end of a text that
 * ends within it. *lost is set when it stands for no character that a text can have (half a
 * surrogate pair, U+0000), and *wrong when JSON has no such escape. */
size_t json_escape_end(struct str text, size_t at, bool *lost, bool *wrong);

/* Appends what stands between the quotes of a string, whose escapes are neither lost nor wrong, as
 * UTF-8. */
void json_unescape(struct str inner, struct buf *out);

#endif
