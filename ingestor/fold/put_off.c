/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/put_off.h"

uint64_t *put_off_counts_of(struct put_off_counts *counts, const struct event *event)
{
    return event->source < CONFIG_SOURCES_MAX ? &counts->of[event->source] : &counts->unknown;
}

void put_off_counts_drop(struct put_off_counts *counts, uint64_t sources)
{
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        counts->of[i] = (sources >> i & 1) != 0 ? 0 : counts->of[i];
    }
}

uint64_t put_off_counts_total(const struct put_off_counts *counts)
{
    uint64_t total = counts->unknown;
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        total += counts->of[i];
    }
    return total;
}

uint64_t put_off_counts_sources(const struct put_off_counts *counts)
{
    uint64_t sources = counts->unknown != 0 ? PUT_OFF_UNKNOWN : 0;
    for (size_t i = 0; i < CONFIG_SOURCES_MAX; i++) {
        sources |= (uint64_t)(counts->of[i] != 0) << i;
    }
    return sources;
}

uint64_t put_off_counts_all(const struct config *config)
{
    return config_has_sources(config) ? (UINT64_C(1) << config->source_count) - 1 : 1;
}

static const char *name_of(const struct config *config, size_t i)
{
    return config_has_sources(config) ? config->sources[i].name : "";
}

static bool named(const struct put_off_counts *counts, uint64_t sources, size_t i)
{
    return (sources >> i & 1) != 0 || counts->of[i] != 0;
}

static void put(struct buf *out, const char *name, uint64_t count)
{
    mp_put_array(out, 2);
    mp_put_text(out, name);
    mp_put_uint(out, count);
}

void put_off_counts_save(const struct put_off_counts *counts, uint64_t sources,
                         const struct config *config, struct buf *out)
{
    const uint64_t all = put_off_counts_all(config);
    size_t count = config_has_sources(config) && counts->unknown != 0;
    for (size_t i = 0; i < CONFIG_SOURCES_MAX && (all >> i & 1) != 0; i++) {
        count += named(counts, sources, i);
    }
    mp_put_array(out, count);
    for (size_t i = 0; i < CONFIG_SOURCES_MAX && (all >> i & 1) != 0; i++) {
        if (named(counts, sources, i)) {
            put(out, name_of(config, i), counts->of[i]);
        }
    }
    if (counts->unknown != 0 && config_has_sources(config)) {
        put(out, "", counts->unknown);
    }
}

/* The place of the source of that name; CONFIG_SOURCES_MAX: it is configured no more. */
static size_t find(const struct config *config, struct str name)
{
    for (size_t i = 0; (put_off_counts_all(config) >> i & 1) != 0; i++) {
        if (str_is(name, name_of(config, i))) {
            return i;
        }
    }
    return CONFIG_SOURCES_MAX;
}

bool put_off_counts_load(struct put_off_counts *counts, uint64_t *sources,
                         const struct config *config, const mp_value *value)
{
    *counts = (struct put_off_counts){0};
    *sources = 0;
    for (size_t i = 0; i < mp_count(value); i++) {
        struct str name;
        uint64_t count;
        if (!mp_as_str(mp_at(mp_at(value, i), 0), &name) ||
            !mp_as_uint(mp_at(mp_at(value, i), 1), &count)) {
            return false;
        }
        const size_t at = find(config, name);
        if (at < CONFIG_SOURCES_MAX) {
            counts->of[at] = count;
            *sources |= UINT64_C(1) << at;
        } else {
            counts->unknown += count;
        }
    }
    return mp_is_array(value);
}
