/* SPDX-License-Identifier: Apache-2.0 */
/* Who the client is behind proxies: what somebody wrote who is not trusted never counts. Input:
 * lines of the peer's address, X-Forwarded-For, and Forwarded. */
#include "gateway/http/forwarded.h"
#include "tests/fuzz/fuzz.h"

static struct ip_range trusted_ranges[2]; /* 10.0.0.0/8 and fd00::/8 */

static bool same(struct ip a, struct ip b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool is_trusted(const struct ip *ip)
{
    return ip_range_contains(&trusted_ranges[0], ip) || ip_range_contains(&trusted_ranges[1], ip) ||
           same(*ip, forwarded_socket);
}

/* Somebody sends such a header himself, before the proxies add to it. */
static void check_forged(struct ip peer, struct str list, bool elements, struct ip client)
{
    const struct forwarded_proxies trusted = {trusted_ranges, 2, true};
    struct buf forged = {0};
    buf_append_text(&forged, elements ? "for=10.6.6.6, for=6.6.6.6," : "10.6.6.6, 6.6.6.6,");
    buf_append_str(&forged, list);
    const struct ip got = elements ? forwarded_client(peer, STR(""), buf_str(&forged), trusted)
                                   : forwarded_client(peer, buf_str(&forged), STR(""), trusted);
    FUZZ_CHECK(same(got, client));
    buf_free(&forged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct forwarded_proxies trusted = {trusted_ranges, 2, true};
    struct str input = fuzz_text(data, len);
    const struct str peer_text = fuzz_take_line(&input);
    const struct str list = fuzz_take_line(&input);
    const struct str elements = fuzz_take_line(&input);
    struct ip peer;
    struct ip again;
    char text[IP_TEXT_SIZE];
    FUZZ_CHECK(ip_range_parse(STR("10.0.0.0/8"), &trusted_ranges[0]) &&
               ip_range_parse(STR("fd00::/8"), &trusted_ranges[1]));
    if (!forwarded_parse_node(peer_text, &peer)) {
        return 0;
    }
    const struct ip client = forwarded_client(peer, list, elements, trusted);
    FUZZ_CHECK(ip_parse(str_of(ip_format(&client, text)), &again) && same(client, again));
    FUZZ_CHECK(is_trusted(&peer) || same(client, peer));
    if (!same(client, peer)) {
        fuzz_took();
    }
    const struct ip by_list = forwarded_client(peer, list, STR(""), trusted);
    if (list.len != 0 && !is_trusted(&by_list)) {
        check_forged(peer, list, false, by_list);
    }
    const struct ip by_elements = forwarded_client(peer, STR(""), elements, trusted);
    if (elements.len != 0 && !is_trusted(&by_elements)) {
        check_forged(peer, elements, true, by_elements);
    }
    return 0;
}
