/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed piece of text: bytes that somebody else owns, and keeps for as long as the struct is
 * used. It is not NUL-terminated, and may hold any bytes.
 *
 * The folder common/base is what C lacks: text, buffers, memory, times, failures, hashes, heaps. It
 * stands on nothing but the C library, and has no idea of what Tilewire is, but for the names of an
 * event's fields.
 */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *p; /* NULL means absent (as SQL NULL), which is not the empty string */
    size_t len;    /* Its bytes, without a NUL. */
};

#define STR_NULL ((struct str){NULL, 0})
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

/* Borrows a C string, or NULL. */
static inline struct str str_of(const char *text)
{
    return (struct str){text, text != NULL ? strlen(text) : 0};
}

/* Absent text equals only absent text. */
static inline bool str_equal(struct str a, struct str b)
{
    if (a.p == NULL || b.p == NULL) {
        return a.p == b.p;
    }
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* The text without the spaces and tabs around it. */
static inline struct str str_trim(struct str text)
{
    while (text.len != 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text = (struct str){text.p + 1, text.len - 1};
    }
    while (text.len != 0 && (text.p[text.len - 1] == ' ' || text.p[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* True when the text is there and is this C string. */
static inline bool str_is(struct str a, const char *text)
{
    return a.p != NULL && str_equal(a, str_of(text));
}

/* True when the text matches the pattern, in which `*` stands for any run of bytes, even an empty
 * one. Takes time in proportion to the product of both lengths at worst, and close to their sum in
 * practice, because only the last star is ever tried again. */
bool str_glob(struct str pattern, struct str text);

#endif
