/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/codec/mp_check.h"

static bool taken;

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

void fuzz_took(void)
{
    taken = true;
}

bool fuzz_was_taken(void)
{
    const bool was = taken;
    taken = false;
    return was;
}

struct str fuzz_text(const uint8_t *data, size_t len)
{
    return (struct str){len != 0 ? (const char *)data : "", len};
}

/* Takes `len` bytes off, and `skip` behind them. */
static struct str take(struct str *input, size_t len, size_t skip)
{
    const struct str taken_off = {input->p, len};
    *input = (struct str){input->p + len + skip, input->len - len - skip};
    return taken_off;
}

unsigned fuzz_take_byte(struct str *input)
{
    return input->len != 0 ? (unsigned char)take(input, 1, 0).p[0] : 0;
}

struct str fuzz_take_until(struct str *input, char end)
{
    const char *at = input->len != 0 ? memchr(input->p, end, input->len) : NULL;
    return at != NULL ? take(input, (size_t)(at - input->p), 1) : take(input, input->len, 0);
}

struct str fuzz_take_line(struct str *input)
{
    return fuzz_take_until(input, '\n');
}

struct str fuzz_take_value(struct str *input)
{
    return take(input, mp_length(input->p, input->len), 0);
}

struct str fuzz_take_counted(struct str *input)
{
    const size_t high = fuzz_take_byte(input);
    const size_t len = high << 8 | fuzz_take_byte(input);
    return take(input, len < input->len ? len : input->len, 0);
}

void fuzz_check_same(const struct buf *a, const struct buf *b)
{
    FUZZ_CHECK(str_equal(buf_str(a), buf_str(b)));
}
