/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/curve.h"

#include <zmq.h>

#include <string.h>

static int set_pair(void *socket, const struct config *config, struct config_curve_pair *keys,
                    struct error *err)
{
    const int status = config_curve_keys(config, keys, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, CONFIG_CURVE_KEY_SIZE) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, CONFIG_CURVE_KEY_SIZE) != 0) {
        return error_set(err, STATUS_INVALID,
                         "this libzmq was built without CURVE, or refuses the keys: %s",
                         zmq_strerror(zmq_errno()));
    }
    return STATUS_OK;
}

int curve_serve(void *socket, const struct config *config, struct error *err)
{
    if (!config->curve.enabled) {
        return STATUS_OK;
    }
    struct config_curve_pair keys;
    const int yes = 1;
    const int status = set_pair(socket, config, &keys, err);
    explicit_bzero(&keys, sizeof keys);
    if (status == STATUS_OK) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes);
    }
    return status;
}

int curve_join(void *socket, const struct config *config, const char *server_key, struct error *err)
{
    if (!config->curve.enabled) {
        return STATUS_OK;
    }
    struct config_curve_pair keys;
    int status = set_pair(socket, config, &keys, err);
    if (status == STATUS_OK) {
        const char *key = server_key != NULL                 ? server_key
                          : config->curve.server_key != NULL ? config->curve.server_key
                                                             : keys.public_key;
        if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key, CONFIG_CURVE_KEY_SIZE) != 0) {
            status = error_set(err, STATUS_INVALID, "curve: server_key is no key");
        }
    }
    explicit_bzero(&keys, sizeof keys);
    return status;
}
