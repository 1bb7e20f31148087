/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/origin.h"

#include <string.h>
#include <strings.h>

/* Host and port of an origin, without the port that its scheme has by default. */
static struct str host_of(const char *origin)
{
    static const struct {
        const char *scheme;
        const char *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const size_t scheme = strlen(schemes[i].scheme);
        if (strncasecmp(origin, schemes[i].scheme, scheme) == 0) {
            const struct str host = str_of(origin + scheme);
            const size_t port = strlen(schemes[i].port);
            const bool own =
                host.len > port && strcmp(host.p + host.len - port, schemes[i].port) == 0;
            return (struct str){host.p, own ? host.len - port : host.len};
        }
    }
    return STR_NULL;
}

bool origin_is_own(const struct request *request, const char *origin)
{
    const struct str host = request->host;
    const struct str own = host_of(origin);
    if (own.p == NULL || host.p == NULL || host.len < own.len ||
        strncasecmp(own.p, host.p, own.len) != 0) {
        return false;
    }
    const struct str rest = {host.p + own.len, host.len - own.len};
    const bool https = strncasecmp(origin, "https", 5) == 0;
    return rest.len == 0 || str_is(rest, https ? ":443" : ":80");
}
