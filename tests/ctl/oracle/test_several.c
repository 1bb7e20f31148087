/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle over several sources: two files of SQLite, one of which may not be there. */
#include "ctl/oracle/several.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "common/wire/tally.h"
#include "ctl/oracle/named.h"
#include "ctl/oracle/oracle.h"
#include "ctl/oracle/sources.h"
#include "tests/unit.h"

static char folder[] = "/tmp/tilewire-several-XXXXXX";

static const char yaml[] =
    "sources:\n"
    "  - {name: shop, uri: 'sqlite:a.db', columns: {region: region}}\n"
    "  - {name: desk, uri: 'sqlite:b.db', columns: {team: team}, metric_event: m}\n"
    "tiles:\n"
    "  - {key: all, type: count}\n"
    "  - {key: desks, type: count, source: desk}\n"
    "  - {key: red, type: count, match: {team: red}}\n"
    "  - {key: eu, type: count, match: {region: eu}}\n"
    "  - {key: metric, type: count, metric: x, source: desk}\n";

static void run_sql(const char *file, const char *sql)
{
    char path[100];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define COLUMNS                                                                                    \
    "id INTEGER PRIMARY KEY, timestamp TEXT, event_type TEXT, actor_id TEXT, target_id TEXT, "     \
    "summary TEXT, payload TEXT, "

static void make_shop(void)
{
    run_sql("a.db", "CREATE TABLE events (" COLUMNS "region TEXT);"
                    "INSERT INTO events (id, timestamp, event_type, region) VALUES "
                    "(1, '2026-11-27T10:00:00Z', 'a', 'eu'), (2, '2026-11-27T10:00:00Z', 'a', "
                    "'red'), (7, '2026-11-27T10:00:00Z', 'a', 'us')");
}

static void make_desk(void)
{
    run_sql("b.db", "CREATE TABLE events (" COLUMNS "team TEXT);"
                    "INSERT INTO events (id, timestamp, event_type, team, payload) VALUES "
                    "(1, '2026-11-27T09:00:00Z', 'm', 'red', '{\"metric\":\"x\",\"value\":4}'), "
                    "(7, '2026-11-27T10:00:00Z', 'a', 'eu', NULL)");
}

struct opened {
    struct config *config;
    struct oracle_rows *rows;
    struct oracle_source *source;
};

static struct opened open_all(void)
{
    struct opened o = {0};
    struct error err = {{0}};
    char name[100];
    (void)snprintf(name, sizeof name, "%s/t.yaml", folder);
    assert_int_equal(config_parse(yaml, strlen(yaml), name, &o.config, &err), STATUS_OK);
    o.rows = oracle_rows_create(o.config);
    assert_int_equal(oracle_source_open(o.config, &o.source, &err), STATUS_OK);
    return o;
}

static void close_all(struct opened *o)
{
    oracle_source_close(&o->source);
    oracle_rows_destroy(&o->rows);
    config_destroy(&o->config);
}

/* How many rows go into that tile. */
static size_t rows_of(const struct opened *o, const char *key)
{
    struct oracle_members members;
    oracle_select(o->rows, config_tile(o->config, str_of(key)), &members);
    const size_t count = members.list[0].count;
    oracle_members_free(&members);
    return count;
}

static void test_each_tile_has_the_rows_of_its_source(void **state)
{
    (void)state;
    struct error err = {{0}};
    make_shop();
    make_desk();
    struct opened o = open_all();
    assert_int_equal(oracle_source_load(o.source, o.rows, &err), STATUS_OK);
    assert_int_equal(rows_of(&o, "all"), 5);
    assert_int_equal(rows_of(&o, "desks"), 2);
    assert_int_equal(rows_of(&o, "red"), 1); /* no team of the shop's is a region of its own */
    assert_int_equal(rows_of(&o, "eu"), 1);
    assert_int_equal(rows_of(&o, "metric"), 1);
    run_sql("a.db", "INSERT INTO events (id, timestamp, event_type) "
                    "VALUES (9, '2026-11-27T10:00:00Z', 'a')");
    assert_int_equal(oracle_source_load(o.source, o.rows, &err), STATUS_OK);
    assert_int_equal(rows_of(&o, "all"), 6);
    run_sql("b.db", "DELETE FROM events WHERE id = 7");
    assert_int_equal(oracle_source_load_anew(o.source, o.rows, &err), STATUS_OK);
    assert_int_equal(rows_of(&o, "all"), 5);
    assert_int_equal(rows_of(&o, "desks"), 1);
    close_all(&o);
}

/* Rows stand in the order of their ids NAME-ID, by which the log of events has them. */
static void test_rows_are_named_as_events_are(void **state)
{
    (void)state;
    static const char *const ids[] = {"desk-1", "desk-7", "shop-1", "shop-2", "shop-7"};
    struct error err = {{0}};
    make_shop();
    make_desk();
    struct opened o = open_all();
    assert_int_equal(oracle_source_load(o.source, o.rows, &err), STATUS_OK);
    assert_int_equal(oracle_rows_count(o.rows), 5);
    for (size_t i = 0; i < 5; i++) {
        struct str rest;
        assert_int_equal(oracle_row_id(o.rows, i), i + 1);
        assert_int_equal(oracle_row_key(o.rows, i), tally_id(event_id_of_text(str_of(ids[i]))));
        assert_int_equal(oracle_named_source(o.config, str_of(ids[i]), &rest),
                         oracle_row_source(o.rows, i));
        assert_int_equal(oracle_row_offset(o.rows, i), atoi(rest.p));
    }
    assert_true(oracle_row_stream(o.rows, 0) != oracle_row_stream(o.rows, 2));
    close_all(&o);
}

static void test_what_cannot_be_read_is_said_by_name_and_hides_no_other(void **state)
{
    (void)state;
    struct error err = {{0}};
    make_shop();
    struct opened o = open_all();
    const struct tile_config *desks = config_tile(o.config, STR("desks"));
    struct tile_config shops = *desks;
    shops.source = &o.config->sources[0];
    assert_int_equal(oracle_source_load(o.source, o.rows, &err), STATUS_OK);
    assert_int_equal(oracle_rows_count(o.rows), 3);
    assert_null(oracle_source_unread(o.source, &shops));
    const char *why = oracle_source_unread(o.source, desks);
    assert_non_null(why);
    assert_memory_equal(why, "source desk cannot be read: ", 28);
    assert_non_null(strstr(why, "b.db"));
    assert_non_null(oracle_source_unread(o.source, config_tile(o.config, STR("all"))));
    make_desk();
    assert_int_equal(oracle_source_load_anew(o.source, o.rows, &err), STATUS_OK);
    assert_null(oracle_source_unread(o.source, desks));
    assert_int_equal(oracle_rows_count(o.rows), 5);
    close_all(&o);
}

static void test_nothing_can_be_said_when_none_can_be_read(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct opened o = open_all();
    assert_int_equal(oracle_source_load(o.source, o.rows, &err), STATUS_IO);
    assert_memory_equal(err.text, "source desk cannot be read: ", 28);
    close_all(&o);
}

static void remove_file(const char *file)
{
    char path[100];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    (void)unlink(path);
}

static int setup(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/tilewire-several-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    remove_file("a.db");
    remove_file("b.db");
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_tile_has_the_rows_of_its_source),
        TEST(test_rows_are_named_as_events_are),
        TEST(test_what_cannot_be_read_is_said_by_name_and_hides_no_other),
        TEST(test_nothing_can_be_said_when_none_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
