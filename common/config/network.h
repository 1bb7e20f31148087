/* SPDX-License-Identifier: Apache-2.0 */
/* ZeroMQ addresses of the configuration: reading them, their defaults, and who may reach them.
 * Private to common/config*.c. */
#ifndef COMMON_CONFIG_NETWORK_H
#define COMMON_CONFIG_NETWORK_H

#include "common/config/reader.h"

read_fn read_bind;      /* const char *: an address to bind to */
read_fn read_upstreams; /* struct upstreams */
read_fn read_curve_key; /* const char *: a public key in Z85 */

#define BIND_KEY(name, type, member)                                                               \
    {                                                                                              \
        name, read_bind, MEMBER(type, member), 0, 0, 0, NULL                                       \
    }

/* Where a program on the same machine connects to reach what is bound to `bind`. */
const char *connect_address(struct config_reader *r, const char *bind);

/* Sets upstreams that the file does not name to those who bind publish and query. */
void upstreams_default(struct config_reader *r, struct upstreams *upstreams, const char *publish,
                       const char *query);

/* The rules that span sections. */
int config_network_check(struct config_reader *r, const struct yaml_node *root);

#endif
