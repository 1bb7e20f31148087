/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/cursor/pg_cursor_key.h"

#include <endian.h>
#include <string.h>

#include "ingestor/source/postgres/pg_value.h"
#include "tests/unit.h"

/* A row of an id and of the cursor's value, as PostgreSQL sends them; NULL is NULL. */
static PGresult *row_of(Oid id_type, struct str id, Oid time_type, struct str time)
{
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char names[] = "c";
    PGresAttDesc columns[] = {{.name = names, .typid = id_type, .format = 1},
                              {.name = names, .typid = time_type, .format = 1}};
    const struct str values[] = {id, time};
    assert_int_equal(PQsetResultAttrs(rows, 2, columns), 1);
    for (int i = 0; i < 2; i++) {
        char bytes[64];
        memcpy(bytes, values[i].p != NULL ? values[i].p : "", values[i].len);
        assert_int_equal(PQsetvalue(rows, 0, i, values[i].p != NULL ? bytes : NULL,
                                    values[i].p != NULL ? (int)values[i].len : -1),
                         1);
    }
    return rows;
}

/* The texts are those that PostgreSQL 15 writes with DateStyle ISO in UTC, but for zeros of the
 * fraction, which it leaves out. */
static void times_become_the_texts_that_postgresql_writes(void **state)
{
    (void)state;
    static const struct {
        int64_t us; /* since 2000 */
        const char *text;
        bool has_time;
    } cases[] = {
        {0, "2000-01-01 00:00:00.000000", true},
        {-1, "1999-12-31 23:59:59.999999", true},
        {INT64_C(849090770123456), "2026-11-27 10:32:50.123456", true},
        {INT64_C(252455616000000000) - 1, "9999-12-31 23:59:59.999999", true},
        {INT64_C(252455616000000000), "010000-01-01 00:00:00.000000", false},
        {INT64_C(9223371331199999999), "294276-12-31 23:59:59.999999", false},
        {INT64_C(-63082368000000000), "0001-12-31 00:00:00.000000 BC", true},
        {INT64_C(-211810204800000000), "4713-01-01 00:00:00.000000 BC", false},
        {INT64_MAX, "infinity", false},
        {INT64_MIN, "-infinity", false},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const bool zoned = i % 2 != 0;
        const uint64_t big = htobe64((uint64_t)cases[i / 2].us);
        struct pg_cursor_scratch scratch = {{0}, {0}};
        struct buf text = {0};
        wall_time time = {0};
        PGresult *rows =
            row_of(PG_OID_TEXT, STR("a"), zoned ? PG_OID_TIMESTAMPTZ : PG_OID_TIMESTAMP,
                   (struct str){(const char *)&big, sizeof big});
        const struct cursor_key key = pg_cursor_key(rows, 0, 1, &scratch);
        const char *bc = strstr(cases[i / 2].text, " BC");
        const bool infinite = strchr(cases[i / 2].text, 'f') != NULL;
        const size_t plain =
            bc != NULL ? (size_t)(bc - cases[i / 2].text) : strlen(cases[i / 2].text);
        buf_printf(&text, "%.*s%s%s", (int)plain, cases[i / 2].text,
                   zoned && !infinite ? "+00" : "", bc != NULL ? bc : "");
        assert_str(key.time, buf_cstr(&text));
        assert_int_equal(pg_cursor_time(rows, 0, 1, &key, NULL, &time), cases[i / 2].has_time);
        if (cases[i / 2].has_time) {
            assert_true(time.us == cases[i / 2].us + INT64_C(946684800000000));
        }
        buf_free(&text);
        pg_cursor_scratch_free(&scratch);
        PQclear(rows);
    }
}

static void ids_become_texts(void **state)
{
    (void)state;
    static const struct {
        Oid type;
        struct str value;
        const char *key;
        const char *id;
    } cases[] = {
        {PG_OID_TEXT, {"01J2", 4}, "01J2", "01J2"},
        {PG_OID_UUID,
         {"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16},
         "00112233-4455-6677-8899-aabbccddeeff",
         "00112233-4455-6677-8899-aabbccddeeff"},
        {PG_OID_BYTEA, {"\x00\xff\x5c", 3}, "\\x00ff5c", "00ff5c"},
        {PG_OID_BYTEA, {"", 0}, "\\x", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pg_cursor_scratch scratch = {{0}, {0}};
        PGresult *rows = row_of(cases[i].type, cases[i].value, PG_OID_TEXT, STR("now"));
        const struct cursor_key key = pg_cursor_key(rows, 0, 1, &scratch);
        assert_str(key.id, cases[i].key);
        assert_str(pg_cursor_id(&key, cases[i].type == PG_OID_BYTEA), cases[i].id);
        assert_str(key.time, "now");
        pg_cursor_scratch_free(&scratch);
        PQclear(rows);
    }
}

static void null_is_no_text(void **state)
{
    (void)state;
    struct pg_cursor_scratch scratch = {{0}, {0}};
    wall_time time;
    PGresult *rows = row_of(PG_OID_UUID, STR_NULL, PG_OID_TIMESTAMPTZ, STR_NULL);
    const struct cursor_key key = pg_cursor_key(rows, 0, 1, &scratch);
    assert_null(key.time.p);
    assert_null(key.id.p);
    assert_str(pg_cursor_id(&key, false), "");
    assert_false(pg_cursor_time(rows, 0, 1, &key, NULL, &time));
    pg_cursor_scratch_free(&scratch);
    PQclear(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_become_the_texts_that_postgresql_writes),
        cmocka_unit_test(ids_become_texts),
        cmocka_unit_test(null_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
