/* SPDX-License-Identifier: Apache-2.0 */
/* `gateway.jwt` and `gateway.proxy`: how a gateway learns who its clients are. */
#include <string.h>

#include "common/config/sections/section.h"

#define NAME_MAX_BYTES 255 /* of an issuer, an audience, a claim or a header */

/* A token of RFC 9110, which a header's name is. */
static int read_header(struct config_reader *r, const struct config_key *key,
                       const struct yaml_node *value, void *target)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "!#$%&'*+-.^_`|~";
    const char *const *name = config_member(target, key);
    const int status = config_read_text(r, key, value, target);
    if (status == STATUS_OK && strspn(*name, allowed) != strlen(*name)) {
        return config_expected(r, value, key->name, "the name of a header");
    }
    return status;
}

static const struct config_key issuer_rows[] = {
    {CONFIG_TEXT("issuer", struct config_issuer, issuer, NAME_MAX_BYTES),
     .needed = "issuer: https://login.example.org",
     .help = "Who signs the tokens: what their claim `iss` has to be."},
    {CONFIG_TEXT("audience", struct config_issuer, audience, NAME_MAX_BYTES),
     .needed = "audience: tilewire",
     .help = "For whom the tokens are: what their claim `aud` has to be, or to have in its list."},
    {CONFIG_PATH("jwks", struct config_issuer, jwks), .needed = "jwks: login.jwks",
     .help = "The file of the issuer's public keys, a JSON Web Key Set (RFC 7517)."},
    {CONFIG_TEXT("groups_claim", struct config_issuer, groups_claim, NAME_MAX_BYTES),
     .default_value = "groups", .help = "The claim that lists the groups of which somebody is."},
};
const struct config_table config_issuer_table = CONFIG_TABLE(issuer_rows);

static int check_issuer(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *node, const struct config_gateway_jwt *jwt)
{
    const struct config_issuer *issuer = &jwt->issuers[jwt->issuer_count - 1];
    if (issuer->issuer == NULL || issuer->audience == NULL || issuer->jwks == NULL) {
        return config_fail(r, node, key->name,
                           "an issuer needs its name, an audience and a file of keys: "
                           "{issuer: …, audience: …, jwks: …}");
    }
    for (size_t i = 0; i + 1 < jwt->issuer_count; i++) {
        if (strcmp(jwt->issuers[i].issuer, issuer->issuer) == 0) {
            return config_fail(r, node, key->name, "%s is there twice", issuer->issuer);
        }
    }
    return STATUS_OK;
}

static int read_issuers(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct config_gateway_jwt *jwt = target;
    int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    jwt->issuers = arena_array(r->memory, value->count, sizeof *jwt->issuers);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        struct config_issuer *issuer = &jwt->issuers[jwt->issuer_count++];
        config_apply_defaults(r, &config_issuer_table, issuer);
        status = config_read_section(r, key->name, node, &config_issuer_table, issuer);
        if (status == STATUS_OK) {
            status = check_issuer(r, key, node, jwt);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static const struct config_key jwt_rows[] = {
    {CONFIG_LIST("issuers", read_issuers, CONFIG_ISSUERS_MAX),
     .help = "A list of those whose tokens are accepted."},
    {CONFIG_DURATION("leeway", struct config_gateway_jwt, leeway_ms, 0, 5 * MS_PER_MINUTE),
     .default_value = "5s",
     .help = "By so much the issuer's clock may differ from this machine's."},
};
const struct config_table config_gateway_jwt_table = CONFIG_TABLE(jwt_rows);

#define HEADER(key, member)                                                                        \
    CONFIG_MEASURED(key, read_header, struct config_gateway_proxy, member, CONFIG_LENGTH, 1,       \
                    NAME_MAX_BYTES)

static const struct config_key proxy_rows[] = {
    {HEADER("user_header", user_header), .default_value = "X-Forwarded-User",
     .help = "The header in which the proxy says who the user is."},
    {HEADER("groups_header", groups_header), .default_value = "X-Forwarded-Groups",
     .help = "The header in which the proxy lists the user's groups, joined by commas."},
    {HEADER("secret_header", secret_header), .default_value = "X-Tilewire-Secret",
     .help = "The header in which the proxy proves with the secret that it is the proxy."},
    {CONFIG_PATH("secret_file", struct config_gateway_proxy, secret_file),
     .help = "A file whose first line is the secret that the proxy and the gateway share."},
};
const struct config_table config_gateway_proxy_table = CONFIG_TABLE(proxy_rows);

/* ---- What has to go together ---- */

bool config_listen_is_local(const struct config_listen_address *listen)
{
    return listen->path != NULL || (!listen->any && ip_is_loopback(&listen->ip));
}

int config_check_listen(const struct config *config, const struct config_listen_address *listen,
                        struct error *err)
{
    if (config->insecure || config->gateway.auth != CONFIG_AUTH_NONE ||
        config_listen_is_local(listen)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID,
                     "other machines can reach %s, and everybody there could read everything: ask "
                     "them who they are (`gateway.auth: jwt` or `proxy`), or listen on 127.0.0.1, "
                     "or permit it with `insecure: true`",
                     listen->text);
}

static int check_kind(struct config_reader *r, const struct yaml_node *section)
{
    const struct config_gateway *gateway = &r->config->gateway;
    const struct yaml_node *auth = yaml_get(section, "auth");
    if (gateway->auth == CONFIG_AUTH_JWT && gateway->jwt.issuer_count == 0) {
        return config_fail(r, auth, NULL,
                           "gateway.auth: jwt needs to know whose tokens to accept: add "
                           "`jwt: {issuers: [{issuer: …, audience: …, jwks: FILE}]}`");
    }
    if (gateway->auth == CONFIG_AUTH_PROXY && gateway->proxy.secret_file == NULL) {
        return config_fail(r, auth, NULL,
                           "gateway.auth: proxy needs a secret that only the proxy has: add "
                           "`proxy: {secret_file: FILE}`");
    }
    if (gateway->auth == CONFIG_AUTH_PROXY && gateway->trusted_proxy_count == 0 &&
        gateway->listen.path == NULL) {
        return config_fail(r, auth, NULL,
                           "gateway.auth: proxy needs the address of the proxy: add "
                           "`trusted_proxies: [127.0.0.1]`, or let it come by a socket with "
                           "`listen: unix:/PATH`");
    }
    if (gateway->auth == CONFIG_AUTH_NONE && gateway->role_count != 0) {
        return config_fail(r, yaml_get(section, "roles"), NULL,
                           "gateway.roles: nobody is asked who they are, so everybody would see "
                           "everything: set `gateway.auth`, or leave the roles out");
    }
    return STATUS_OK;
}

int config_check_auth(struct config_reader *r, const struct yaml_node *root)
{
    const struct yaml_node *section = yaml_get(root, "gateway");
    const struct yaml_node *listen = yaml_get(section, "listen");
    struct error err = {{0}};
    if (config_check_listen(r->config, &r->config->gateway.listen, &err) != STATUS_OK) {
        return config_fail(r, listen != NULL ? listen : root, NULL, "gateway.listen: %s", err.text);
    }
    return check_kind(r, section);
}
