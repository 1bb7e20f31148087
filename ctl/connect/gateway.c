/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/codec/json.h"
#include "common/jose/jwk.h"
#include "ctl/connect/ports.h"

#define JWKS_MAX ((size_t)1 << 20)

static void try_port(const char *about, const struct config_listen_address *listen,
                     struct findings *out)
{
    if (listen->text == NULL) {
        return;
    }
    switch (port_try(str_of(listen->text))) {
    case PORT_FREE:
        finding_add(out, FINDING_OK, about, "%s is free to listen at", listen->text);
        break;
    case PORT_USED:
        finding_add(out, FINDING_OK, about,
                    "something listens at %s: gateways of one user may share a port, anything else "
                    "has to end first",
                    listen->text);
        break;
    case PORT_DENIED:
        finding_add(out, FINDING_ERROR, about,
                    "this user may not listen at %s: choose a port above 1023, or give the gateway "
                    "CAP_NET_BIND_SERVICE",
                    listen->text);
        break;
    case PORT_ELSEWHERE:
        finding_add(out, FINDING_WARNING, about, "%s is no address of this machine", listen->text);
        break;
    }
}

/* ---- Keys of tokens ---- */

struct reading {
    size_t usable;
    size_t others;
    int status;
    struct error err;
};

static bool take_key(void *arg, const struct json_value *item)
{
    struct reading *reading = arg;
    struct jwk *key = NULL;
    struct str kid;
    const int status = jwk_read_public(item, &key, &reading->err);
    if (status == STATUS_OK &&
        (!json_as_str(json_member(item, STR("kid")), &kid) || kid.len == 0)) {
        reading->status = error_set(&reading->err, STATUS_INVALID, "a key has no `kid`");
    } else if (status == STATUS_INVALID) {
        reading->status = status;
    }
    reading->usable += status == STATUS_OK;
    reading->others += status == STATUS_NOT_FOUND;
    jwk_destroy(&key);
    return reading->status == STATUS_OK;
}

static bool read_whole(const char *path, struct buf *out)
{
    char part[4096];
    size_t len;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    while (out->len <= JWKS_MAX && (len = fread(part, 1, sizeof part, file)) != 0) {
        buf_append(out, part, len);
    }
    const bool good = ferror(file) == 0;
    fclose(file);
    return good;
}

static void try_issuer(const struct config_issuer *issuer, struct findings *out)
{
    static const char about[] = "gateway.jwt";
    struct reading reading = {0};
    struct json_value *root = NULL;
    struct buf text = {0};
    if (!read_whole(issuer->jwks, &text)) {
        finding_add(out, FINDING_ERROR, about,
                    "%s cannot be read: %s; the gateway will accept no token of %s", issuer->jwks,
                    strerror(errno), issuer->issuer);
    } else if (json_parse_strict(buf_str(&text), JWKS_MAX, &root) != STATUS_OK ||
               !json_is_list(json_member(root, STR("keys")))) {
        finding_add(out, FINDING_ERROR, about, "%s is no JSON Web Key Set {\"keys\": […]}",
                    issuer->jwks);
    } else {
        json_each_item(json_member(root, STR("keys")), take_key, &reading);
        if (reading.status != STATUS_OK) {
            finding_add(out, FINDING_ERROR, about, "%s: %s", issuer->jwks, reading.err.text);
        } else if (reading.usable == 0) {
            finding_add(
                out, FINDING_WARNING, about,
                "%s has no key of a kind that tokens are checked with (EdDSA, ES256, RS256): "
                "no token of %s is accepted",
                issuer->jwks, issuer->issuer);
        } else {
            finding_add(out, FINDING_OK, about, "%s has %zu key%s for tokens of %s", issuer->jwks,
                        reading.usable, reading.usable == 1 ? "" : "s", issuer->issuer);
        }
    }
    json_free(root);
    buf_free(&text);
}

/* ---- A proxy's secret ---- */

static void try_secret(const struct config_gateway *gateway, struct findings *out)
{
    char secret[4096];
    struct error err = {{0}};
    if (gateway->auth == CONFIG_AUTH_PROXY) {
        const bool read = config_read_secret(gateway->proxy.secret_file, secret, sizeof secret,
                                             &err) == STATUS_OK;
        explicit_bzero(secret, sizeof secret);
        finding_add(out, read ? FINDING_OK : FINDING_ERROR, "gateway.proxy", "%s",
                    read ? "the secret can be read" : err.text);
    }
}

void connect_try_gateway(const struct config *config, struct findings *out)
{
    const struct config_gateway *gateway = &config->gateway;
    try_port("gateway.listen", &gateway->listen, out);
    try_port("gateway.admin_listen", &gateway->admin_listen, out);
    for (size_t i = 0; gateway->auth == CONFIG_AUTH_JWT && i < gateway->jwt.issuer_count; i++) {
        try_issuer(&gateway->jwt.issuers[i], out);
    }
    try_secret(gateway, out);
}
