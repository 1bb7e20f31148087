/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may connect, and what each may do: the clients of a configuration by their keys, as they are
 * now. Pure: the caller owns the struct, zeroed at first, and frees what it holds.
 */
#ifndef COMMON_NET_GUESTS_H
#define COMMON_NET_GUESTS_H

#include <stdbool.h>

#include "common/config/clients.h"

struct guest;

struct guests {
    struct guest *by_key; /* a table of uthash; owned */
};

enum guests_verdict {
    GUESTS_WELCOME,
    GUESTS_UNKNOWN,    /* nobody has the key */
    GUESTS_NOT_ALLOWED /* its owner may not do that */
};

/* Makes the guests those clients; own_key (Z85) may do everything, too, if it is not NULL. Returns
 * true when somebody who was let in before has lost a right by that. */
bool guests_set(struct guests *guests, const struct config_clients *clients, const char *own_key);

/* Whether who proved the public key (Z85) may do what `right`, a CONFIG_MAY_…, says; who may is
 * remembered as let in. *name is then the client's, also when it is not allowed; it lives until the
 * next guests_set. */
enum guests_verdict guests_admit(struct guests *guests, const char *key, unsigned right,
                                 const char **name);

/* Whether the owner of that public key has the right, now. Nothing is remembered. */
bool guests_may(const struct guests *guests, const char *key, unsigned right);

void guests_free(struct guests *guests);

#endif
