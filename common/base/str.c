/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/str.h"

/*
 * Both are walked through together. At a mismatch the last star takes one byte more of the text,
 * and the walk goes on behind both:
 *
 *   pattern   o r d * e n
 *                   ▲ star
 *   text      o r d e r s . o p e n
 *                   └─────────┘ ▲ star_text: by now the star stands for the six bytes before it
 *
 * No earlier star is ever tried again, because the first place where the pattern between two stars
 * fits is as good as any later one.
 */
bool str_glob(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = pattern.len;
    size_t star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.p[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.len && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star < pattern.len) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.len;
}
