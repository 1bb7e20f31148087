/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `source.nats`: who reads a stream of JetStream, and by which TLS. Secrets stand in files:
 *
 *   password_file: nats-password        # of source, for nats.user
 *   nats:
 *     user: tilewire                    # or token_file, credentials_file, nkey with its seed
 *     tls: true
 *     ca_file: ca.pem
 */
#include "common/config/file/values.h"
#include "common/config/sections/source_columns.h"

static const struct config_key rows[] = {
    {CONFIG_TEXT("user", struct config_nats, user, 256),
     .help = "The user whose password `source.password_file` holds."},
    {CONFIG_PATH("token_file", struct config_nats, token_file),
     .help = "A file whose first line is a token, which is who knows it."},
    {CONFIG_PATH("credentials_file", struct config_nats, credentials_file),
     .help = "A file with a user's JWT and seed, as `nsc` writes it (`.creds`)."},
    {CONFIG_TEXT("nkey", struct config_nats, nkey, 128),
     .help = "The public nkey of a user, whose seed `nkey_seed_file` holds."},
    {CONFIG_PATH("nkey_seed_file", struct config_nats, nkey_seed_file),
     .help = "A file whose first line is the seed of `nkey`."},
    {CONFIG_BOOL("tls", struct config_nats, tls), .default_value = "false",
     .help = "Speaks to none but a server that proves who it is, by TLS."},
    {CONFIG_PATH("ca_file", struct config_nats, ca_file),
     .default_words = "those that the system trusts",
     .help = "The certificates that the server's is checked with, in PEM."},
    {CONFIG_PATH("certificate_file", struct config_nats, certificate_file),
     .help = "Our own certificate, in PEM, for a server that wants one."},
    {CONFIG_PATH("key_file", struct config_nats, key_file),
     .help = "The key of `certificate_file`, in PEM."},
    {CONFIG_TEXT("server_name", struct config_nats, server_name, 253),
     .default_words = "the host of the URI",
     .help = "The name that the server's certificate has to have."},
    {CONFIG_TEXT("domain", struct config_nats, domain, 256),
     .help = "The domain of JetStream that the stream is in."},
};
const struct config_table config_nats_table = CONFIG_TABLE(rows);

static int refuse(struct config_reader *r, const struct yaml_node *section, const char *key,
                  const char *why)
{
    const struct yaml_node *nats = yaml_get(section, "nats");
    const struct yaml_node *found = nats != NULL ? yaml_get(nats, key) : NULL;
    if (found == NULL) {
        found = yaml_get(section, key);
    }
    return config_fail(r, found != NULL ? found->key : section, NULL, "%s", why);
}

int config_check_nats(struct config_reader *r, const struct yaml_node *section,
                      const struct config_source *source)
{
    const struct config_nats *nats = &source->nats;
    const int ways = (nats->user != NULL) + (nats->token_file != NULL) +
                     (nats->credentials_file != NULL) + (nats->nkey != NULL);
    if (ways > 1) {
        return refuse(r, section, "nats",
                      "source.nats: expected one of user, token_file, credentials_file and nkey; "
                      "leave the others out");
    }
    if ((nats->nkey == NULL) != (nats->nkey_seed_file == NULL)) {
        return refuse(r, section, "nats",
                      "source.nats: nkey and nkey_seed_file belong together; write both");
    }
    if ((nats->user == NULL) != (source->password_file == NULL)) {
        return refuse(r, section, nats->user == NULL ? "password_file" : "user",
                      "source.nats: user and source.password_file belong together; write both");
    }
    if ((nats->certificate_file == NULL) != (nats->key_file == NULL)) {
        return refuse(r, section, "nats",
                      "source.nats: certificate_file and key_file belong together; write both");
    }
    if (!nats->tls &&
        (nats->ca_file != NULL || nats->certificate_file != NULL || nats->server_name != NULL)) {
        return refuse(r, section, "nats",
                      "source.nats: ca_file, certificate_file and server_name are for TLS; write "
                      "tls: true with them");
    }
    return STATUS_OK;
}
