/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/event_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fnv.h"
#include "common/base/utf8.h"

/* ---- Ids of Redis ---- */

#define ENTRY_SEQ_BITS 20

static bool all_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.len != 0;
}

/* The numbers of `9-12` as one, so that what is behind is not less. */
static int64_t place_in_stream(struct str ms, struct str seq)
{
    const int64_t most = INT64_C(1) << ENTRY_SEQ_BITS;
    int64_t high = INT64_MAX;
    int64_t low = most;
    (void)event_id_parse_number(ms, &high);
    (void)event_id_parse_number(seq, &low);
    return high >= INT64_MAX / most - 1 ? INT64_MAX : high * most + (low < most ? low : most - 1);
}

/* ---- All ids ---- */

static int compare_bytes(struct str a, struct str b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len != 0 ? memcmp(a.p, b.p, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* NAME of NAME-OFFSET. */
static struct str name_of(struct str text)
{
    const char *dash = memrchr(text.p, '-', text.len);
    return dash != NULL ? (struct str){text.p, (size_t)(dash - text.p)} : text;
}

int event_id_compare(struct event_id a, struct event_id b)
{
    if (a.text.p == NULL || b.text.p == NULL) {
        const int by_kind = (a.text.p != NULL) - (b.text.p != NULL);
        return by_kind != 0 ? by_kind : (a.number > b.number) - (a.number < b.number);
    }
    if (a.place == 0 || b.place == 0) {
        return compare_bytes(a.text, b.text);
    }
    const int by_name = compare_bytes(name_of(a.text), name_of(b.text));
    if (by_name != 0 || a.place != b.place) {
        return by_name != 0 ? by_name : (a.place > b.place) - (a.place < b.place);
    }
    /* Offsets beyond an int64 have the last place in common. */
    const int by_len = (a.text.len > b.text.len) - (a.text.len < b.text.len);
    return by_len != 0 ? by_len : compare_bytes(a.text, b.text);
}

/* True when all are printable ASCII, as nearly all ids are, so eight bytes are judged at once: one
 * below 0x20 borrows from the highest bit that it is given, and 0x7f becomes 0x80 with one more. */
static bool is_printable_ascii(struct str text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t high = ones << 7;
    uint64_t bad = 0;
    size_t i = 0;
    for (; text.len - i >= sizeof ones; i += sizeof ones) {
        uint64_t eight;
        memcpy(&eight, text.p + i, sizeof eight);
        bad |= eight | (((eight | high) - ones * 0x20) ^ high) | (eight + ones);
    }
    bad &= high;
    for (; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        bad |= (uint64_t)(c < 0x20 || c >= 0x7f);
    }
    return bad == 0;
}

bool event_id_valid(struct str text)
{
    if (text.p == NULL || text.len == 0 || text.len > EVENT_ID_MAX || text.p[0] == ' ' ||
        text.p[text.len - 1] == ' ') {
        return false;
    }
    if (is_printable_ascii(text)) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return utf8_valid(text);
}

struct str event_id_format(struct event_id id, char out[EVENT_ID_NUMBER_SIZE])
{
    if (id.text.p != NULL) {
        return id.text;
    }
    const int len = snprintf(out, EVENT_ID_NUMBER_SIZE, "%" PRId64, id.number);
    return (struct str){out, (size_t)len};
}

struct str event_id_put_order(struct event_id id, uint64_t order, char out[EVENT_ID_ORDER_SIZE])
{
    char digits[EVENT_ID_NUMBER_SIZE];
    const struct str text = event_id_format(id, digits);
    const size_t len = text.len < EVENT_ID_MAX ? text.len : EVENT_ID_MAX;
    memcpy(out, text.p, len);
    const int more =
        order != 0 ? snprintf(out + len, EVENT_ID_ORDER_SIZE - len, "~%" PRIu64, order) : 0;
    return (struct str){out, len + (size_t)more};
}

bool event_id_split_order(struct str text, struct str *id, uint64_t *order)
{
    const char *mark = text.p != NULL ? memrchr(text.p, '~', text.len) : NULL;
    int64_t number;
    if (mark == NULL) {
        return false;
    }
    const struct str before = {text.p, (size_t)(mark - text.p)};
    const struct str after = {mark + 1, text.len - before.len - 1};
    if (!event_id_valid(before) || !event_id_parse_number(after, &number) || number == 0) {
        return false;
    }
    *id = before;
    *order = (uint64_t)number;
    return true;
}

bool event_id_parse_number(struct str text, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        const int digit = text.p[i] - '0';
        if (digit < 0 || digit > 9 || number > (INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out = number;
    return text.len != 0;
}

void event_id_put(struct buf *out, struct event_id id)
{
    if (id.text.p != NULL) {
        mp_put_str(out, id.text);
    } else {
        mp_put_int(out, id.number);
    }
}

bool event_id_read(const mp_value *value, struct event_id *out)
{
    *out = (struct event_id){0};
    return mp_as_int(value, &out->number) ||
           (mp_as_str(value, &out->text) && event_id_valid(out->text));
}

void event_id_save(struct buf *out, struct event_id id)
{
    if (id.place != 0) {
        mp_put_array(out, 2);
    }
    event_id_put(out, id);
    if (id.place != 0) {
        mp_put_int(out, id.place);
    }
}

bool event_id_load(const mp_value *value, struct event_id *out)
{
    if (!mp_is_array(value)) {
        return event_id_read(value, out);
    }
    return event_id_read(mp_at(value, 0), out) && out->text.p != NULL &&
           mp_as_int(mp_at(value, 1), &out->place) && out->place > 0;
}

uint64_t event_id_stream(struct str text, int64_t *offset)
{
    const char *dash = text.len != 0 ? memrchr(text.p, '-', text.len) : NULL;
    if (dash == NULL || dash == text.p) {
        return 0;
    }
    const struct str name = {text.p, (size_t)(dash - text.p)};
    const struct str number = {dash + 1, text.len - name.len - 1};
    if (all_digits(name) && all_digits(number)) {
        *offset = place_in_stream(name, number);
        return FNV_BEGIN;
    }
    return event_id_parse_number(number, offset) ? fnv1a(FNV_BEGIN, name) : 0;
}
