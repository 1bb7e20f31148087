/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/curve.h"

#include <string.h>
#include <zmq.h>

/* ZMQ_ZAP_ENFORCE_DOMAIN, a draft in the header of 4.3, and there in the library: when nobody
 * answers ZAP, nobody is let in, instead of everybody. We always answer, so a library without it
 * will do. */
#define ENFORCE_DOMAIN 93

static int without_curve(struct error *err)
{
    return error_set(err, STATUS_INVALID,
                     "this libzmq was built without CURVE, or refuses the keys: %s",
                     zmq_strerror(zmq_errno()));
}

/* The caller wipes the keys. */
static int read_pair(const struct config *config, struct config_curve_pair *keys, struct error *err)
{
    char computed[CONFIG_CURVE_KEY_SIZE];
    const int status = config_curve_keys(config, keys, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (zmq_curve_public(computed, keys->secret_key) != 0) {
        return without_curve(err);
    }
    if (keys->public_key[0] != '\0' && strcmp(keys->public_key, computed) != 0) {
        return error_set(err, STATUS_INVALID,
                         "%.200s: this is not the public key that belongs to the secret one",
                         config->curve.public_key_file);
    }
    memcpy(keys->public_key, computed, sizeof computed);
    return STATUS_OK;
}

int curve_own_key(const struct config *config, char out[CONFIG_CURVE_KEY_SIZE], struct error *err)
{
    struct config_curve_pair keys;
    const int status = read_pair(config, &keys, err);
    memcpy(out, keys.public_key, sizeof keys.public_key);
    explicit_bzero(&keys, sizeof keys);
    return status;
}

int curve_make_pair(struct config_curve_pair *out, struct error *err)
{
    return zmq_curve_keypair(out->public_key, out->secret_key) == 0 ? STATUS_OK
                                                                    : without_curve(err);
}

static int set_pair(void *socket, const struct config *config, struct config_curve_pair *keys,
                    struct error *err)
{
    const int status = read_pair(config, keys, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, CONFIG_CURVE_KEY_SIZE) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, CONFIG_CURVE_KEY_SIZE) != 0) {
        return without_curve(err);
    }
    return STATUS_OK;
}

/* A server whose key is another program's would be refused by all who know that file. */
static int check_own_role(const struct config *config, const char *key, struct error *err)
{
    const struct config_client *own = config_client_by_key(&config->curve.clients, key);
    if (own == NULL || own->role == CONFIG_CLIENT_INGESTOR || own->role == CONFIG_CLIENT_CACHE) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_DENIED,
                     "curve: our secret key is that of %s, a %s by %.200s: only an ingestor or a "
                     "cache may be connected to",
                     own->name, config_client_role_name(own->role), config->curve.clients_file);
}

int curve_serve(void *socket, const char *domain, const struct config *config, struct error *err)
{
    if (!config->curve.enabled) {
        return STATUS_OK;
    }
    struct config_curve_pair keys;
    const int yes = 1;
    int status = set_pair(socket, config, &keys, err);
    if (status == STATUS_OK) {
        status = check_own_role(config, keys.public_key, err);
    }
    explicit_bzero(&keys, sizeof keys);
    if (status == STATUS_OK &&
        (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) != 0 ||
         zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) != 0)) {
        status = without_curve(err);
    }
    (void)zmq_setsockopt(socket, ENFORCE_DOMAIN, &yes, sizeof yes);
    return status;
}

int curve_join(void *socket, const char *address, const struct config_server *server,
               const struct config *config, struct error *err)
{
    if (!config->curve.enabled) {
        return config_check_reach(config, address, err);
    }
    struct config_curve_pair keys;
    const char *expected = NULL;
    int status = set_pair(socket, config, &keys, err);
    if (status == STATUS_OK) {
        status = config_server_key(config, server, &expected, err);
    }
    if (status == STATUS_OK) {
        expected = expected != NULL ? expected : keys.public_key;
        if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, expected, CONFIG_CURVE_KEY_SIZE) != 0) {
            status = error_set(err, STATUS_INVALID, "curve: %s is no key of a server", expected);
        }
    }
    explicit_bzero(&keys, sizeof keys);
    return status;
}
