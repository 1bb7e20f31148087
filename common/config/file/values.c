/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS_MAX (INT64_C(100) * 366 * 24 * 3600 * 1000)

struct unit {
    const char *name;
    int64_t factor;
};

/* From the largest to the smallest, for the shortest way to write a value. */
static const struct unit time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit size_units[] = {
    {"GiB", 1 << 30},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits from the front of *text; false when there are none or too many. */
static bool take_digits(struct str *text, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    while (i < text->len && is_digit(text->p[i])) {
        if (i == 18) {
            return false;
        }
        value = value * 10 + (text->p[i] - '0');
        i++;
    }
    text->p += i;
    text->len -= i;
    *out = value;
    return i > 0;
}

static int64_t unit_factor(const struct unit *units, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(name, units[i].name)) {
            return units[i].factor;
        }
    }
    return 0;
}

bool config_duration_parse(struct str text, int64_t *out_ms)
{
    int64_t whole = 0;
    int64_t fraction = 0;
    int64_t scale = 1;
    if (text.p == NULL || !take_digits(&text, &whole) || whole > MS_MAX) {
        return false;
    }
    if (text.len > 0 && text.p[0] == '.') {
        text.p++;
        const size_t before = --text.len;
        if (!take_digits(&text, &fraction) || before - text.len > 9) {
            return false;
        }
        for (size_t i = text.len; i < before; i++) {
            scale *= 10;
        }
    }
    const size_t count = sizeof time_units / sizeof time_units[0];
    const int64_t factor =
        text.len == 0 && whole == 0 && fraction == 0 ? 1 : unit_factor(time_units, count, text);
    if (factor == 0 || whole > MS_MAX / factor || fraction * factor % scale != 0) {
        return false;
    }
    *out_ms = whole * factor + fraction * factor / scale;
    return true;
}

static char *format_units(int64_t value, const struct unit *units, size_t count,
                          char out[CONFIG_VALUE_TEXT_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        if (value != 0 && value % units[i].factor == 0) {
            snprintf(out, CONFIG_VALUE_TEXT_SIZE, "%" PRId64 "%s", value / units[i].factor,
                     units[i].name);
            return out;
        }
    }
    snprintf(out, CONFIG_VALUE_TEXT_SIZE, "%" PRId64, value);
    return out;
}

char *config_duration_format(int64_t ms, char out[CONFIG_VALUE_TEXT_SIZE])
{
    return format_units(ms, time_units, sizeof time_units / sizeof time_units[0], out);
}

bool config_size_parse(struct str text, int64_t *out_bytes)
{
    int64_t value = 0;
    if (text.p == NULL || !take_digits(&text, &value)) {
        return false;
    }
    const size_t count = sizeof size_units / sizeof size_units[0];
    const int64_t factor = text.len == 0 ? 1 : unit_factor(size_units, count, text);
    if (factor == 0 || value > INT64_MAX / factor) {
        return false;
    }
    *out_bytes = value * factor;
    return true;
}

char *config_size_format(int64_t bytes, char out[CONFIG_VALUE_TEXT_SIZE])
{
    return format_units(bytes, size_units, sizeof size_units / sizeof size_units[0], out);
}

bool config_whole_number_parse(struct str text, int64_t *out)
{
    int64_t value = 0;
    if (text.p == NULL) {
        return false;
    }
    const bool negative = text.len > 0 && text.p[0] == '-';
    text.p += negative;
    text.len -= negative;
    if (!take_digits(&text, &value) || text.len > 0) {
        return false;
    }
    *out = negative ? -value : value;
    return true;
}

static bool take_port(struct str text, uint16_t *out)
{
    int64_t port = 0;
    if (!take_digits(&text, &port) || text.len > 0 || port < 1 || port > 65535) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool host_name_valid(struct str host)
{
    if (host.len == 0 || host.len > 253) {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        const char c = host.p[i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            strchr(".-_", c) == NULL) {
            return false;
        }
    }
    return true;
}

const char *config_host_port_parse(struct str text, struct config_endpoint *out)
{
    const char *colon = text.len > 0 ? memrchr(text.p, ':', text.len) : NULL;
    struct config_endpoint e = {.host = text};
    if (colon == NULL ||
        !take_port((struct str){colon + 1, text.len - (size_t)(colon - text.p) - 1}, &e.port)) {
        return "a port from 1 to 65535 at its end, after a colon";
    }
    e.host.len = (size_t)(colon - text.p);
    const bool brackets = e.host.len >= 2 && e.host.p[0] == '[' && e.host.p[e.host.len - 1] == ']';
    if (brackets) {
        e.host.p++;
        e.host.len -= 2;
    }
    e.wildcard = str_is(e.host, "*") && !brackets;
    e.numeric = ip_parse(e.host, &e.ip);
    if (!e.wildcard && !brackets && memchr(e.host.p, ':', e.host.len) != NULL) {
        return "an IPv6 address in brackets, such as [::1]:8080";
    }
    if (brackets && (!e.numeric || memchr(e.host.p, ':', e.host.len) == NULL)) {
        return "an IPv6 address between the brackets";
    }
    if (!e.wildcard && !e.numeric && !host_name_valid(e.host)) {
        return "a host before the port: an IP address, a name, or *";
    }
    *out = e;
    return NULL;
}

const char *config_endpoint_parse(struct str text, struct config_endpoint *out)
{
    static const struct str tcp = {"tcp://", 6};
    static const struct str ipc = {"ipc://", 6};
    if (text.len >= tcp.len && memcmp(text.p, tcp.p, tcp.len) == 0) {
        return config_host_port_parse((struct str){text.p + tcp.len, text.len - tcp.len}, out);
    }
    if (text.len < ipc.len || memcmp(text.p, ipc.p, ipc.len) != 0) {
        return "tcp://HOST:PORT or ipc:///PATH";
    }
    /* 108 bytes are what a Unix socket's address holds. */
    if (text.len < ipc.len + 2 || text.p[ipc.len] != '/' || text.len - ipc.len > 107) {
        return "an absolute path of at most 107 bytes after ipc://, such as ipc:///run/tilewire/x";
    }
    *out = (struct config_endpoint){.ipc = true};
    return NULL;
}

bool config_curve_key_valid(struct str text)
{
    if (text.p == NULL || text.len != 40) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.p[i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            (c == '\0' || strchr(".-:+=^!/*?&<>()[]{}@%$#", c) == NULL)) {
            return false;
        }
    }
    return true;
}

#define DISTANCE_TEXT_MAX 64

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

unsigned config_edit_distance(struct str a, struct str b, unsigned limit)
{
    /* rows[i][j]: distance of the first i bytes of a and the first j of b; three rows are enough.
     */
    unsigned rows[3][DISTANCE_TEXT_MAX + 1];
    if (a.len > DISTANCE_TEXT_MAX || b.len > DISTANCE_TEXT_MAX) {
        return limit + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            const char x = lower(a.p[i - 1]);
            const char y = lower(b.p[j - 1]);
            unsigned best = before[j - 1] + (x != y);
            best = before[j] + 1 < best ? before[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2])) {
                const unsigned swapped = rows[(i + 1) % 3][j - 2] + 1;
                best = swapped < best ? swapped : best;
            }
            row[j] = best;
        }
    }
    const unsigned distance = rows[a.len % 3][b.len];
    return distance > limit ? limit + 1 : distance;
}

bool config_similar(struct str a, struct str b)
{
    const unsigned limit = (unsigned)(a.len > b.len ? a.len : b.len) / 3;
    return limit > 0 && config_edit_distance(a, b, limit) <= limit;
}
