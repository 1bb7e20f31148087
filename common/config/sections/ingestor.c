/* SPDX-License-Identifier: Apache-2.0 */
/* The `ingestor` section: its addresses, its lanes, and where its state is saved. */
#include <string.h>

#include "common/config/file/values.h"
#include "common/config/network.h"
#include "common/config/sections/section.h"
#include "common/config/source_kinds.h"
#include "common/wire/lane.h"

/* postgresql://…: the state of a bus, which has no database of its own to keep it in. */
static int read_database(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, struct str uri)
{
    struct config *config = r->config;
    const size_t scheme = strlen("postgresql://");
    if (config->has_source && !config_source_kind(config->source.kind)->messages) {
        return config_fail(r, value, key->name,
                           "a database of its own is for the state of a bus, such as Kafka; that "
                           "of a table goes back together with its rows, so write postgresql, or "
                           "file:PATH");
    }
    if (config_uri_has_password((struct str){uri.p + scheme, uri.len - scheme})) {
        return config_fail(r, value, key->name,
                           "a password may not stand in the configuration: put it into a file of "
                           "its own and name that with checkpoint_password_file, or set PGPASSWORD "
                           "in the environment");
    }
    config->ingestor.checkpoint = CHECKPOINT_POSTGRESQL;
    config->ingestor.checkpoint_uri = config_copy(r, uri);
    return STATUS_OK;
}

/* `auto` leaves CHECKPOINT_NONE, which config_finish resolves. */
static int read_checkpoint(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    struct config_ingestor *ingestor = target;
    const struct config *config = r->config;
    static const char expected[] = "auto, postgresql, postgresql://… or file:PATH";
    struct str text;
    const int status = config_scalar(r, value, key->name, expected, &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (str_is(text, "auto")) {
        return STATUS_OK;
    }
    if (strncmp(text.p, "postgresql://", strlen("postgresql://")) == 0) {
        return read_database(r, key, value, text);
    }
    if (str_is(text, "postgresql")) {
        if (config->has_source &&
            config_source_kind(config->source.kind)->checkpoint != CHECKPOINT_POSTGRESQL) {
            return config_fail(r, value, key->name,
                               "postgresql is only possible when the source is PostgreSQL too, "
                               "in whose database the state then is");
        }
        ingestor->checkpoint = CHECKPOINT_POSTGRESQL;
        return STATUS_OK;
    }
    const char *path = text.p + strlen("file:");
    if (strncmp(text.p, "file:", strlen("file:")) != 0 || *path == '\0') {
        return config_expected(r, value, key->name, expected);
    }
    ingestor->checkpoint = CHECKPOINT_FILE;
    ingestor->checkpoint_path = config_path(r, path);
    for (size_t i = 0; i < config->source_count; i++) {
        const char *own = config->sources[i].path;
        if (own != NULL && strcmp(own, ingestor->checkpoint_path) == 0) {
            return config_fail(r, value, key->name, "that is the database's own file");
        }
    }
    return STATUS_OK;
}

/* Reads a list of numbers from 0 as bits. what: what they number, for people. */
static int read_bits(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, const char *what, uint64_t *bits)
{
    const int status = config_expect_list(r, value, key->name, (size_t)key->max);
    if (status != STATUS_OK) {
        return status;
    }
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        int64_t number = -1;
        if (node->kind != YAML_SCALAR || !config_whole_number_parse(node->text, &number) ||
            number < 0 || number >= LANES_MAX) {
            return config_expected(r, node, key->name,
                                   arena_printf(r->memory, "a %s's number, from 0", what));
        }
        if ((*bits >> number & 1) != 0) {
            return config_fail(r, node, key->name, "%s %d is named twice", what, (int)number);
        }
        *bits |= UINT64_C(1) << number;
    }
    return STATUS_OK;
}

static int read_own_lanes(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    struct config_ingestor *ingestor = target;
    return read_bits(r, key, value, "lane", &ingestor->own_lanes);
}

static int read_own_partitions(struct config_reader *r, const struct config_key *key,
                               const struct yaml_node *value, void *target)
{
    struct config_ingestor *ingestor = target;
    return read_bits(r, key, value, "partition", &ingestor->own_partitions);
}

static const struct config_key limit_rows[] = {
    {CONFIG_SIZE("field", struct config_ingestor, limits.field_bytes, 64, 1 << 20),
     .default_value = "16KiB",
     .help =
         "The size of one field of a raw event; a longer one is cut, and `truncated` names it."},
    {CONFIG_SIZE("event", struct config_ingestor, limits.event_bytes, 8 << 10, 1 << 20),
     .default_value = "64KiB",
     .help = "The size of a raw event; the longest fields of a larger one are cut."},
    {CONFIG_SIZE("tile", struct config_ingestor, limits.tile_bytes, 16 << 10, 2 << 20),
     .default_value = "1MiB",
     .help = "The size of a tile; the largest members of a larger one's `data` are left out, and "
             "`truncated` names them."},
};
static const struct config_table limits_table = CONFIG_TABLE(limit_rows);

static const struct config_key rows[] = {
    {CONFIG_BIND("publish", struct config_ingestor, publish),
     .default_value = "tcp://127.0.0.1:7401",
     .help = "The address where deltas are published (PUB)."},
    {CONFIG_BIND("query", struct config_ingestor, query), .default_value = "tcp://127.0.0.1:7402",
     .help = "The address where snapshots and queries are answered (ROUTER)."},
    {CONFIG_COUNT("lanes", struct config_ingestor, lanes, 1, LANES_MAX), .default_value = "1",
     .help = "The number of parts that the tiles are divided into, so that several ingestors can "
             "share the folding."},
    {CONFIG_LIST("own_lanes", read_own_lanes, LANES_MAX), .default_words = "all",
     .help = "A list of the lanes that this ingestor folds, counted from 0."},
    {CONFIG_COUNT("partitions", struct config_ingestor, partitions, 0, LANES_MAX - 1),
     .default_value = "0",
     .help = "The number of parts that the partitions of Kafka's topics are divided into, so that "
             "several ingestors can share the reading, for tiles with `partition: true`."},
    {CONFIG_LIST("own_partitions", read_own_partitions, LANES_MAX), .default_words = "all",
     .help = "A list of the parts that this ingestor reads and folds, counted from 0."},
    {CONFIG_COUNT("events", struct config_ingestor, events, 1, CONFIG_EVENTS_MAX),
     .default_value = "10000",
     .help = "The number of raw events that are kept in memory for those who join."},
    {CONFIG_SIZE("events_memory", struct config_ingestor, events_memory_bytes, 1 << 20,
                 CONFIG_EVENTS_MEMORY_MAX),
     .default_value = "64MiB", .help = "The memory that raw events may take; the oldest leave."},
    {CONFIG_SAME_SECTION("limits", limits_table),
     .help = "How large what is published may be; folding uses all of a row."},
    {CONFIG_CUSTOM("checkpoint", read_checkpoint), .default_value = "auto",
     .help = "Where the state is saved: `auto`, `file:PATH`, `postgresql` or `postgresql://…`."},
    {CONFIG_PATH("checkpoint_password_file", struct config_ingestor, checkpoint_password_file),
     .help = "A file whose first line is the password for `checkpoint: postgresql://…`."},
    {CONFIG_TEXT("checkpoint_name", struct config_ingestor, checkpoint_name, 40),
     .default_value = "events",
     .help = "What the state is called in that database, where several deployments keep theirs."},
    {CONFIG_DURATION("checkpoint_interval", struct config_ingestor, checkpoint_interval_ms, 10,
                     MS_PER_HOUR),
     .default_value = "1s", .help = "How often the state is saved."},
};
const struct config_table config_ingestor_table = CONFIG_TABLE(rows);

/* What `partitions` and `own_partitions` have to be beside each other, the lanes and the source. */
static int check_partitions(struct config_reader *r, const struct yaml_node *section)
{
    const struct config *config = r->config;
    const struct config_ingestor *ingestor = &config->ingestor;
    const struct yaml_node *own = yaml_get(section, "own_partitions");
    const struct yaml_node *count = yaml_get(section, "partitions");
    if (ingestor->partitions != 0 && config_has_sources(config)) {
        return config_fail(r, count, NULL,
                           "ingestor.partitions: with `sources` each ingestor reads all of them; "
                           "divide the tiles by `lanes`");
    }
    if (ingestor->partitions != 0 && config->has_source && config->source.kind != SOURCE_KAFKA) {
        return config_fail(r, count, NULL,
                           "ingestor.partitions: only a source of Kafka has partitions; divide "
                           "the tiles by `lanes`");
    }
    if (ingestor->lanes + ingestor->partitions > LANES_MAX) {
        return config_fail(r, count, NULL,
                           "ingestor.partitions: with `lanes` at most %d are possible, but there "
                           "are %u",
                           LANES_MAX, ingestor->lanes + ingestor->partitions);
    }
    if (ingestor->own_partitions == 0) {
        return STATUS_OK;
    }
    if (ingestor->own_partitions >> ingestor->partitions != 0) {
        return config_fail(r, own, NULL,
                           "ingestor.own_partitions: they count from 0, and there are %u "
                           "(`partitions`)",
                           ingestor->partitions);
    }
    if (ingestor->own_lanes != 0) {
        return config_fail(r, own, NULL,
                           "ingestor.own_partitions: does not go with own_lanes, for which all "
                           "partitions are read; give the lanes to an ingestor of their own");
    }
    return STATUS_OK;
}

int config_read_ingestor(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, void *target)
{
    struct config *config = target;
    const struct config_ingestor *ingestor = &config->ingestor;
    int status = config_read_section(r, key->name, value, key->table, &config->ingestor);
    if (status == STATUS_OK) {
        status = check_partitions(r, value);
    }
    if (status == STATUS_OK && ingestor->lanes < LANES_MAX &&
        ingestor->own_lanes >> ingestor->lanes != 0) {
        return config_fail(r, yaml_get(value, "own_lanes"), NULL,
                           "ingestor.own_lanes: lanes count from 0, and there are %u (`lanes`)",
                           ingestor->lanes);
    }
    if (status == STATUS_OK && ingestor->checkpoint_password_file != NULL &&
        ingestor->checkpoint_uri == NULL) {
        return config_fail(r, yaml_get(value, "checkpoint_password_file")->key, NULL,
                           "ingestor.checkpoint_password_file: it is for `checkpoint: "
                           "postgresql://…`; leave it out");
    }
    return status;
}
