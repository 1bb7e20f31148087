/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/hosts.h"

#include <string.h>
#include <strings.h>

#include "common/base/ip.h"

/* What stands before the port, with the brackets of an IPv6 address. */
static struct str name_of(struct str host)
{
    if (host.len == 0) { /* HTTP/1.0 has no Host */
        return STR("");
    }
    const char *close = host.p[0] == '[' ? memchr(host.p, ']', host.len) : NULL;
    const char *end = close != NULL ? close + 1 : memchr(host.p, ':', host.len);
    return (struct str){host.p, end != NULL ? (size_t)(end - host.p) : host.len};
}

/* An IPv6 address counts only in brackets. */
static bool read_address(struct str name, struct ip *out)
{
    if (name.len > 2 && name.p[0] == '[' && name.p[name.len - 1] == ']') {
        const struct str inner = {name.p + 1, name.len - 2};
        return memchr(inner.p, ':', inner.len) != NULL && ip_parse(inner, out);
    }
    return memchr(name.p, ':', name.len) == NULL && ip_parse(name, out);
}

static bool all_of(struct str text, const char *chars)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\0' || strchr(chars, text.p[i]) == NULL) {
            return false;
        }
    }
    return true;
}

bool host_valid(struct str host)
{
    static const char of_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-._~!$&'()*+,;=%";
    struct ip ip;
    if (host.len == 0) {
        return true;
    }
    const struct str name = name_of(host);
    const struct str port = {host.p + name.len, host.len - name.len};
    if (name.len == 0) {
        return false;
    }
    if (port.len != 0 &&
        (port.p[0] != ':' || !all_of((struct str){port.p + 1, port.len - 1}, "0123456789"))) {
        return false;
    }
    return name.p[0] == '[' ? read_address(name, &ip) : all_of(name, of_names);
}

static bool same_name(struct str a, struct str b)
{
    struct ip x;
    struct ip y;
    if (read_address(a, &x) && read_address(b, &y)) {
        return memcmp(&x, &y, sizeof x) == 0;
    }
    a.len -= a.len != 0 && a.p[a.len - 1] == '.';
    b.len -= b.len != 0 && b.p[b.len - 1] == '.';
    return a.len != 0 && a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

bool hosts_have(const struct hosts *hosts, struct str host)
{
    const struct str name = name_of(host);
    struct ip ip;
    if (hosts->any) {
        return true;
    }
    if (hosts->loopback &&
        (same_name(name, STR("localhost")) || (read_address(name, &ip) && ip_is_loopback(&ip)))) {
        return true;
    }
    for (size_t i = 0; i < hosts->count; i++) {
        if (same_name(name, str_of(hosts->names[i]))) {
            return true;
        }
    }
    return false;
}

size_t host_of_target(const char *target, struct str *host)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const size_t len = strlen(schemes[i]);
        if (strncasecmp(target, schemes[i], len) == 0) {
            *host = (struct str){target + len, strcspn(target + len, "/?#")};
            return len + host->len;
        }
    }
    return 0;
}
