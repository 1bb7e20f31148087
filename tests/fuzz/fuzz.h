/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fuzz target includes. A target is one function, LLVMFuzzerTestOneInput, in a file
 * fuzz_NAME.c. It is linked twice:
 *
 *   preset fuzz        with libFuzzer, which makes up inputs          scripts/fuzz
 *   all other presets  with replay.c, which takes those of the corpus  the unit test fuzz/NAME
 *
 * A target checks what must hold for any input with FUZZ_CHECK, which ends the program. It says
 * with fuzz_took that the input was a good one, and not merely refused: replay.c holds the files of
 * the corpus that are called good-* to that, so that they do not become useless unnoticed.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ends the program when the condition does not hold, also in builds without assert. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* Says that the input under way was accepted. */
void fuzz_took(void);

/* True when fuzz_took was called since the last call of this. */
bool fuzz_was_taken(void);

/* The input as text. It is not empty memory, even when it is empty. */
struct str fuzz_text(const uint8_t *data, size_t len);

/* Each takes a part off the front of the input; what is not there is empty. */
unsigned fuzz_take_byte(struct str *input);              /* 0 to 255; 0 at the end */
struct str fuzz_take_until(struct str *input, char end); /* up to `end`, which goes, too */
struct str fuzz_take_line(struct str *input);            /* up to a line feed, which goes, too */
struct str fuzz_take_value(struct str *input);           /* one MessagePack value */
struct str fuzz_take_counted(struct str *input); /* two bytes of length, and so many bytes */

/* Ends the program unless both hold the same bytes. */
void fuzz_check_same(const struct buf *a, const struct buf *b);

#endif
