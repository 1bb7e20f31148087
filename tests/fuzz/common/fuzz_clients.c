/* SPDX-License-Identifier: Apache-2.0 */
/* The file of those who may connect: each of them is found again by key and by name, and no two
 * share one; or one line says where the file is wrong. Input: the file. */
#include "common/base/error.h"
#include "common/config/clients.h"
#include "tests/fuzz/fuzz.h"

#define KEY_BYTES 40

static void check_clients(const struct config_clients *clients)
{
    FUZZ_CHECK(clients->count <= CONFIG_CLIENTS_MAX);
    for (size_t i = 0; i < clients->count; i++) {
        const struct config_client *client = &clients->list[i];
        const bool server = client->role == CONFIG_CLIENT_INGESTOR;
        FUZZ_CHECK(strlen(client->key) == KEY_BYTES);
        FUZZ_CHECK(config_client_by_key(clients, client->key) == client);
        FUZZ_CHECK(config_client_by_name(clients, client->name) == client);
        FUZZ_CHECK(!server || client->may == 0); /* It connects to nobody. */
        fuzz_took();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *memory = arena_create();
    struct config_clients clients = {0};
    struct error err = {{0}};
    const int status = config_clients_parse(memory, fuzz_text(data, len), "c.yaml", &clients, &err);
    if (status == STATUS_OK) {
        check_clients(&clients);
    } else {
        FUZZ_CHECK(status == STATUS_INVALID && strncmp(err.text, "c.yaml", 6) == 0);
        FUZZ_CHECK(strchr(err.text, '\n') == NULL);
    }
    arena_destroy(&memory);
    return 0;
}
