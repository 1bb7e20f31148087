/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 defines it, without surrogates, overlong forms, and anything above U+10FFFF. */
#ifndef COMMON_BASE_UTF8_H
#define COMMON_BASE_UTF8_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/str.h"

/* True for text that is UTF-8 from end to end; also for empty and absent text. */
bool utf8_valid(struct str text);

/* Length of the character that the text begins with: 1 to 4, or 0 when it begins with none. The
 * text is not empty. */
size_t utf8_length(struct str text);

/* The longest beginning of a text of at most max bytes that does not end within a character. What
 * is not UTF-8 is cut at max. */
struct str utf8_cut(struct str text, size_t max);

/* Appends text with each byte that is not part of a valid sequence replaced by U+FFFD. */
void utf8_append_clean(struct buf *out, struct str text);

#endif
