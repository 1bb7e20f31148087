/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

bool ip_parse(struct str text, struct ip *out)
{
    char copy[IP_TEXT_SIZE];
    if (text.p == NULL || text.len >= sizeof copy || memchr(text.p, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    struct ip ip;
    if (inet_pton(AF_INET6, copy, ip.bytes) != 1) {
        memcpy(ip.bytes, v4_prefix, sizeof v4_prefix);
        if (inet_pton(AF_INET, copy, ip.bytes + sizeof v4_prefix) != 1) {
            return false;
        }
    }
    *out = ip;
    return true;
}

/* Returns ip with all but its first bits set to zero. */
static struct ip masked(const struct ip *ip, unsigned bits)
{
    struct ip result = {{0}};
    for (unsigned i = 0; i < sizeof result.bytes && i * 8 < bits; i++) {
        const unsigned left = bits - i * 8;
        result.bytes[i] =
            (uint8_t)(left >= 8 ? ip->bytes[i] : ip->bytes[i] & (0xffU << (8 - left)));
    }
    return result;
}

static bool parse_bits(struct str text, unsigned max, unsigned *out)
{
    unsigned bits = 0;
    if (text.len == 0 || text.len > 3) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        bits = bits * 10 + (unsigned)(text.p[i] - '0');
    }
    *out = bits;
    return bits <= max;
}

bool ip_range_parse(struct str text, struct ip_range *out)
{
    if (text.p == NULL) {
        return false;
    }
    const char *slash = memchr(text.p, '/', text.len);
    const size_t len = slash != NULL ? (size_t)(slash - text.p) : text.len;
    struct ip_range range = {.bits = 128};
    if (!ip_parse((struct str){text.p, len}, &range.ip)) {
        return false;
    }
    if (slash != NULL) {
        const bool dotted = memchr(text.p, ':', len) == NULL;
        if (!parse_bits((struct str){slash + 1, text.len - len - 1}, dotted ? 32 : 128,
                        &range.bits)) {
            return false;
        }
        range.bits += dotted ? 96 : 0;
        const struct ip rest = masked(&range.ip, range.bits);
        if (memcmp(&rest, &range.ip, sizeof rest) != 0) {
            return false;
        }
    }
    *out = range;
    return true;
}

bool ip_range_contains(const struct ip_range *range, const struct ip *ip)
{
    const struct ip prefix = masked(ip, range->bits);
    return memcmp(&prefix, &range->ip, sizeof prefix) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const struct ip v6_loopback = {{[15] = 1}};
    return is_v4(ip) ? ip->bytes[12] == 127 : memcmp(ip, &v6_loopback, sizeof *ip) == 0;
}

bool ip_is_any(const struct ip *ip)
{
    static const uint8_t zeros[16] = {0};
    return is_v4(ip) ? memcmp(ip->bytes + 12, zeros, 4) == 0 : memcmp(ip->bytes, zeros, 16) == 0;
}

char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE])
{
    const bool v4 = is_v4(ip);
    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->bytes + 12 : ip->bytes, out, IP_TEXT_SIZE) ==
        NULL) {
        out[0] = '\0';
    }
    return out;
}
