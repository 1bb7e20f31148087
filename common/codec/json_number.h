/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as JSON writes them. Pure. */
#ifndef COMMON_CODEC_JSON_NUMBER_H
#define COMMON_CODEC_JSON_NUMBER_H

#include <stddef.h>

/* Bytes that json_number_text needs. */
#define JSON_NUMBER_SIZE 32

/* Writes a finite number with as many significant digits as are needed to read the same double
 * again: 15, 16 or 17. Returns the length; a NUL follows. */
size_t json_number_text(double number, char out[JSON_NUMBER_SIZE]);

#endif
