/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/cursor/pg_cursor_key.h"

#include "common/base/event_fields.h"
#include "common/base/time/civil.h"
#include "ingestor/source/postgres/pg_value.h"

#define DAYS_TO_2000 10957
#define TIME_BYTES 48 /* of a text, at most */
#define HEX_PREFIX 2  /* \x */
#define UUID_BYTES 16

bool pg_cursor_sends_time(Oid type)
{
    return type == PG_OID_TIMESTAMP || type == PG_OID_TIMESTAMPTZ;
}

bool pg_cursor_sends_id(Oid type)
{
    return type == PG_OID_TEXT || type == PG_OID_VARCHAR || type == PG_OID_UUID ||
           type == PG_OID_BYTEA;
}

void pg_cursor_scratch_free(struct pg_cursor_scratch *scratch)
{
    buf_free(&scratch->time);
    buf_free(&scratch->id);
}

/* ---- Texts of times ---- */

/* The last digits of a number, with zeros before them. */
static char *put_digits(char *at, int64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

static char *put_date(char *at, int64_t days, bool *before_christ)
{
    int64_t year;
    int month;
    int day;
    civil_date(days, &year, &month, &day);
    *before_christ = year <= 0;
    year = *before_christ ? 1 - year : year;
    at = put_digits(at, year, year > 9999 ? 6 : 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, day, 2);
}

/* 2026-11-27 10:32:50.123456+00, as PostgreSQL writes it with DateStyle ISO in UTC. us: since 2000;
 * the greatest and the least are the infinities. */
static void put_time(int64_t us, bool has_zone, struct buf *out)
{
    char text[TIME_BYTES];
    char *at = text;
    bool before_christ;
    if (us == INT64_MAX || us == INT64_MIN) {
        buf_append_text(out, us > 0 ? "infinity" : "-infinity");
        return;
    }
    const int64_t days = civil_floor_div(us, US_PER_DAY);
    const int64_t of_day = us - days * US_PER_DAY;
    const int64_t s = of_day / US_PER_S;
    at = put_date(at, days + DAYS_TO_2000, &before_christ);
    *at++ = ' ';
    at = put_digits(at, s / 3600, 2);
    *at++ = ':';
    at = put_digits(at, s / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, s % 60, 2);
    *at++ = '.';
    at = put_digits(at, of_day % US_PER_S, 6);
    buf_append(out, text, (size_t)(at - text));
    buf_append_text(out, has_zone ? "+00" : "");
    buf_append_text(out, before_christ ? " BC" : "");
}

/* ---- Texts of ids ---- */

static char *put_hex(char *at, const unsigned char *bytes, size_t count)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    return at;
}

static void put_uuid(const unsigned char *bytes, struct buf *out)
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    char text[40];
    char *at = text;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (i != 0) {
            *at++ = '-';
        }
        at = put_hex(at, bytes, groups[i]);
        bytes += groups[i];
    }
    buf_append(out, text, (size_t)(at - text));
}

/* \x00ff, as PostgreSQL reads and writes it. */
static void put_bytes(const unsigned char *bytes, size_t count, struct buf *out)
{
    char digits[2];
    buf_append_text(out, "\\x");
    for (size_t i = 0; i < count; i++) {
        (void)put_hex(digits, bytes + i, 1);
        buf_append(out, digits, sizeof digits);
    }
}

/* ---- Keys ---- */

static struct str time_of(const PGresult *rows, int row, int column, struct buf *scratch)
{
    const Oid type = PQftype(rows, column);
    if (!pg_cursor_sends_time(type) || PQgetisnull(rows, row, column)) {
        return pg_value_text(rows, row, column);
    }
    buf_clear(scratch);
    put_time(pg_value_int64(rows, row, column), type == PG_OID_TIMESTAMPTZ, scratch);
    return buf_str(scratch);
}

static struct str id_of(const PGresult *rows, int row, struct buf *scratch)
{
    const Oid type = PQftype(rows, EVENT_ID);
    const struct str value = pg_value_text(rows, row, EVENT_ID);
    const unsigned char *bytes = (const unsigned char *)value.p;
    if (value.p == NULL || (type != PG_OID_UUID && type != PG_OID_BYTEA)) {
        return value;
    }
    buf_clear(scratch);
    if (type == PG_OID_UUID && value.len == UUID_BYTES) {
        put_uuid(bytes, scratch);
    } else {
        put_bytes(bytes, value.len, scratch);
    }
    return buf_str(scratch);
}

struct cursor_key pg_cursor_key(const PGresult *rows, int row, int time_at,
                                struct pg_cursor_scratch *scratch)
{
    return (struct cursor_key){time_of(rows, row, time_at, &scratch->time),
                               id_of(rows, row, &scratch->id)};
}

bool pg_cursor_time(const PGresult *rows, int row, int time_at, const struct cursor_key *key,
                    const struct zone *zone, wall_time *out)
{
    const Oid type = PQftype(rows, time_at);
    if (key->time.len == 0) {
        return false;
    }
    return pg_cursor_sends_time(type) ? pg_value_time(pg_value_int64(rows, row, time_at),
                                                      type == PG_OID_TIMESTAMP, zone, out)
                                      : wall_parse(key->time.p, key->time.len, zone, out);
}

struct str pg_cursor_id(const struct cursor_key *key, bool bytes)
{
    if (key->id.p == NULL) {
        return STR("");
    }
    return bytes && key->id.len >= HEX_PREFIX
               ? (struct str){key->id.p + HEX_PREFIX, key->id.len - HEX_PREFIX}
               : key->id;
}
