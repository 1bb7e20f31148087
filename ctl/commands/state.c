/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what is stored of the tiles. `ls` and `export` read it, beside an ingestor that runs;
 * `import` and `drop` hold the lease while they write, so that none does.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec/json.h"
#include "common/program/program.h"
#include "common/state/state_export.h"
#include "ctl/base/print.h"
#include "ctl/commands/commands.h"
#include "ctl/commands/show.h"
#include "ctl/state/records.h"
#include "ctl/state/stores.h"

/* A holder that is gone without a word is noticed after LEASE_EXPIRE_MS. */
#define HOLD_WAIT_MS 5000

enum { OPTION_FORCE = 256 };

struct state_options {
    bool force;
};

static const struct argp_option options_known[] = {
    {"force", OPTION_FORCE, NULL, 0, "export: replace an export that is there", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    struct state_options *options = state->input;
    if (key != OPTION_FORCE) {
        return ARGP_ERR_UNKNOWN;
    }
    options->force = true;
    return 0;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- ls ---- */

static void add_row(struct show_table *table, const struct record_tile *tile)
{
    char time[WALL_TEXT_SIZE];
    char number[32];
    struct buf since = {0};
    if (tile->key == NULL) {
        snprintf(number, sizeof number, "(records %" PRIu64 ")", tile->number);
    }
    show_table_add(table, tile->key != NULL ? tile->key : number);
    snprintf(number, sizeof number, "%zu", tile->bytes);
    show_table_add(table, number);
    if (tile->position != NULL) {
        buf_printf(&since, "%s at %s", tile->position, wall_format(tile->since, time));
    }
    show_table_add(table, since.len != 0 ? buf_cstr(&since) : "-");
    show_table_add(table, tile->key == NULL ? "damaged" : tile->complete ? "yes" : "no");
    show_table_add(table, tile->retired ? wall_format(tile->retired_at, time) : "-");
    buf_free(&since);
}

static void add_json(struct buf *json, const struct record_tile *tile)
{
    char time[WALL_TEXT_SIZE];
    buf_append_text(json, json->len > 1 ? ",\n {\"key\":" : "{\"key\":");
    if (tile->key == NULL) {
        buf_append_text(json, "null,\"damaged\":true}");
        return;
    }
    json_write_string(json, str_of(tile->key));
    buf_printf(json, ",\"bytes\":%zu,\"since\":", tile->bytes);
    if (tile->position != NULL) {
        buf_append_text(json, "{\"position\":");
        json_write_string(json, str_of(tile->position));
        buf_printf(json, ",\"time\":\"%s\"}", wall_format(tile->since, time));
    } else {
        buf_append_text(json, "null");
    }
    buf_printf(json, ",\"complete\":%s,\"retired_at\":", tile->complete ? "true" : "false");
    if (tile->retired) {
        buf_printf(json, "\"%s\"}", wall_format(tile->retired_at, time));
    } else {
        buf_append_text(json, "null}");
    }
}

static void print_tiles(const struct ctl *ctl, const struct record_tiles *tiles)
{
    static const char *const header[] = {"KEY", "BYTES", "SINCE", "COMPLETE", "RETIRED"};
    struct show_table table;
    struct buf json = {0};
    show_table_init(&table, sizeof header / sizeof *header);
    for (size_t i = 0; i < sizeof header / sizeof *header; i++) {
        show_table_add(&table, header[i]);
    }
    buf_append_char(&json, '[');
    for (size_t i = 0; i < tiles->count; i++) {
        if (ctl->json) {
            add_json(&json, &tiles->list[i]);
        } else {
            add_row(&table, &tiles->list[i]);
        }
    }
    if (ctl->json) {
        print_json(ctl->out, buf_str(&json));
        fputs("]\n", ctl->out);
    } else {
        show_table_print(&table, ctl);
    }
    show_table_free(&table);
    buf_free(&json);
}

static int list(const struct ctl *ctl, const struct command_line *line, struct error *err)
{
    (void)line;
    struct state_changes records = {0};
    struct record_tiles tiles = {0};
    int status = stores_read(ctl->config, &records, NULL, err);
    if (status == STATUS_OK) {
        status = records_read_tiles(&records, &tiles, err);
    }
    if (status == STATUS_OK) {
        print_tiles(ctl, &tiles);
    }
    records_free_tiles(&tiles);
    state_changes_free(&records);
    return status;
}

/* ---- export ---- */

static size_t count_damaged(const struct record_tiles *tiles)
{
    size_t damaged = 0;
    for (size_t i = 0; i < tiles->count; i++) {
        damaged += tiles->list[i].key == NULL;
    }
    return damaged;
}

/* Leaves out the records of tiles that are damaged. */
static void take_whole(const struct state_changes *records, const struct record_tiles *tiles,
                       struct state_changes *out)
{
    size_t at = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct state_change *record = &records->list[i];
        while (at < tiles->count && tiles->list[at].number < record->id.tile) {
            at++;
        }
        if (record->id.tile == 0 ? record->kind == STATE_PUT : tiles->list[at].key != NULL) {
            state_put(out, record->id, state_value(records, record));
        }
    }
}

static int export_to(const struct ctl *ctl, const struct command_line *line, struct error *err)
{
    const struct state_options *options = line->options;
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct state_changes whole = {0};
    struct record_tiles tiles = {0};
    int status = stores_read(ctl->config, &records, &journal, err);
    if (status == STATUS_OK) {
        status = records_read_tiles(&records, &tiles, err);
    }
    const size_t damaged = count_damaged(&tiles);
    if (status == STATUS_OK) {
        take_whole(&records, &tiles, &whole);
        status = state_export_write(line->second, options->force, &whole, &journal, err);
    }
    if (status == STATUS_OK && damaged != 0) {
        (void)ctl_fail(ctl, "the records of %zu tile definition%s are damaged, and not exported",
                       damaged, plural(damaged));
    }
    if (status == STATUS_OK) {
        fprintf(ctl->out, "the state of %zu tile definition%s is in %s\n", tiles.count - damaged,
                plural(tiles.count - damaged), line->second);
    }
    records_free_tiles(&tiles);
    state_changes_free(&whole);
    state_changes_free(&journal);
    state_changes_free(&records);
    return status;
}

/* ---- Writing ---- */

static int wait_ms(const struct command_line *line)
{
    return line->timeout_ms != 0 ? (int)line->timeout_ms : HOLD_WAIT_MS;
}

/* The lease may be lost to an ingestor that found us silent for long. */
static int explain(int status, struct error *err)
{
    return status == STATUS_DENIED
               ? error_prefix(
                     err, STATUS_AGAIN,
                     "nothing was changed, for an ingestor was started meanwhile: stop it, "
                     "and run this command again")
               : status;
}

/* ---- import ---- */

static int replace(struct stores_held *held, const struct state_changes *records,
                   const struct state_changes *journal, struct error *err)
{
    const struct state_store_ops *ops = held->store->ops;
    struct state_changes all = {0};
    state_gone(&all, STATE_ALL_GONE, (struct state_id){0});
    state_changes_append(&all, records);
    int status = ops->save(held->store, &all, STATE_JOURNAL_ALL, err);
    if (status == STATUS_INVALID) { /* what was there is damaged, and begun anew */
        status = ops->save(held->store, &all, STATE_JOURNAL_ALL, err);
    }
    state_changes_free(&all);
    status = explain(status, err);
    for (size_t i = 0; i < journal->count && status == STATUS_OK; i++) {
        const struct state_change *record = &journal->list[i];
        status = ops->append(held->store, record->id.item, state_value(journal, record), err);
        if (status != STATUS_OK) {
            error_prefix(err, STATUS_IO,
                         "the tiles are imported, but not all of the journal, without which "
                         "streams begin anew; run this command again");
        }
    }
    return status;
}

/* Finds whatever is wrong with an export, before anything is changed. */
static int read_export(const struct ctl *ctl, const char *path, struct state_changes *records,
                       struct state_changes *journal, struct record_tiles *tiles, struct error *err)
{
    int status = state_export_read(path, records, journal, err);
    if (status == STATUS_OK) {
        status = records_read_tiles(records, tiles, err);
    }
    if (status == STATUS_OK && count_damaged(tiles) != 0) {
        status = error_set(err, STATUS_INVALID, "a tile in it cannot be read");
    }
    return status == STATUS_OK ? records_check_place(records, ctl->config, err) : status;
}

static int import_from(const struct ctl *ctl, const struct command_line *line, struct error *err)
{
    struct state_changes records = {0};
    struct state_changes journal = {0};
    struct record_tiles tiles = {0};
    struct stores_held held = {0};
    int status = read_export(ctl, line->second, &records, &journal, &tiles, err);
    if (status != STATUS_OK) {
        error_prefix(err, status, "%s is not imported", line->second);
    } else {
        status = stores_hold(&held, ctl->config, wait_ms(line), err);
        status = status == STATUS_OK ? stores_open(&held, err) : status;
        status = status == STATUS_OK ? replace(&held, &records, &journal, err) : status;
    }
    if (status == STATUS_OK) {
        fprintf(ctl->out,
                "the state of %zu tile definition%s is imported; start the ingestor, which goes on "
                "from there\n",
                tiles.count, plural(tiles.count));
    }
    stores_release(&held);
    records_free_tiles(&tiles);
    state_changes_free(&journal);
    state_changes_free(&records);
    return status;
}

/* ---- drop ---- */

/* Adds what takes the tile's records away; returns how often it is stored. */
static size_t take_away(const struct record_tiles *tiles, const char *key,
                        struct state_changes *out)
{
    size_t found = 0;
    for (size_t i = 0; i < tiles->count; i++) {
        const struct record_tile *tile = &tiles->list[i];
        if (tile->key != NULL && strcmp(tile->key, key) == 0) {
            state_gone(out, STATE_TILE_GONE, (struct state_id){.tile = tile->number});
            found++;
        }
    }
    return found;
}

/* STATUS_NOT_FOUND: it is not stored. */
static int find(const struct ctl *ctl, const char *key, struct state_changes *gone,
                struct error *err)
{
    struct state_changes records = {0};
    struct record_tiles tiles = {0};
    int status = stores_read(ctl->config, &records, NULL, err);
    if (status == STATUS_OK) {
        status = records_read_tiles(&records, &tiles, err);
    }
    if (status == STATUS_OK && take_away(&tiles, key, gone) == 0) {
        status = error_set(err, STATUS_NOT_FOUND,
                           "no tile definition %s is stored; `tilewire state ls` lists those that "
                           "are (members of a family are dropped together, by its key)",
                           key);
    }
    records_free_tiles(&tiles);
    state_changes_free(&records);
    return status;
}

static int drop(const struct ctl *ctl, const struct command_line *line, struct error *err)
{
    struct state_changes gone = {0};
    struct stores_held held = {0};
    int status =
        find(ctl, line->second, &gone, err); /* what is wrong need not wait for the lease */
    if (status == STATUS_OK) {
        status = stores_hold(&held, ctl->config, wait_ms(line), err);
    }
    if (status == STATUS_OK) { /* now nobody changes it */
        state_changes_clear(&gone);
        status = find(ctl, line->second, &gone, err);
    }
    status = status == STATUS_OK ? stores_open(&held, err) : status;
    if (status == STATUS_OK) {
        status = explain(held.store->ops->save(held.store, &gone, 0, err), err);
    }
    if (status == STATUS_OK) {
        fprintf(ctl->out,
                "%s is dropped; it is built anew, from the rows that are there, when the ingestor "
                "is started\n",
                line->second);
    }
    stores_release(&held);
    state_changes_free(&gone);
    return status;
}

/* ---- The command ---- */

struct action {
    const char *name;
    const char *argument; /* NULL: none */
    int (*run)(const struct ctl *ctl, const struct command_line *line, struct error *err);
};

static const struct action actions[] = {
    {"ls", NULL, list},
    {"export", "FILE", export_to},
    {"import", "FILE", import_from},
    {"drop", "KEY", drop},
};

/* NULL when the command line is wrong, after saying how. */
static const struct action *action_of(const struct ctl *ctl, const struct command_line *line)
{
    const struct state_options *options = line->options;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        const struct action *action = &actions[i];
        if (strcmp(action->name, line->argument) != 0) {
            continue;
        }
        if ((action->argument != NULL) != (line->second != NULL)) {
            (void)ctl_fail(ctl,
                           action->argument != NULL ? "state %s needs a %s"
                                                    : "state %s takes no more arguments",
                           action->name, action->argument);
            return NULL;
        }
        if (options->force && action->run != export_to) {
            (void)ctl_fail(ctl, "--force is for state export alone");
            return NULL;
        }
        return action;
    }
    (void)ctl_fail(ctl, "state does ls, export, import or drop, not '%s'", line->argument);
    return NULL;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    struct error err = {{0}};
    const struct action *action = action_of(ctl, line);
    if (action == NULL) {
        return PROGRAM_EXIT_USAGE;
    }
    if (config_need_source(ctl->config, &err) != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
        return PROGRAM_EXIT_USAGE;
    }
    if (action->run(ctl, line, &err) != STATUS_OK) {
        (void)ctl_fail(ctl, "%s", err.text);
        return PROGRAM_EXIT_FAILED;
    }
    return EXIT_SUCCESS;
}

const struct command command_state = {
    .name = "state",
    .argument = "ACTION",
    .argument_needed = true,
    .takes_two = true,
    .brief = "what is stored of the tiles",
    .doc = "Look at and change what is stored of the tiles, where ingestor.checkpoint says."
           "\v"
           "  ls           list each tile definition: the bytes that it takes, the first\n"
           "               row that it could know, whether all older rows are in it,\n"
           "               and since when it is configured no more\n"
           "  export FILE  copy all of it into a new file\n"
           "  import FILE  replace it by what such a file has\n"
           "  drop KEY     forget one tile definition, which is then built anew\n"
           "\n"
           "ls and export may run beside an ingestor. import and drop refuse while one runs: stop "
           "it, and its standbys, first. --timeout says how long they try (default: 5s).",
    .bounds_itself = true,
    .config = COMMAND_CONFIG_NEEDED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct state_options),
    .run = run,
};
