/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire check FILE`: whether a configuration is right. */
#ifndef CTL_COMMANDS_CHECK_H
#define CTL_COMMANDS_CHECK_H

#include <stdio.h>

/* Prints `FILE: ok, N tiles` to out, or the message that the programs would end with to err.
 * Returns the exit status: 0, or 2 when the file is wrong. Reads nothing but the file: neither
 * secrets nor the database. */
int check_file(const char *file, FILE *out, FILE *err);

#endif
