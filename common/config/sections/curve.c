/* SPDX-License-Identifier: Apache-2.0 */
/* The `curve` section: the keys that encrypt the connections between the programs. */
#include "common/config/network.h"
#include "common/config/sections/section.h"

static const struct config_key rows[] = {
    {CONFIG_PATH("public_key_file", struct config_curve, public_key_file),
     .needed = "public_key_file: tilewire.pub",
     .help = "A file whose first line is this program's public key."},
    {CONFIG_PATH("secret_key_file", struct config_curve, secret_key_file),
     .default_words = "`TILEWIRE_CURVE_SECRET_KEY` in the environment",
     .help = "A file whose first line is this program's secret key."},
    {CONFIG_CURVE_KEY("server_key", struct config_curve, server_key),
     .default_words = "the public key above",
     .help = "The public key that upstreams prove to have."},
};
const struct config_table config_curve_table = CONFIG_TABLE(rows);

int config_read_curve(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config *config = target;
    const int status = config_read_section(r, key->name, value, key->table, &config->curve);
    if (status == STATUS_OK && config->curve.public_key_file == NULL) {
        return config_fail(r, value, NULL,
                           "curve: public_key_file is missing: name the file that holds the "
                           "public key");
    }
    config->curve.enabled = true;
    return status;
}
