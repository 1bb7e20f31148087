/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/keyring.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/program/log.h"
#include "gateway/auth/watched.h"

struct named_key {
    char *kid;
    struct jwk *key;
};

struct keys {
    struct named_key list[KEYRING_KEYS_MAX];
    size_t count;
};

struct issuer {
    const struct config_issuer *config;
    struct watched file;
    struct keys *keys; /* Swapped whole, so that a bad file changes nothing. */
};

struct keyring {
    struct issuer *issuers;
    size_t count;
    uint64_t failures;
};

static void keys_destroy(struct keys **keys_p)
{
    struct keys *keys = *keys_p;
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        free(keys->list[i].kid);
        jwk_destroy(&keys->list[i].key);
    }
    free(keys);
    *keys_p = NULL;
}

static const struct jwk *find(const struct keys *keys, struct str kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (str_is(kid, keys->list[i].kid)) {
            return keys->list[i].key;
        }
    }
    return NULL;
}

/* ---- Reading a set ---- */

struct parse {
    struct keys *keys;
    size_t number; /* of the key under way, from 1 */
    int status;
    struct error *err;
};

static bool take_key(void *arg, const struct json_value *item)
{
    struct parse *parse = arg;
    struct keys *keys = parse->keys;
    struct str kid;
    struct jwk *key = NULL;
    parse->number++;
    const int status = jwk_read_public(item, &key, parse->err);
    if (status == STATUS_NOT_FOUND) {
        return true; /* it is for something else */
    }
    if (status != STATUS_OK) {
        parse->status = error_prefix(parse->err, status, "key %zu", parse->number);
        return false;
    }
    if (!json_as_str(json_member(item, STR("kid")), &kid) || kid.len == 0) {
        parse->status =
            error_set(parse->err, STATUS_INVALID,
                      "key %zu: it has no `kid`, by which tokens name their key", parse->number);
    } else if (find(keys, kid) != NULL) {
        parse->status = error_set(parse->err, STATUS_INVALID, "key %zu: its `kid` is there twice",
                                  parse->number);
    } else if (keys->count == KEYRING_KEYS_MAX) {
        parse->status =
            error_set(parse->err, STATUS_FULL, "there are more than %d keys", KEYRING_KEYS_MAX);
    } else {
        keys->list[keys->count++] = (struct named_key){x_strndup(kid.p, kid.len), key};
        return true;
    }
    jwk_destroy(&key);
    return false;
}

/* Reads the text of a set. */
static int parse_set(struct str text, struct keys **out, struct error *err)
{
    struct json_value *root = NULL;
    struct parse parse = {.keys = x_calloc(1, sizeof *parse.keys), .err = err};
    if (json_parse_strict(text, KEYRING_FILE_MAX, &root) != STATUS_OK ||
        !json_is_list(json_member(root, STR("keys")))) {
        parse.status = error_set(err, STATUS_INVALID, "it is no JSON Web Key Set {\"keys\": […]}");
    } else {
        json_each_item(json_member(root, STR("keys")), take_key, &parse);
    }
    json_free(root);
    if (parse.status != STATUS_OK) {
        keys_destroy(&parse.keys);
    }
    *out = parse.keys;
    return parse.status;
}

static int read_file(struct issuer *issuer, struct error *err)
{
    struct buf text = {0};
    struct keys *keys = NULL;
    int status = watched_read(&issuer->file, KEYRING_FILE_MAX, &text, err);
    if (status == STATUS_OK) {
        status = parse_set(buf_str(&text), &keys, err);
        if (status != STATUS_OK) {
            error_prefix(err, status, "%.200s", issuer->file.path);
        }
    }
    buf_free(&text);
    if (status == STATUS_OK) {
        keys_destroy(&issuer->keys);
        issuer->keys = keys;
        if (keys->count == 0) {
            log_warn("%s holds no key for signatures, so no token of %s is accepted",
                     issuer->file.path, issuer->config->issuer);
        }
    }
    return status;
}

/* ---- All of them ---- */

int keyring_create(const struct config_gateway_jwt *config, struct keyring **out, struct error *err)
{
    struct keyring *keyring = x_calloc(1, sizeof *keyring);
    int status = STATUS_OK;
    *out = keyring;
    keyring->issuers = x_calloc(config->issuer_count, sizeof *keyring->issuers);
    for (size_t i = 0; i < config->issuer_count && status == STATUS_OK; i++) {
        struct issuer *issuer = &keyring->issuers[keyring->count++];
        issuer->config = &config->issuers[i];
        issuer->file.path = issuer->config->jwks;
        status = read_file(issuer, err);
    }
    if (status != STATUS_OK) {
        keyring_destroy(out);
    }
    return status;
}

void keyring_destroy(struct keyring **keyring_p)
{
    struct keyring *keyring = *keyring_p;
    if (keyring == NULL) {
        return;
    }
    for (size_t i = 0; i < keyring->count; i++) {
        keys_destroy(&keyring->issuers[i].keys);
    }
    free(keyring->issuers);
    free(keyring);
    *keyring_p = NULL;
}

bool keyring_refresh(struct keyring *keyring)
{
    bool changed = false;
    for (size_t i = 0; i < keyring->count; i++) {
        struct issuer *issuer = &keyring->issuers[i];
        struct error err = {{0}};
        if (!watched_changed(&issuer->file)) {
            continue;
        }
        if (read_file(issuer, &err) == STATUS_OK) {
            changed = true;
            log_info("keys of %s: %zu now", issuer->config->issuer, issuer->keys->count);
        } else {
            keyring->failures++;
            log_error("%s; the keys of %s stay as they were", err.text, issuer->config->issuer);
        }
    }
    return changed;
}

uint64_t keyring_failures(const struct keyring *keyring)
{
    return keyring->failures;
}

size_t keyring_count(const struct keyring *keyring)
{
    size_t count = 0;
    for (size_t i = 0; i < keyring->count; i++) {
        count += keyring->issuers[i].keys->count;
    }
    return count;
}

const struct issuer *keyring_issuer(const struct keyring *keyring, struct str name)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (str_is(name, keyring->issuers[i].config->issuer)) {
            return &keyring->issuers[i];
        }
    }
    return NULL;
}

const struct config_issuer *keyring_issuer_config(const struct issuer *issuer)
{
    return issuer->config;
}

const struct jwk *keyring_issuer_key(const struct issuer *issuer, struct str kid)
{
    return find(issuer->keys, kid);
}
