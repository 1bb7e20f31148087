/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The piece of a JSON text that a value was written as. A payload is handed on as it came, with
 * each digit of its numbers, and not as a parser would write it again.
 *
 * Pure.
 */
#ifndef COMMON_CODEC_JSON_SLICE_H
#define COMMON_CODEC_JSON_SLICE_H

#include <stdbool.h>

#include "common/base/str.h"

/* The text of the value at a path, as json_at finds it in the document of the same text; "" is the
 * root. The text has to be one that json_parse or json_parse_usable read. Of members of one name
 * the last one counts. *out is borrowed from the text. False when there is no such value. */
bool json_slice(struct str text, struct str path, struct str *out);

#endif
