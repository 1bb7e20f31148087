/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/configuration.md says just what the programs do: each key has its one row in a table, with
 * its default and its range as the program has them and its line of help, and no row is about a
 * key that does not exist.
 *
 * A table stands under a heading that names the section: `## `gateway``. The keys of one type of
 * tile stand under the type: `### `count`: a number`. A row names its key after the section, or in
 * full.
 */
#include "common/config/help.h"

#include <stdio.h>

#include "common/base/event_fields.h"
#include "common/config/config.h"
#include "tests/common/config/config_unit.h"

#define DOCUMENT TILEWIRE_SOURCE_DIR "/docs/configuration.md"
#define LINE_SIZE 2048
#define ROWS_MAX 400
#define CELLS 4

struct row {
    char section[64];
    char key[64];
    char standard[128];
    char range[128];
    char text[LINE_SIZE];
    int line;
    bool found; /* True when a key of the program has claimed the row. */
};

struct document {
    struct row rows[ROWS_MAX];
    size_t count;
    size_t keys; /* of the program, that were looked up */
};

static FILE *open_document(void)
{
    FILE *file = fopen(DOCUMENT, "r");
    assert_non_null(file);
    return file;
}

/* The text between the first two backticks; empty when there are none. */
static void first_code(const char *text, char *out, size_t size)
{
    const char *start = strchr(text, '`');
    const char *end = start != NULL ? strchr(start + 1, '`') : NULL;
    out[0] = '\0';
    if (end != NULL) {
        assert_true((size_t)(end - start - 1) < size);
        snprintf(out, size, "%.*s", (int)(end - start - 1), start + 1);
    }
}

/* Splits "| a | b | c | d |" into the texts between the bars. */
static void split_cells(char *line, char *cells[CELLS], int number)
{
    char *at = line + 1;
    for (size_t i = 0; i < CELLS; i++) {
        char *end = strchr(at, '|');
        if (end == NULL) {
            fail_msg("line %d: expected %d cells", number, CELLS);
            return;
        }
        *end = '\0';
        const struct str cell = str_trim(str_of(at));
        cells[i] = at + (cell.p - at);
        cells[i][cell.len] = '\0';
        at = end + 1;
    }
    assert_string_equal(at, "\n");
}

static void add_row(struct document *document, const char *section, char *line, int number)
{
    char *cells[CELLS];
    split_cells(line, cells, number);
    assert_true(document->count < ROWS_MAX);
    struct row *row = &document->rows[document->count++];
    row->line = number;
    snprintf(row->section, sizeof row->section, "%s", section);
    first_code(cells[0], row->key, sizeof row->key);
    assert_true(strlen(row->key) + 2 == strlen(cells[0])); /* nothing but the key */
    assert_true(strlen(cells[1]) < sizeof row->standard && strlen(cells[2]) < sizeof row->range);
    snprintf(row->standard, sizeof row->standard, "%s", cells[1]);
    snprintf(row->range, sizeof row->range, "%s", cells[2]);
    snprintf(row->text, sizeof row->text, "%s", cells[3]);
}

/* Reads the rows of all tables whose head is about keys. */
static struct document *read_document(void)
{
    struct document *document = calloc(1, sizeof *document);
    assert_non_null(document);
    FILE *file = open_document();
    char line[LINE_SIZE];
    char section[64] = "";
    bool inside = false;
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        assert_non_null(strchr(line, '\n'));
        if (line[0] == '#') {
            first_code(line, section, sizeof section);
        }
        if (strncmp(line, "| key", strlen("| key")) == 0) {
            assert_string_equal(line, "| key | default | range | |\n");
            inside = true;
        } else if (inside && line[0] == '|' && line[1] != '-') {
            add_row(document, section, line, number);
        } else {
            inside = inside && line[0] == '|';
        }
    }
    fclose(file);
    return document;
}

/* What the row of a key is called in full: "gateway.limits.streams", "count.window". */
static void name_of_key(const struct config_key_help *key, char out[128])
{
    const char *name = strchr(key->path, '.');
    if (key->tile_type != NULL) {
        snprintf(out, 128, "%s%s", key->tile_type, name);
    } else {
        snprintf(out, 128, "%s", key->path);
    }
}

static struct row *find_row(struct document *document, const char *name)
{
    struct row *found = NULL;
    for (size_t i = 0; i < document->count; i++) {
        struct row *row = &document->rows[i];
        char full[130];
        snprintf(full, sizeof full, "%s.%s", row->section, row->key);
        if (strcmp(full, name) == 0 || strcmp(row->key, name) == 0) {
            if (found != NULL) {
                fail_msg("%s is documented twice: lines %d and %d", name, found->line, row->line);
            }
            found = row;
        }
    }
    return found;
}

static void format_default(const struct config_key_help *key, char out[128])
{
    if (key->needed) {
        snprintf(out, 128, "none: needed");
    } else if (key->default_words != NULL) {
        snprintf(out, 128, "%s", key->default_words);
    } else if (key->default_value != NULL) {
        snprintf(out, 128, "`%s`", key->default_value);
    } else {
        snprintf(out, 128, "none");
    }
}

static void check_documented(const struct config_key_help *key, void *arg)
{
    struct document *document = arg;
    char name[128];
    char standard[128];
    name_of_key(key, name);
    format_default(key, standard);
    struct row *row = find_row(document, name);
    document->keys++;
    if (row == NULL) {
        fail_msg("no row says what %s is: | `%s` | %s | %s | %s |", name, key->path, standard,
                 key->range, key->help);
        return;
    }
    if (strcmp(row->standard, standard) != 0) {
        fail_msg("line %d: the default of %s is %s, not %s", row->line, name, standard,
                 row->standard);
    }
    if (strcmp(row->range, key->range) != 0) {
        fail_msg("line %d: the range of %s is \"%s\", not \"%s\"", row->line, name, key->range,
                 row->range);
    }
    if (strncmp(row->text, key->help, strlen(key->help)) != 0) {
        fail_msg("line %d: %s has to begin with its line of help: %s", row->line, name, key->help);
    }
    row->found = true;
}

static void test_each_key_has_its_row(void **state)
{
    (void)state;
    struct document *document = read_document();
    config_each_key(check_documented, document);
    for (size_t i = 0; i < document->count; i++) {
        const struct row *row = &document->rows[i];
        if (!row->found) {
            fail_msg("line %d: there is no key %s.%s", row->line, row->section, row->key);
        }
    }
    assert_true(document->keys == document->count && document->keys > 80);
    free(document);
}

static void check_help(const struct config_key_help *key, void *arg)
{
    (void)arg;
    const size_t len = key->help != NULL ? strlen(key->help) : 0;
    if (len == 0 || key->help[len - 1] != '.' || strstr(key->help, ". ") != NULL) {
        fail_msg("%s: expected one sentence of help, but found \"%s\"", key->path, key->help);
    }
}

static void test_help_is_one_sentence(void **state)
{
    (void)state;
    config_each_key(check_help, NULL);
}

/* The fields of events are keys of `source.columns`; they have a list in a sentence each. */
static void test_each_field_is_named(void **state)
{
    (void)state;
    char all[256] = "An event has the fields ";
    char optional[256] = "";
    for (size_t i = 0; i < EVENT_FIELDS; i++) {
        char *end = all + strlen(all);
        snprintf(end, sizeof all - (size_t)(end - all), "`%s`%s", event_fields[i].name,
                 i + 2 < EVENT_FIELDS    ? ", "
                 : i + 2 == EVENT_FIELDS ? " and "
                                         : ". ");
        if (event_fields[i].optional) {
            end = optional + strlen(optional);
            snprintf(end, sizeof optional - (size_t)(end - optional), "`%s`%s",
                     event_fields[i].name,
                     i + 2 < EVENT_FIELDS    ? ", "
                     : i + 2 == EVENT_FIELDS ? " and "
                                             : " may also just be");
        }
    }
    FILE *file = open_document();
    char line[LINE_SIZE];
    bool all_found = false;
    bool optional_found = false;
    while (fgets(line, sizeof line, file) != NULL) {
        all_found = all_found || strstr(line, all) != NULL;
        optional_found = optional_found || strstr(line, optional) != NULL;
    }
    fclose(file);
    assert_true(all_found);
    assert_true(optional_found);
}

/* Unknown keys are refused, so an example that is read shows only keys that exist. */
static void test_example_shows_only_real_keys(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_load(TILEWIRE_SOURCE_DIR "/docs/example.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_has_its_row),
        cmocka_unit_test(test_help_is_one_sentence),
        cmocka_unit_test(test_each_field_is_named),
        cmocka_unit_test(test_example_shows_only_real_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
