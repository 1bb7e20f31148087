/* SPDX-License-Identifier: Apache-2.0 */
/* What every program checks of its command line before anything reads it. */
#ifndef COMMON_PROGRAM_ARGUMENTS_H
#define COMMON_PROGRAM_ARGUMENTS_H

#include <stdbool.h>

/* False, after a message, when an argument holds what a terminal does not print, but takes for a
 * command (printable.h): argp repeats in its messages what it does not know. The process has to end
 * then, with PROGRAM_EXIT_USAGE. */
bool arguments_check(int argc, char **argv);

#endif
