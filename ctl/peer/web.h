/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a gateway over HTTP, as its clients do. Just web.c knows libcurl. Certificates are
 * verified, redirects are not followed, and the environment's proxies are not used: whoever is
 * given the token is whom the URL names.
 */
#ifndef CTL_PEER_WEB_H
#define CTL_PEER_WEB_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"

/* All of it is borrowed, and copied. */
struct web_config {
    const char *url;     /* "https://tiles.example.org", or "unix:/path" for a gateway's socket */
    const char *ca_file; /* whose certificates are trusted, PEM; NULL: those of the system */
    struct str token;    /* sent with each request; STR_NULL: none is */
    bool insecure;       /* True when the token may go to another machine without TLS. */
    int timeout_ms;      /* for a whole answer; above 0 */
};

struct web;

/* STATUS_INVALID when the URL is none, or the token would be readable on its way. The caller
 * destroys *out, which is NULL when it failed. Nothing is asked yet. */
int web_create(const struct web_config *config, struct web **out, struct error *err);
void web_destroy(struct web **web);

/*
 * Asks for a path and fills body with the answer of a 200. STATUS_DENIED: 403. STATUS_AGAIN: nobody
 * answers, or the gateway says that it cannot now. STATUS_INVALID: 401, or anything else; err says
 * which, and what to do. body is cleared before.
 */
int web_get(struct web *web, const char *path, struct buf *body, struct error *err);

#endif
