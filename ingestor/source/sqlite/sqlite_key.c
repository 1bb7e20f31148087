/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_key.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void sqlite_key_put(struct buf *out, sqlite3_stmt *row, int column)
{
    sqlite3_value *value = sqlite3_column_value(row, column);
    double real;
    buf_clear(out);
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
        buf_append_char(out, 't');
        buf_append(out, sqlite3_value_text(value), (size_t)sqlite3_value_bytes(value));
        break;
    case SQLITE_BLOB:
        buf_append_char(out, 'b');
        buf_append(out, sqlite3_value_blob(value), (size_t)sqlite3_value_bytes(value));
        break;
    default: /* NULL: it has no place */
        break;
    }
}

void sqlite_key_bind(sqlite3_stmt *statement, int index, struct str value)
{
    char digits[24] = "";
    double real = 0;
    const char *bytes = value.p + 1;
    const size_t len = value.len - 1;
    switch (value.len != 0 ? value.p[0] : '\0') {
    case 'i':
        memcpy(digits, bytes, len < sizeof digits - 1 ? len : sizeof digits - 1);
        sqlite3_bind_int64(statement, index, strtoll(digits, NULL, 10));
        break;
    case 'r':
        memcpy(&real, bytes, len < sizeof real ? len : sizeof real);
        sqlite3_bind_double(statement, index, real);
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
