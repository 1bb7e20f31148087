/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_options.h"

#include <stdlib.h>

#include <sodium.h>

#include "common/base/xalloc.h"

#define CONNECT_MS 5000
#define PING_MS 5000 /* a server that does not answer two of them is gone */
#define PINGS_OUT 2
#define SECRET_SIZE 65536 /* bytes of a file with a secret, such as a JWT */

static int refused(const char *what, natsStatus code, struct error *err)
{
    const char *said = nats_GetLastError(NULL);
    return code == NATS_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "source.nats.%s: %.300s", what,
                           said != NULL && *said != '\0' ? said : natsStatus_GetText(code));
}

/* libnats tells of what happens beside our calls; these fail by themselves. Without a handler it
 * would write to stderr. */
static void ignore(natsConnection *connection, natsSubscription *subscription, natsStatus code,
                   void *arg)
{
    (void)connection;
    (void)subscription;
    (void)code;
    (void)arg;
}

/* A connection that is lost stays lost: whoever connects again looks first at what has become of
 * the stream. */
static natsStatus set_basics(natsOptions *options, const struct config_nats *nats)
{
    natsStatus code = natsOptions_SetServers(options, nats->servers, (int)nats->server_count);
    code = code == NATS_OK ? natsOptions_SetName(options, "tilewire") : code;
    code = code == NATS_OK ? natsOptions_SetAllowReconnect(options, false) : code;
    code = code == NATS_OK ? natsOptions_SetTimeout(options, CONNECT_MS) : code;
    code = code == NATS_OK ? natsOptions_SetPingInterval(options, PING_MS) : code;
    code = code == NATS_OK ? natsOptions_SetMaxPingsOut(options, PINGS_OUT) : code;
    return code == NATS_OK ? natsOptions_SetErrorHandler(options, ignore, NULL) : code;
}

/* The secret is in our memory no longer than it must be. */
static int set_secret(natsOptions *options, const struct config_source *source, struct error *err)
{
    const struct config_nats *nats = &source->nats;
    const char *file = nats->user != NULL ? source->password_file : nats->token_file;
    char *secret = x_calloc(1, SECRET_SIZE);
    int status = config_read_secret(file, secret, SECRET_SIZE, err);
    if (status == STATUS_OK) {
        status = nats->user != NULL
                     ? refused("user", natsOptions_SetUserInfo(options, nats->user, secret), err)
                     : refused("token_file", natsOptions_SetToken(options, secret), err);
    }
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return status;
}

/* libnats reads these files itself, whenever it signs; whether others may read them is looked at
 * here. */
static int check_secret(const char *file, struct error *err)
{
    char *secret = x_calloc(1, SECRET_SIZE);
    const int status = config_read_secret(file, secret, SECRET_SIZE, err);
    sodium_memzero(secret, SECRET_SIZE);
    free(secret);
    return status;
}

static int set_identity(natsOptions *options, const struct config_source *source, struct error *err)
{
    const struct config_nats *nats = &source->nats;
    if (nats->user != NULL || nats->token_file != NULL) {
        return set_secret(options, source, err);
    }
    int status = STATUS_OK;
    if (nats->credentials_file != NULL) {
        status = check_secret(nats->credentials_file, err);
        if (status == STATUS_OK) {
            status = refused(
                "credentials_file",
                natsOptions_SetUserCredentialsFromFiles(options, nats->credentials_file, NULL),
                err);
        }
    } else if (nats->nkey != NULL) {
        status = check_secret(nats->nkey_seed_file, err);
        if (status == STATUS_OK) {
            status = refused("nkey",
                             natsOptions_SetNKeyFromSeed(options, nats->nkey, nats->nkey_seed_file),
                             err);
        }
    }
    return status;
}

static int set_tls(natsOptions *options, const struct config_nats *nats, struct error *err)
{
    int status = nats->tls ? refused("tls", natsOptions_SetSecure(options, true), err) : STATUS_OK;
    if (status == STATUS_OK && nats->ca_file != NULL) {
        status =
            refused("ca_file", natsOptions_LoadCATrustedCertificates(options, nats->ca_file), err);
    }
    if (status == STATUS_OK && nats->key_file != NULL) {
        status = check_secret(nats->key_file, err);
    }
    if (status == STATUS_OK && nats->certificate_file != NULL) {
        status = refused(
            "certificate_file",
            natsOptions_LoadCertificatesChain(options, nats->certificate_file, nats->key_file),
            err);
    }
    if (status == STATUS_OK && nats->server_name != NULL) {
        status = refused("server_name", natsOptions_SetExpectedHostname(options, nats->server_name),
                         err);
    }
    return status;
}

int nats_options_set(natsOptions *options, const struct config_source *source, struct error *err)
{
    int status = refused("servers", set_basics(options, &source->nats), err);
    if (status == STATUS_OK) {
        status = set_identity(options, source, err);
    }
    return status == STATUS_OK ? set_tls(options, &source->nats, err) : status;
}
