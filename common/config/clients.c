/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/clients.h"

#include <string.h>

const char *const config_client_role_names[] = {"ingestor", "cache", "gateway", "reader", NULL};

const char *config_client_role_name(enum config_client_role role)
{
    return config_client_role_names[role];
}

int config_client_role_parse(const char *text, enum config_client_role *out)
{
    for (size_t i = 0; config_client_role_names[i] != NULL; i++) {
        if (strcmp(text, config_client_role_names[i]) == 0) {
            *out = (enum config_client_role)i;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}

const struct config_client *config_client_by_key(const struct config_clients *clients,
                                                 const char *key)
{
    for (size_t i = 0; i < clients->count; i++) {
        if (strcmp(clients->list[i].key, key) == 0) {
            return &clients->list[i];
        }
    }
    return NULL;
}

const struct config_client *config_client_by_name(const struct config_clients *clients,
                                                  const char *name)
{
    for (size_t i = 0; i < clients->count; i++) {
        if (strcmp(clients->list[i].name, name) == 0) {
            return &clients->list[i];
        }
    }
    return NULL;
}
