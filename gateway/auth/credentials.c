/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/credentials.h"

#include <string.h>
#include <strings.h>

bool credentials_bearer(struct str authorization, struct str *token)
{
    static const char scheme[] = "Bearer ";
    const size_t len = sizeof scheme - 1;
    const struct str text = str_trim(authorization);
    if (text.len < len || strncasecmp(text.p, scheme, len) != 0) {
        return false;
    }
    *token = str_trim((struct str){text.p + len, text.len - len});
    return true;
}

/* Takes what stands before the next separator, or all of it. */
static struct str take(struct str *list, char separator)
{
    const char *end = list->len != 0 ? memchr(list->p, separator, list->len) : NULL;
    const struct str item = {list->p, end != NULL ? (size_t)(end - list->p) : list->len};
    const size_t step = end != NULL ? item.len + 1 : item.len;
    *list = (struct str){list->p + step, list->len - step};
    return str_trim(item);
}

size_t credentials_cookie(struct str line, struct str *token)
{
    static const char name[] = CREDENTIALS_COOKIE "=";
    const size_t len = sizeof name - 1;
    size_t count = 0;
    while (line.len != 0) {
        const struct str pair = take(&line, ';');
        if (pair.len >= len && memcmp(pair.p, name, len) == 0) {
            *token = (struct str){pair.p + len, pair.len - len};
            count++;
        }
    }
    return count;
}

bool credentials_next_name(struct str *list, struct str *name)
{
    while (list->len != 0) {
        *name = take(list, ',');
        if (name->len != 0) {
            return true;
        }
    }
    return false;
}
