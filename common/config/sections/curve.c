/* SPDX-License-Identifier: Apache-2.0 */
/* The `curve` section: the keys that encrypt the connections between the programs, and who may
 * connect. */
#include "common/config/network.h"
#include "common/config/sections/section.h"

static const struct config_key rows[] = {
    {CONFIG_PATH("keys_folder", struct config_curve, keys_folder), .default_words = "none",
     .help = "A folder with the secret key of each program: `ingestor.key`, `cache.key`, "
             "`gateway.key`, `tilewire.key`."},
    {CONFIG_PATH("secret_key_file", struct config_curve, secret_key_file),
     .default_words = "`TILEWIRE_CURVE_SECRET_KEY` in the environment",
     .help = "Instead of a folder: a file whose first line is this program's secret key."},
    {CONFIG_PATH("public_key_file", struct config_curve, public_key_file),
     .default_words = "computed from the secret key",
     .help = "A file whose first line is the public key that belongs to it."},
    {CONFIG_PATH("clients_file", struct config_curve, clients_file),
     .default_words = "none: who has this program's own pair",
     .help = "The file of those who may connect."},
    {CONFIG_CURVE_KEY("server_key", struct config_curve, server_key),
     .default_words = "by `clients_file`; else this program's own",
     .help = "The public key that upstreams prove to have."},
};
const struct config_table config_curve_table = CONFIG_TABLE(rows);

int config_read_curve(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_curve *curve = &((struct config *)target)->curve;
    const int status = config_read_section(r, key->name, value, key->table, curve);
    if (status != STATUS_OK) {
        return status;
    }
    if (curve->keys_folder != NULL &&
        (curve->secret_key_file != NULL || curve->public_key_file != NULL)) {
        return config_fail(r, value, NULL,
                           "curve: keys_folder and %s name the same key twice: drop one",
                           curve->secret_key_file != NULL ? "secret_key_file" : "public_key_file");
    }
    if (curve->keys_folder == NULL && curve->secret_key_file == NULL &&
        curve->public_key_file == NULL && curve->clients_file == NULL) {
        return config_fail(r, value, NULL,
                           "curve: it names no keys: make some (`tilewire keygen`), and name "
                           "them by keys_folder or secret_key_file");
    }
    curve->enabled = true;
    return curve->clients_file == NULL
               ? STATUS_OK
               : config_clients_load(r->memory, curve->clients_file, &curve->clients, r->err);
}
