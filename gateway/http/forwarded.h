/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the client is when proxies stand between: X-Forwarded-For and Forwarded (RFC 7239), read from
 * their end for as long as those who wrote them are trusted.
 *
 *   X-Forwarded-For: 192.0.2.1, 203.0.113.7, 10.0.0.2        peer: 10.0.0.1
 *                    └ anybody ┘└ the client ┘└ trusted ┘          └ trusted
 *
 * Pure.
 */
#ifndef GATEWAY_HTTP_FORWARDED_H
#define GATEWAY_HTTP_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/ip.h"
#include "common/base/str.h"

/* The proxies that are trusted. */
struct forwarded_proxies {
    const struct ip_range *list; /* Borrowed. */
    size_t count;                /* How many ranges there are. */
    bool sockets; /* True when whoever comes by a socket that is a file is one, too. */
};

/* The address of who comes by such a socket: ::, which nobody else has. */
extern const struct ip forwarded_socket;

/* True when the address is one of these proxies'. */
bool forwarded_trusts(struct forwarded_proxies trusted, const struct ip *ip);

/* Reads an address with what may stand around it: quotes, brackets, a port. False when it is none,
 * "unknown" say. */
bool forwarded_parse_node(struct str text, struct ip *out);

/*
 * The client's address: the nearest one that is not trusted, which is the peer's own unless that is
 * a trusted proxy. x_forwarded_for, forwarded: all lines of the header, joined by commas; STR("")
 * when there is none. Proxies write one of the two, and let pass what a client wrote into the
 * other: when the two contradict each other, neither counts.
 */
struct ip forwarded_client(struct ip peer, struct str x_forwarded_for, struct str forwarded,
                           struct forwarded_proxies trusted);

#endif
