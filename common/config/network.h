/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZeroMQ addresses and keys of the configuration: how they are read, what upstreams there are when
 * the file names none, and whether other machines may reach what is bound. Private to
 * common/config.
 */
#ifndef COMMON_CONFIG_NETWORK_H
#define COMMON_CONFIG_NETWORK_H

#include "common/config/file/keys.h"

config_read_fn config_read_bind;      /* const char *: an address to bind to */
config_read_fn config_read_upstreams; /* struct config_upstreams, of 1 to key->max entries */
config_read_fn config_read_servers;   /* the same, of those of whom only `query` is asked */
config_read_fn config_read_curve_key; /* const char *: a public key in Z85 */

#define CONFIG_BIND(key, type, member) CONFIG_MEMBER(key, config_read_bind, type, member)
#define CONFIG_UPSTREAMS(key, type, member)                                                        \
    CONFIG_MEASURED(key, config_read_upstreams, type, member, CONFIG_ENTRIES, 1,                   \
                    CONFIG_UPSTREAMS_MAX)
#define CONFIG_CURVE_KEY(key, type, member) CONFIG_MEMBER(key, config_read_curve_key, type, member)

extern const struct config_table config_upstream_table; /* of struct config_upstream */
extern const struct config_table config_server_table;   /* the same without `publish` */

/* Sets upstreams that the file does not name to those who bind publish and query; and of all, what
 * they are expected to be. */
void config_default_upstreams(struct config_reader *r, struct config_upstreams *upstreams,
                              const char *publish, const char *query, enum config_client_role role);

/* Checks the rules that span sections; root is the whole file, for the places in messages. */
int config_check_network(struct config_reader *r, const struct yaml_node *root);

#endif
