/* SPDX-License-Identifier: Apache-2.0 */
/* Whose key a server has to prove: from the keys and the file of clients that `curve` names. */
#include <string.h>

#include "common/config/config.h"

static bool may_serve(const struct config_client *client)
{
    return client->role == CONFIG_CLIENT_INGESTOR || client->role == CONFIG_CLIENT_CACHE;
}

static int refuse(const struct config *config, const struct config_client *client,
                  struct error *err)
{
    return error_set(err, STATUS_DENIED,
                     "%s is a %s by %.200s, and only an ingestor or a cache may be connected to",
                     client->name, config_client_role_name(client->role),
                     config->curve.clients_file);
}

static int by_name(const struct config *config, const char *name, const char **out,
                   struct error *err)
{
    const struct config_client *client = config_client_by_name(&config->curve.clients, name);
    if (client == NULL) {
        return error_set(
            err, STATUS_INVALID, "%.64s is expected, and nobody has that name in %.200s", name,
            config->curve.clients_file != NULL ? config->curve.clients_file
                                               : "a clients_file, for `curve` names none");
    }
    *out = client->key;
    return may_serve(client) ? STATUS_OK : refuse(config, client, err);
}

static int by_key(const struct config *config, const char *key, const char **out, struct error *err)
{
    const struct config_client *client = config_client_by_key(&config->curve.clients, key);
    *out = key;
    return client == NULL || may_serve(client) ? STATUS_OK : refuse(config, client, err);
}

static int by_role(const struct config *config, enum config_client_role role, const char **out,
                   struct error *err)
{
    const struct config_clients *clients = &config->curve.clients;
    size_t found = 0;
    for (size_t i = 0; i < clients->count; i++) {
        if (clients->list[i].role == role) {
            *out = clients->list[i].key;
            found++;
        }
    }
    if (found == 1) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, "%s %s is in %.200s: %s",
                     found == 0 ? "no" : "more than one", config_client_role_name(role),
                     config->curve.clients_file,
                     found == 0 ? "add it there, or set `curve.server_key`"
                                : "say which one is meant, by `server: NAME` of the upstream (or "
                                  "--server NAME)");
}

int config_server_key(const struct config *config, const struct config_server *server,
                      const char **out, struct error *err)
{
    *out = NULL;
    if (server->key != NULL) {
        return by_key(config, server->key, out, err);
    }
    if (server->name != NULL) {
        return by_name(config, server->name, out, err);
    }
    if (config->curve.server_key != NULL) {
        return by_key(config, config->curve.server_key, out, err);
    }
    return config->curve.clients_file != NULL ? by_role(config, server->role, out, err) : STATUS_OK;
}
