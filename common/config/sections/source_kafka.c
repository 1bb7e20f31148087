/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `source.kafka`: options of librdkafka, which are handed on as they are. What reading needs to be
 * right is Tilewire's to set, and secrets stand in files:
 *
 *   kafka:
 *     security.protocol: SASL_SSL
 *     sasl.mechanisms: SCRAM-SHA-512
 *     sasl.username: tilewire
 *     sasl.password: {file: kafka-password}
 */
#include <string.h>

#include "common/config/file/values.h"
#include "common/config/sections/source_columns.h"

#define OPTION_MAX_BYTES 4096

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool is_secret(struct str name)
{
    static const char *const secrets[] = {"sasl.password",
                                          "ssl.key.password",
                                          "ssl.keystore.password",
                                          "ssl.key.pem",
                                          "sasl.oauthbearer.client.secret",
                                          "sasl.oauthbearer.config"};
    return is_one_of(name, secrets, COUNT_OF(secrets));
}

/* Options that decide what is read, and how much of it is held. */
static bool is_ours(struct str name)
{
    static const char *const ours[] = {
        "bootstrap.servers",       "metadata.broker.list",     "group.id",
        "enable.auto.commit",      "enable.auto.offset.store", "auto.offset.reset",
        "enable.partition.eof",    "isolation.level",          "queued.max.messages.kbytes",
        "queued.min.messages",     "topic.blacklist",          "check.crcs",
        "allow.auto.create.topics"};
    return is_one_of(name, ours, COUNT_OF(ours));
}

static int read_value(struct config_reader *r, const struct yaml_node *value,
                      struct config_option *option)
{
    const struct str name = value->key->text;
    struct str text;
    if (value->kind == YAML_MAP) {
        const struct yaml_node *file = yaml_get(value, "file");
        if (file == NULL || value->count != 1) {
            return config_expected(r, value, name.p, "a value, or {file: FILE}");
        }
        const int status = config_scalar(r, file, name.p, "the name of a file", &text);
        if (status == STATUS_OK) {
            option->file = config_path(r, config_copy(r, text));
        }
        return status;
    }
    if (is_secret(name)) {
        return config_fail(r, value, name.p,
                           "a secret may not stand in the configuration: put it into a file of its "
                           "own and write {file: FILE}");
    }
    const int status = config_scalar(r, value, name.p, "a value, or {file: FILE}", &text);
    if (status == STATUS_OK && text.len > OPTION_MAX_BYTES) {
        return config_expected(r, value, name.p, "a value of at most 4096 bytes");
    }
    if (status == STATUS_OK) {
        option->value = config_copy(r, text);
    }
    return status;
}

int config_read_kafka(struct config_reader *r, const struct config_key *key,
                      const struct yaml_node *value, void *target)
{
    struct config_kafka *kafka = &((struct config_source *)target)->kafka;
    if (value->kind != YAML_MAP || value->count > CONFIG_OPTIONS_MAX) {
        return config_expected(r, value, key->name, "a map of options of librdkafka");
    }
    const char *outer = r->context;
    r->context = "source.kafka.";
    kafka->options = arena_array(r->memory, CONFIG_OPTIONS_MAX, sizeof *kafka->options);
    int status = STATUS_OK;
    for (const struct yaml_node *entry = value->first; entry != NULL && status == STATUS_OK;
         entry = entry->next) {
        struct config_option option = {.name = config_copy(r, entry->key->text)};
        if (is_ours(entry->key->text)) {
            status = config_fail(r, entry->key, NULL,
                                 "source.kafka.%s: Tilewire sets it, because what is read depends "
                                 "on it; leave it out",
                                 option.name);
        } else {
            status = read_value(r, entry, &option);
        }
        kafka->options[kafka->option_count++] = option;
    }
    r->context = outer;
    return status;
}
