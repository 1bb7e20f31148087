/* SPDX-License-Identifier: Apache-2.0 */
/* The `sources` section: several sources, and what they have to have in common. */
#include <string.h>

#include "common/config/sections/section.h"

/* What stands for all of them: the first, with the fields that any of them has. */
static void add_to_all(struct config *config, const struct config_source *source)
{
    struct config_source *all = &config->source;
    if (source->number == 0) {
        struct config_extra_column *extras = all->extras;
        const size_t count = all->extra_count;
        *all = *source;
        all->extras = extras;
        all->extra_count = count;
        return;
    }
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        if (all->columns[i].name == NULL) {
            all->columns[i] = source->columns[i];
        }
    }
}

/* True for NAME-… */
static bool begins_with(const char *text, const char *name)
{
    const size_t len = strlen(name);
    return strncmp(text, name, len) == 0 && text[len] == '-';
}

static int check_entry(struct config_reader *r, const struct yaml_node *value,
                       const struct config_source *source)
{
    const struct config *config = r->config;
    if (source->name == NULL) {
        return config_fail(r, value, NULL,
                           "sources: each needs a name, by which tiles choose it: write name: "
                           "orders");
    }
    for (size_t i = 0; i < source->number; i++) {
        if (strcmp(config->sources[i].name, source->name) == 0) {
            return config_fail(r, yaml_get(value, "name"), NULL,
                               "sources: the name \"%s\" is taken already", source->name);
        }
        if (begins_with(source->name, config->sources[i].name) ||
            begins_with(config->sources[i].name, source->name)) {
            return config_fail(r, yaml_get(value, "name"), NULL,
                               "sources: ids of events begin with the name and a dash, so that "
                               "they could not be told from those of \"%s\"; choose another name",
                               config->sources[i].name);
        }
        if (config->sources[i].kind == SOURCE_PUSH && source->kind == SOURCE_PUSH) {
            return config_fail(r, yaml_get(value, "uri"), NULL,
                               "sources: only one of them can keep pushed events, for it is not "
                               "said which one an event is pushed to");
        }
    }
    return STATUS_OK;
}

static int read_entry(struct config_reader *r, const struct yaml_node *value,
                      struct config_source *source)
{
    const struct yaml_node *name = yaml_get(value, "name");
    const char *called = name != NULL && name->kind == YAML_SCALAR
                             ? arena_printf(r->memory, "source \"%s\"", name->text.p)
                             : "sources";
    const struct config_source *before = r->source;
    r->source = source;
    int status = config_read_one_source(r, called, value, source);
    r->source = before;
    if (status == STATUS_OK) {
        status = check_entry(r, value, source);
    }
    return status;
}

int config_read_sources(struct config_reader *r, const struct config_key *key,
                        const struct yaml_node *value, void *target)
{
    struct config *config = target;
    if (config->has_source) {
        return config_fail(r, value->key, NULL,
                           "sources: the file has `source` already; write that as an entry of "
                           "`sources`, with a name");
    }
    int status = config_expect_list(r, value, key->name, CONFIG_SOURCES_MAX);
    if (status != STATUS_OK) {
        return status;
    }
    const struct config_source defaults = config->source;
    config->source.extras =
        arena_array(r->memory, CONFIG_EXTRAS_MAX, sizeof *config->source.extras);
    config->source.extra_count = 0;
    config->sources = arena_array(r->memory, value->count, sizeof *config->sources);
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        struct config_source *source = &config->sources[config->source_count];
        *source = defaults;
        source->number = (unsigned)config->source_count;
        status = read_entry(r, node, source);
        if (status != STATUS_OK) {
            return status;
        }
        add_to_all(config, source);
        config->source_count++;
    }
    config->has_source = true;
    return STATUS_OK;
}

/* ---- tiles ---- */

int config_read_tile_source(struct config_reader *r, const struct config_key *key,
                            const struct yaml_node *value, void *target)
{
    const struct config *config = r->config;
    struct tile_config *tile = target;
    const char *names[CONFIG_SOURCES_MAX];
    if (!config_has_sources(config)) {
        return config_fail(r, value, key->name,
                           "only entries of `sources` have names to choose by; leave it out");
    }
    for (size_t i = 0; i < config->source_count; i++) {
        names[i] = config->sources[i].name;
    }
    size_t chosen;
    const int status = config_choose(r, key->name, value, names, config->source_count, &chosen);
    if (status == STATUS_OK) {
        tile->source = &config->sources[chosen];
        tile->local = &tile->source->local;
    }
    return status;
}
