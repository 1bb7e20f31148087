/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_key.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In one piece, for this is done for each row. */
static void put(struct buf *out, char type, const void *bytes, int len)
{
    char *to = buf_reserve(out, (size_t)len + 1);
    *to = type;
    if (len != 0) {
        memcpy(to + 1, bytes, (size_t)len);
    }
    out->len += (size_t)len + 1;
}

void sqlite_key_put(struct buf *out, sqlite3_stmt *row, int column)
{
    sqlite3_value *value = sqlite3_column_value(row, column);
    double real;
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        buf_printf(out, "i%" PRId64, (int64_t)sqlite3_value_int64(value));
        break;
    case SQLITE_FLOAT:
        real = sqlite3_value_double(value);
        buf_append_char(out, 'r');
        buf_append(out, &real, sizeof real);
        break;
    case SQLITE_TEXT:
        put(out, 't', sqlite3_value_text(value), sqlite3_value_bytes(value));
        break;
    case SQLITE_BLOB:
        put(out, 'b', sqlite3_value_blob(value), sqlite3_value_bytes(value));
        break;
    default: /* NULL: it has no place */
        break;
    }
}

static char type_of(struct str value)
{
    return (char)(value.len != 0 ? value.p[0] : '\0');
}

static int64_t integer_of(struct str value)
{
    char digits[24] = "";
    const size_t len = value.len - 1;
    memcpy(digits, value.p + 1, len < sizeof digits - 1 ? len : sizeof digits - 1);
    return strtoll(digits, NULL, 10);
}

static double real_of(struct str value)
{
    double real = 0;
    const size_t len = value.len - 1;
    memcpy(&real, value.p + 1, len < sizeof real ? len : sizeof real);
    return real;
}

bool sqlite_key_time(struct str value, const struct zone *zone, wall_time *out)
{
    switch (type_of(value)) {
    case 'i':
        return wall_from_integer(integer_of(value), zone, out);
    case 'r':
        return wall_from_number(real_of(value), zone, out);
    case 't':
        return wall_parse(value.p + 1, value.len - 1, zone, out);
    default:
        return false;
    }
}

void sqlite_key_bind(sqlite3_stmt *statement, int index, struct str value)
{
    const char *bytes = value.p + 1;
    const size_t len = value.len - 1;
    switch (type_of(value)) {
    case 'i':
        sqlite3_bind_int64(statement, index, integer_of(value));
        break;
    case 'r':
        sqlite3_bind_double(statement, index, real_of(value));
        break;
    case 't':
        sqlite3_bind_text(statement, index, bytes, (int)len, SQLITE_STATIC);
        break;
    case 'b':
        sqlite3_bind_blob(statement, index, bytes, (int)len, SQLITE_STATIC);
        break;
    default:
        sqlite3_bind_null(statement, index);
        break;
    }
}

struct str sqlite_key_id(struct str value, struct buf *scratch)
{
    static const char hex[] = "0123456789abcdef";
    if (value.len == 0 || value.p[0] == 'r') {
        return STR("");
    }
    if (value.p[0] != 'b') {
        return (struct str){value.p + 1, value.len - 1};
    }
    buf_clear(scratch);
    for (size_t i = 1; i < value.len; i++) {
        const unsigned char byte = (unsigned char)value.p[i];
        buf_append_char(scratch, hex[byte >> 4]);
        buf_append_char(scratch, hex[byte & 15]);
    }
    return buf_str(scratch);
}
