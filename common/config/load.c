/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a configuration from its file: the YAML, then each section, then what follows from all. */
#include "common/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/config/definition.h"
#include "common/config/file/file.h"
#include "common/config/finish.h"
#include "common/config/sections.h"
#include "common/config/source_kinds.h"

/* All sections have to be known before one is read. */
static int check_sections(struct config_reader *r, const struct yaml_node *root)
{
    const struct config_table *sections = &config_sections;
    if (root->kind != YAML_MAP) {
        return config_expected(r, root, NULL, "a map of keys and values");
    }
    for (const struct yaml_node *value = root->first; value != NULL; value = value->next) {
        if (config_find_key(sections, value->key->text) == NULL) {
            return config_unknown_key(r, value->key, &sections, 1);
        }
    }
    return STATUS_OK;
}

/* Tiles, their calendars and alerts can be changed without a new start, and the other programs'
 * sections are not ours. */
static bool is_base(const char *section)
{
    return strcmp(section, "tiles") != 0 && strcmp(section, "calendars") != 0 &&
           strcmp(section, "alerts") != 0 && strcmp(section, "cache") != 0 &&
           strcmp(section, "gateway") != 0;
}

static uint64_t digest_base(struct arena *scratch, const struct yaml_node *root)
{
    uint64_t hash = FNV_BEGIN;
    for (size_t i = 0; i < config_sections.count; i++) {
        const char *section = config_sections.rows[i].name;
        const struct yaml_node *value = is_base(section) ? yaml_get(root, section) : NULL;
        if (value != NULL) {
            hash = fnv1a(fnv1a(hash, str_of(section)), str_of(config_definition(scratch, value)));
        }
    }
    return hash;
}

static int read_root(struct config_reader *r, const struct yaml_node *root)
{
    config_apply_defaults(r, &config_sections, r->config);
    int status = check_sections(r, root);
    for (size_t i = 0; i < config_sections.count && status == STATUS_OK; i++) {
        const struct config_key *section = &config_sections.rows[i];
        const struct yaml_node *value = yaml_get(root, section->name);
        if (value != NULL) {
            status = section->read(r, section, value, r->config);
        }
    }
    return status == STATUS_OK ? config_finish(r, root) : status;
}

static struct config *config_create(const char *name)
{
    struct config *config = x_calloc(1, sizeof *config);
    config->memory = arena_create();
    config->file = arena_strndup(config->memory, name, strlen(name));
    config->program = "tilewire";
    return config;
}

int config_parse(const char *text, size_t len, const char *name, struct config **out,
                 struct error *err)
{
    *out = NULL;
    if (len > CONFIG_FILE_MAX) {
        return error_set(err, STATUS_INVALID, "%s: the file is larger than %d MiB",
                         config_short_name(name), CONFIG_FILE_MAX >> 20);
    }
    struct config *config = config_create(name);
    const char *slash = strrchr(config->file, '/');
    struct config_reader reader = {
        .config = config,
        .source = &config->source,
        .memory = config->memory,
        .file = config_short_name(config->file),
        .folder = {config->file, slash != NULL ? (size_t)(slash - config->file) + 1 : 0},
        .err = err,
        .context = "",
    };
    struct arena *tree = arena_create();
    struct yaml_node *root = NULL;
    int status = yaml_parse(tree, (struct str){text, len}, reader.file, &root, err);
    if (status == STATUS_OK) {
        status = read_root(&reader, root);
    }
    if (status == STATUS_OK) {
        config->base = digest_base(tree, root);
    }
    arena_destroy(&tree);
    if (status != STATUS_OK) {
        config_one_line(err);
        config_destroy(&config);
        return status;
    }
    *out = config;
    return STATUS_OK;
}

int config_load(const char *path, struct config **out, struct error *err)
{
    struct buf text = {0};
    *out = NULL;
    int status = config_file_read(path, CONFIG_FILE_MAX, 0, NULL, &text, err);
    if (status == STATUS_OK) {
        status = config_parse(buf_cstr(&text), text.len, path, out, err);
    }
    buf_free(&text);
    return status;
}

void config_destroy(struct config **config)
{
    if (*config == NULL) {
        return;
    }
    arena_destroy(&(*config)->memory);
    free(*config);
    *config = NULL;
}

int config_need_source(const struct config *config, struct error *err)
{
    if (!config->has_source) {
        return error_set(err, STATUS_INVALID,
                         "%s: source is missing: say where the events table is, for instance "
                         "`source: {uri: sqlite:events.db}`",
                         config_short_name(config->file));
    }
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source_kind *kind = config_source_kind(config->sources[i].kind);
        if (!source_kind_built(config->sources[i].kind)) {
            return error_set(err, STATUS_INVALID,
                             "%s: source.uri: this tilewire was built without %s: install %s, and "
                             "build it again",
                             config_short_name(config->file), kind->name, kind->package);
        }
    }
    return STATUS_OK;
}

const struct tile_config *config_tile(const struct config *config, struct str key)
{
    size_t low = 0;
    size_t high = config->tile_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct str found = str_of(config->tiles_by_key[middle]->key);
        const size_t len = key.len < found.len ? key.len : found.len;
        int order = memcmp(key.p, found.p, len);
        order = order != 0 ? order : (key.len > found.len) - (key.len < found.len);
        if (order == 0) {
            return config->tiles_by_key[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
