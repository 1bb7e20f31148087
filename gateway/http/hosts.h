/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which names a gateway is asked. Any page can have its own name point to this machine's
 * address (DNS rebinding); a browser then takes what the gateway says for that page's own. What
 * shows it is the name in the request: the header Host, or the target itself where that is a whole
 * URI (RFC 9112, 3.2.2). It is no name of the gateway's.
 *
 * Pure.
 */
#ifndef GATEWAY_HTTP_HOSTS_H
#define GATEWAY_HTTP_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"

/* Which names are the gateway's. The names are borrowed. */
struct hosts {
    const char *const *names; /* as the configuration has them: without a port */
    size_t count;             /* how many there are */
    bool any;                 /* every name is */
    bool loopback;            /* localhost, 127.0.0.0/8 and [::1] are, too */
};

/* True for what a Host may be: a name, an IPv4 address or an IPv6 address in brackets, and maybe a
 * port; or nothing. */
bool host_valid(struct str host);

/* True when the host, with or without a port, is one of the names. Neither case nor a dot at its
 * end matters, nor how an address is written. */
bool hosts_have(const struct hosts *hosts, struct str host);

/* The length of "http://host:port" at the beginning of a target that is a whole URI, whose host
 * *host becomes; 0, and *host is left alone, when the target is only a path. */
size_t host_of_target(const char *target, struct str *host);

#endif
