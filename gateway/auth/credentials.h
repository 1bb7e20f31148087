/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a request's headers a token is: `Authorization: Bearer TOKEN` (RFC 6750), or the cookie
 * __Host-tilewire, because browsers let a page set no header of an EventSource or a WebSocket. The
 * prefix has browsers see to it that only this host has set the cookie, over TLS (RFC 6265bis).
 *
 * Pure.
 */
#ifndef GATEWAY_AUTH_CREDENTIALS_H
#define GATEWAY_AUTH_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"

#define CREDENTIALS_COOKIE "__Host-tilewire"

/* What of an Authorization comes behind `Bearer`. False when it is of another scheme. */
bool credentials_bearer(struct str authorization, struct str *token);

/* Looks for the cookie in a line of Cookie: returns how often it is there, and stores the value of
 * the last one. */
size_t credentials_cookie(struct str line, struct str *token);

/* The next of the names in a list that commas separate, without the blanks around it; what is left
 * of the list stays in *list. False when there is none. */
bool credentials_next_name(struct str *list, struct str *name);

#endif
