/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a client is: found once for a request, between admitting and answering, from a token or from
 * what a proxy says (gateway/auth). An identity is immutable, and shared by all requests with the
 * same credentials. One thread.
 */
#ifndef GATEWAY_BASE_IDENTITY_H
#define GATEWAY_BASE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "gateway/base/view.h"

/* Where the name comes from matters: two issuers may each have an `ada`. */
struct identity {
    uint32_t references;     /* how many hold it; the last one frees it */
    const char *subject;     /* its name, UTF-8; "" for a token without one. Owned. */
    const char *issuer;      /* who says so; "" for the proxy. Owned. */
    const struct view *view; /* what it may see; owned */
    const char *pushes;      /* patterns of event types that it may push, joined by commas; owned */
    wall_time expires;       /* the token's `exp`; WALL_NEVER for a proxy's word */
    wall_time valid_until;   /* the same with the leeway: from then on it is refused */
};

/* Copies the texts and retains the view. The caller has the one reference. */
struct identity *identity_create(struct str subject, struct str issuer, const struct view *view,
                                 wall_time expires, wall_time valid_until);

/* It may push events of these types from now on, before anybody else owns it; at first of none. */
void identity_set_pushes(struct identity *identity, struct str patterns);

/* True when it may push events of that type. */
bool identity_may_push(const struct identity *identity, struct str type);

/* One more owner; and one less, whose pointer becomes NULL, which it may be already. */
struct identity *identity_retain(struct identity *identity);
void identity_release(struct identity **identity);

/* When what goes on for it, a stream say, has to end: at `expires`, or at `valid_until` when it
 * began after that. */
wall_time identity_ends(const struct identity *identity, wall_time now);

/* The bytes that it takes, its view not counted. */
size_t identity_bytes(const struct identity *identity);

#endif
