/* SPDX-License-Identifier: Apache-2.0 */
/* How what others said is printed: no character of it is a command to the terminal (see
 * common/base/printable.h). */
#ifndef CTL_BASE_PRINT_H
#define CTL_BASE_PRINT_H

#include <stdio.h>

#include "common/base/str.h"

/* Prints a text, in which commands become blanks. */
void print_text(FILE *out, struct str text);

/* Prints JSON, in which commands are escaped. */
void print_json(FILE *out, struct str json);

#endif
