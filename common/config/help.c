/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/help.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/config/network.h"
#include "common/config/sections.h"
#include "common/config/sections/section.h"
#include "common/config/tile_types.h"

#define PATH_SIZE 128

struct walk {
    config_key_fn *fn;
    void *arg;
    const char *tile_type;
};

static void write_range(struct buf *out, const struct config_key *key)
{
    char range[CONFIG_RANGE_SIZE];
    buf_append_text(out, config_measured_range(key, range));
    for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL; i++) {
        buf_printf(out, "%s`%s`", i > 0 ? " " : out->len > 0 ? ", " : "", key->choices[i]);
    }
    if (key->range != NULL) {
        buf_printf(out, "%s%s", out->len > 0 ? ", " : "", key->range);
    }
}

static void visit_key(const struct walk *walk, const struct config_key *key, const char *path)
{
    struct buf range = {0};
    write_range(&range, key);
    const struct config_key_help help = {
        .path = path,
        .tile_type = walk->tile_type,
        .range = buf_cstr(&range),
        .needed = key->needed != NULL,
        .default_value = key->default_words == NULL ? key->default_value : NULL,
        .default_words = key->default_words,
        .help = key->help,
    };
    walk->fn(&help, walk->arg);
    buf_free(&range);
}

/* Sections in the section are walked through; they hold no value of their own. */
static void visit_table(const struct walk *walk, const struct config_table *table,
                        const char *prefix)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_key *key = &table->rows[i];
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s%s%s", prefix, key->name, key->table != NULL ? "." : "");
        if (key->table != NULL) {
            visit_table(walk, key->table, path);
        } else if (key->read != config_read_tiles && key->read != config_read_sources &&
                   key->read != config_read_alerts && key->read != config_read_calendars) {
            visit_key(walk, key, path);
        }
    }
}

void config_each_key(config_key_fn *fn, void *arg)
{
    struct walk walk = {.fn = fn, .arg = arg};
    visit_table(&walk, &config_sections, "");
    visit_table(&walk, &config_upstream_table, "upstreams.");
    visit_table(&walk, &config_issuer_table, "issuers.");
    visit_table(&walk, &config_client_table, "clients.");
    visit_table(&walk, &config_alert_table, "alerts.");
    visit_table(&walk, &config_calendar_table, "calendars.");
    visit_table(&walk, &config_tile_identity_table, "tiles.");
    visit_table(&walk, &config_tile_shared_table, "tiles.");
    for (size_t i = 0; i < TILE_TYPES; i++) {
        const struct tile_rules *rules = config_tile_rules(config_tile_types_listed[i]);
        walk.tile_type = rules->name;
        visit_table(&walk, &rules->table, "tiles.");
    }
}
