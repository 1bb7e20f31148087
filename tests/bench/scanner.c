/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/scanner.h"

#include <stdlib.h>
#include <string.h>

void scanner_reset(struct scanner *scanner)
{
    *scanner = (struct scanner){.digits = -1};
}

void scanner_stamps(struct scanner *scanner, const char *data, size_t len,
                    void (*stamped)(void *arg, uint64_t stamp), void *arg)
{
    const char *const end = data + len;
    while (data < end) {
        if (scanner->digits < 0) {
            data = memchr(data, '~', (size_t)(end - data));
            if (data == NULL) {
                return;
            }
            data++;
            scanner->digits = 0;
            scanner->stamp = 0;
        } else if (scanner->digits < STAMP_DIGITS && *data >= '0' && *data <= '9') {
            scanner->stamp = scanner->stamp * 10 + (uint64_t)(*data++ - '0');
            scanner->digits++;
        } else {
            if (scanner->digits == STAMP_DIGITS && *data == '~') {
                stamped(arg, scanner->stamp);
                data++;
            }
            scanner->digits = -1; /* a tilde that is the wrong one may begin a stamp */
        }
    }
}

bool scanner_text(struct scanner *scanner, const char *data, size_t len, const char *text,
                  size_t text_len)
{
    for (size_t i = 0; i < len && !scanner->found; i++) {
        if (data[i] != text[scanner->matched]) {
            scanner->matched = 0;
        }
        if (data[i] == text[scanner->matched] && ++scanner->matched == text_len) {
            scanner->found = true;
            return true;
        }
    }
    return false;
}

size_t answer_length(const char *data, size_t len)
{
    static const char field[] = "content-length:";
    const char *const head_end = memmem(data, len, "\r\n\r\n", 4);
    if (head_end == NULL) {
        return 0;
    }
    const size_t head = (size_t)(head_end - data) + 4;
    if (len >= 12 && memcmp(data + 8, " 304", 4) == 0) {
        return head;
    }
    for (const char *line = data; line < head_end;) {
        const char *const line_end = memmem(line, (size_t)(head_end - line) + 2, "\r\n", 2);
        if (strncasecmp(line, field, sizeof field - 1) == 0) {
            const size_t whole = head + strtoul(line + sizeof field - 1, NULL, 10);
            return whole <= len ? whole : 0;
        }
        line = line_end + 2;
    }
    return SIZE_MAX;
}
