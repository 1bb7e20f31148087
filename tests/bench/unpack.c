/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/unpack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* its input is const */
#include <zlib.h>

#define TEXT_BYTES (64 * 1024)

/* Where the next byte stands. */
enum place {
    IN_HEAD,
    IN_SIZE,
    IN_CHUNK,
    BEHIND_CHUNK, /* the end of its line */
};

struct unpacker {
    enum place place;
    size_t matched; /* IN_HEAD: bytes of its end */
    size_t size;    /* of the chunk, as far as it is read; then what is left of it */
    z_stream z;
};

struct unpacker *unpack_begin(void)
{
    struct unpacker *unpacker = calloc(1, sizeof *unpacker);
    if (unpacker != NULL && inflateInit2(&unpacker->z, MAX_WBITS + 16) != Z_OK) {
        free(unpacker);
        unpacker = NULL;
    }
    return unpacker;
}

void unpack_end(struct unpacker **unpacker)
{
    if (*unpacker != NULL) {
        (void)inflateEnd(&(*unpacker)->z);
        free(*unpacker);
        *unpacker = NULL;
    }
}

static bool inflate_all(struct unpacker *unpacker, const char *data, size_t len,
                        void (*take)(void *arg, const char *text, size_t len), void *arg)
{
    static char text[TEXT_BYTES];
    z_stream *z = &unpacker->z;
    z->next_in = (const Bytef *)data;
    z->avail_in = (uInt)len;
    do {
        z->next_out = (Bytef *)text;
        z->avail_out = sizeof text;
        const int status = inflate(z, Z_SYNC_FLUSH);
        if (status != Z_OK && status != Z_BUF_ERROR) {
            return false;
        }
        take(arg, text, sizeof text - z->avail_out);
    } while (z->avail_out == 0);
    return z->avail_in == 0;
}

/* One byte of what stands around the chunks. */
static bool step(struct unpacker *unpacker, char c)
{
    static const char head_end[] = "\r\n\r\n";
    const char *digits = "0123456789abcdef";
    if (unpacker->place == IN_HEAD) {
        unpacker->matched = c == head_end[unpacker->matched] ? unpacker->matched + 1 : c == '\r';
        if (unpacker->matched == strlen(head_end)) {
            unpacker->place = IN_SIZE;
        }
        return true;
    }
    if (unpacker->place == BEHIND_CHUNK) {
        unpacker->place = c == '\n' ? IN_SIZE : BEHIND_CHUNK;
        return c == '\r' || c == '\n';
    }
    if (c == '\n') {
        unpacker->place = unpacker->size != 0 ? IN_CHUNK : BEHIND_CHUNK;
        return true;
    }
    const char *digit = c != '\0' ? strchr(digits, c) : NULL;
    if (digit != NULL) {
        unpacker->size = unpacker->size * 16 + (size_t)(digit - digits);
    }
    return digit != NULL || c == '\r';
}

bool unpack(struct unpacker *unpacker, const char *data, size_t len,
            void (*take)(void *arg, const char *text, size_t len), void *arg)
{
    while (len != 0) {
        if (unpacker->place != IN_CHUNK) {
            if (!step(unpacker, *data)) {
                return false;
            }
            data++;
            len--;
            continue;
        }
        const size_t part = len < unpacker->size ? len : unpacker->size;
        if (!inflate_all(unpacker, data, part, take, arg)) {
            return false;
        }
        data += part;
        len -= part;
        unpacker->size -= part;
        unpacker->place = unpacker->size == 0 ? BEHIND_CHUNK : IN_CHUNK;
    }
    return true;
}
