/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/encoding.h"

#include <string.h>
#include <strings.h>

/* Takes what stands before the separator off the text. */
static struct str take(struct str *rest, char separator)
{
    const char *end = rest->len != 0 ? memchr(rest->p, separator, rest->len) : NULL;
    const size_t len = end != NULL ? (size_t)(end - rest->p) : rest->len;
    const struct str part = {rest->p, len};
    const size_t used = end != NULL ? len + 1 : len;
    *rest = (struct str){rest->p + used, rest->len - used};
    return str_trim(part);
}

static bool is_word(struct str text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.p, word, text.len) == 0;
}

/* A weight in thousandths. It is written "0", "1", "0.5" or "1.000", with at most three digits
 * behind the point. */
static int weight(struct str text)
{
    if (text.len == 0 || text.p[0] < '0' || text.p[0] > '1') {
        return 1000;
    }
    int thousandths = (text.p[0] - '0') * 1000;
    int digit = 100;
    for (size_t i = 2; i < text.len && i < 5 && text.p[1] == '.'; i++, digit /= 10) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return 1000;
        }
        thousandths += (text.p[i] - '0') * digit;
    }
    return thousandths < 1000 ? thousandths : 1000;
}

void encoding_take_line(struct encoding_weights *accepted, struct str line)
{
    while (line.len != 0) {
        struct str element = take(&line, ',');
        const struct str coding = take(&element, ';');
        int q = 1000;
        while (element.len != 0) {
            const struct str pair = take(&element, ';');
            if (pair.len >= 2 && strncasecmp(pair.p, "q=", 2) == 0) {
                q = weight((struct str){pair.p + 2, pair.len - 2});
            }
        }
        if (is_word(coding, "gzip") || is_word(coding, "x-gzip")) {
            accepted->gzip = q;
        } else if (is_word(coding, "identity")) {
            accepted->identity = q;
        } else if (is_word(coding, "*")) {
            accepted->any = q;
        }
    }
}

bool encoding_wants_gzip(const struct encoding_weights *accepted)
{
    const int gzip = accepted->gzip >= 0 ? accepted->gzip : accepted->any;
    return gzip > 0 && gzip >= accepted->identity;
}
