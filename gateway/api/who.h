/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: takes the credentials out of a request and has gateway/auth check them. In two steps,
 * so that strangers cannot have us check signatures without end: what was checked before is found
 * at once, and charged to its subject; all else is charged to the address before it is checked.
 *
 *   who_find ─► admitted, by subject or address ─► who_check ─► visible_begin (visible.h)
 */
#ifndef GATEWAY_API_WHO_H
#define GATEWAY_API_WHO_H

#include "gateway/http/request.h"

/* Gives the request the identity of its credentials, if they were checked before, and decides whom
 * limits charge for it. */
void who_find(struct request *request);

/* Checks credentials that who_find did not know. False when there are none, or they are refused, so
 * that the request is answered with *result: 401. */
bool who_check(struct request *request, enum MHD_Result *result);

/* When what goes on for the request's client has to end; MONO_NEVER when it need not. */
mono_time who_ends(const struct request *request);

#endif
