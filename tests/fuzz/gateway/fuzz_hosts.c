/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a gateway is asked under: neither case nor a port changes whether a name is the
 * gateway's, and what is malformed is not. Input: lines of the header Host, and of a target. */
#include <ctype.h>

#include "gateway/http/hosts.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = {"tiles.example.org", "[fd00::5]", "192.0.2.7"};
static const struct hosts hosts = {names, 3, false, true};

static bool have(const struct buf *host)
{
    return host_valid(buf_str(host)) && hosts_have(&hosts, buf_str(host));
}

static void check_host(struct str host)
{
    struct buf upper = {0};
    struct buf port = {0};
    const bool own = host_valid(host) && hosts_have(&hosts, host);
    for (size_t i = 0; i < host.len; i++) {
        buf_append_char(&upper, (char)toupper((unsigned char)host.p[i]));
    }
    FUZZ_CHECK(have(&upper) == own);
    if (own) {
        fuzz_took();
        FUZZ_CHECK(memchr(host.p, '\0', host.len) == NULL && memchr(host.p, '@', host.len) == NULL);
        buf_append_str(&port, host);
        buf_append_text(&port, host.p[host.len - 1] == ':' ? "80" : "");
        FUZZ_CHECK(have(&port));
    }
    buf_free(&port);
    buf_free(&upper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    struct buf target = {0};
    struct str host = STR_NULL;
    check_host(fuzz_take_line(&input));
    buf_append_str(&target, input);
    const char *text = buf_cstr(&target);
    const size_t length = host_of_target(text, &host);
    FUZZ_CHECK(length <= strlen(text) && (length == 0) == (host.p == NULL));
    if (length != 0) {
        FUZZ_CHECK(host.p + host.len == text + length && memchr(host.p, '/', host.len) == NULL);
        check_host(host);
    }
    buf_free(&target);
    return 0;
}
