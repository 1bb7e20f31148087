/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/redis/redis_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool parse_number(struct str text, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned digit = (unsigned)(text.p[i] - '0');
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out = number;
    return text.len != 0;
}

bool redis_id_parse(struct str text, struct redis_id *out)
{
    const char *dash = text.len != 0 ? memchr(text.p, '-', text.len) : NULL;
    if (dash == NULL) {
        return false;
    }
    const size_t before = (size_t)(dash - text.p);
    return parse_number((struct str){text.p, before}, &out->ms) &&
           parse_number((struct str){dash + 1, text.len - before - 1}, &out->seq);
}

const char *redis_id_format(struct redis_id id, char out[REDIS_ID_SIZE])
{
    snprintf(out, REDIS_ID_SIZE, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    return out;
}

int redis_id_compare(struct redis_id a, struct redis_id b)
{
    const int by_ms = (a.ms > b.ms) - (a.ms < b.ms);
    return by_ms != 0 ? by_ms : (a.seq > b.seq) - (a.seq < b.seq);
}
