/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/forwarded.h"

#include <string.h>
#include <strings.h>

const struct ip forwarded_socket;

static bool is_port(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.len != 0 && text.len <= 5;
}

bool forwarded_parse_node(struct str text, struct ip *out)
{
    text = str_trim(text);
    if (text.len >= 2 && text.p[0] == '"' && text.p[text.len - 1] == '"') {
        text = (struct str){text.p + 1, text.len - 2};
    }
    if (text.len != 0 && text.p[0] == '[') {
        const char *close = memchr(text.p, ']', text.len);
        if (close == NULL) {
            return false;
        }
        const size_t inside = (size_t)(close - text.p) - 1;
        const struct str rest = {close + 1, text.len - inside - 2};
        return (rest.len == 0 ||
                (rest.p[0] == ':' && is_port((struct str){rest.p + 1, rest.len - 1}))) &&
               ip_parse((struct str){text.p + 1, inside}, out);
    }
    const char *colon = text.len != 0 ? memchr(text.p, ':', text.len) : NULL;
    if (colon != NULL) {
        const size_t before = (size_t)(colon - text.p);
        const struct str port = {colon + 1, text.len - before - 1};
        if (is_port(port) && memchr(text.p, '.', before) != NULL) {
            text.len = before;
        }
    }
    return ip_parse(text, out);
}

/* Takes the last element off the list, from behind its last comma. */
static struct str take_last(struct str *list)
{
    size_t begin = list->len;
    while (begin != 0 && list->p[begin - 1] != ',') {
        begin--;
    }
    const struct str last = {list->p + begin, list->len - begin};
    list->len = begin != 0 ? begin - 1 : 0;
    return last;
}

/* The value of `for` in an element of Forwarded: "for=192.0.2.60;proto=http;by=203.0.113.43". */
static struct str for_parameter(struct str element)
{
    while (element.len != 0) {
        const char *semicolon = memchr(element.p, ';', element.len);
        const size_t len = semicolon != NULL ? (size_t)(semicolon - element.p) : element.len;
        const struct str pair = str_trim((struct str){element.p, len});
        if (pair.len > 4 && strncasecmp(pair.p, "for=", 4) == 0) {
            return (struct str){pair.p + 4, pair.len - 4};
        }
        const size_t used = semicolon != NULL ? len + 1 : len;
        element = (struct str){element.p + used, element.len - used};
    }
    return STR("");
}

bool forwarded_trusts(struct forwarded_proxies trusted, const struct ip *ip)
{
    for (size_t i = 0; i < trusted.count; i++) {
        if (ip_range_contains(&trusted.list[i], ip)) {
            return true;
        }
    }
    return trusted.sockets && memcmp(ip, &forwarded_socket, sizeof *ip) == 0;
}

static struct ip follow(struct ip ip, struct str list, bool elements,
                        struct forwarded_proxies trusted)
{
    while (list.len != 0 && forwarded_trusts(trusted, &ip)) {
        struct str node = take_last(&list);
        struct ip next;
        if (elements) {
            node = for_parameter(node);
        }
        if (!forwarded_parse_node(node, &next) || ip_is_any(&next)) {
            /* It is "unknown", or a name of the proxy's own: nobody is known beyond who told us. */
            break;
        }
        ip = next;
    }
    return ip;
}

struct ip forwarded_client(struct ip peer, struct str x_forwarded_for, struct str forwarded,
                           struct forwarded_proxies trusted)
{
    const struct ip one = follow(peer, x_forwarded_for, false, trusted);
    const struct ip other = follow(peer, forwarded, true, trusted);
    if (x_forwarded_for.len == 0 || forwarded.len == 0) {
        return x_forwarded_for.len == 0 ? other : one;
    }
    return memcmp(&one, &other, sizeof one) == 0 ? one : peer;
}
