/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that is shown in terminals and logs. What rows and peers say may hold characters that are no
 * text but commands: escape sequences that repaint the screen or set its title, and marks that make
 * a line read backwards. These are the control characters C0 (U+0000 to U+001F), DEL and C1 (U+0080
 * to U+009F), the separators of lines and paragraphs (U+2028, U+2029), the controls of writing
 * direction (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and bytes that are not
 * UTF-8, which a terminal may take for any of them.
 *
 * Pure.
 */
#ifndef COMMON_BASE_PRINTABLE_H
#define COMMON_BASE_PRINTABLE_H

#include "common/base/buf.h"
#include "common/base/str.h"

/* Appends the text with a blank in the place of each such character. */
void printable_append(struct buf *out, struct str text);

/* Appends a text of JSON with each such character as the escape that means the same, but for the
 * line ends and tabs between its values. Bytes that are not UTF-8 become U+FFFD. */
void printable_append_json(struct buf *out, struct str json);

#endif
