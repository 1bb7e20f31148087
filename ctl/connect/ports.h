/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an address could be listened on, here and now. */
#ifndef CTL_CONNECT_PORTS_H
#define CTL_CONNECT_PORTS_H

#include "common/base/str.h"

enum port_state {
    PORT_FREE,
    PORT_USED,      /* somebody listens there, or it is a port that this user may not have */
    PORT_ELSEWHERE, /* the address is not of this machine, or is one that cannot be tried */
    PORT_DENIED,    /* this user may not listen there */
};

/* "127.0.0.1:8080", "*:7401", "[::1]:80". Listens there for a moment, and accepts nothing. */
enum port_state port_try(struct str address);

#endif
