/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/json_outline.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "common/codec/json_escape.h"
#include "common/codec/json_repair.h"

#define KEPT_NODES 4096 /* whose memory is kept from one text to the next */
#define NUMBER_BYTES 24 /* of an integer that int64 can hold */

/* A text that is being read. */
struct reading {
    struct json_outline *outline;
    const char *p;
    size_t len;
    size_t at;
    uint32_t open; /* index of the innermost container that is open; NONE: none is */
    size_t depth;  /* containers that are open */
};

#define NONE UINT32_MAX

/* ---- Nodes ---- */

static struct json_node *add_node(struct reading *r, enum json_outline_kind kind, size_t begin)
{
    struct json_outline *o = r->outline;
    if (o->count == o->cap) {
        o->cap = o->cap != 0 ? o->cap * 2 : 64;
        o->nodes = x_reallocarray(o->nodes, o->cap, sizeof *o->nodes);
    }
    struct json_node *node = &o->nodes[o->count++];
    *node = (struct json_node){
        .begin = (uint32_t)begin, .next = (uint32_t)o->count, .kind = (uint8_t)kind};
    return node;
}

static void skip_blanks(struct reading *r)
{
    while (r->at < r->len && (r->p[r->at] == ' ' || r->p[r->at] == '\n' || r->p[r->at] == '\t' ||
                              r->p[r->at] == '\r')) {
        r->at++;
    }
}

static bool here_is(const struct reading *r, char c)
{
    return r->at < r->len && r->p[r->at] == c;
}

/* ---- Scalars ---- */

/* A character of a string that stands for itself, whatever is around it. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The same of eight at once. In a byte below 0x80 the highest bit is set by taking off more than it
 * has: 0x20 off the byte itself, or 1 off its difference to a character that it may not be. */
static bool are_plain(const char *p)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    const uint64_t low = bytes - each * 0x20;
    const uint64_t quote = (bytes ^ each * '"') - each;
    const uint64_t backslash = (bytes ^ each * '\\') - each;
    return ((bytes | low | quote | backslash) & each * 0x80) == 0;
}

/* Reads on in a string that has escapes, or bytes that are not ASCII. What no text can be is a
 * value that is lost, whatever else is wrong with it. */
static bool read_odd_string(struct reading *r, struct json_node *node)
{
    bool lost = false;
    bool wrong = false;
    while (r->at < r->len && r->p[r->at] != '"') {
        const unsigned char c = (unsigned char)r->p[r->at];
        if (c == '\\') {
            node->escaped = true;
            r->at = json_escape_end((struct str){r->p, r->len}, r->at, &lost, &wrong);
        } else {
            wrong = wrong || c < 0x20;
            r->at++;
        }
    }
    if (r->at >= r->len) {
        return false;
    }
    if (lost || !utf8_valid((struct str){r->p + node->begin, r->at - node->begin})) {
        node->kind = OUTLINE_UNUSABLE;
        return true;
    }
    return !wrong;
}

/* Its first quote is here. */
static bool read_string(struct reading *r)
{
    struct json_node *node = add_node(r, OUTLINE_STRING, r->at++);
    while (r->at + 8 <= r->len && are_plain(r->p + r->at)) {
        r->at += 8;
    }
    while (r->at < r->len && is_plain((unsigned char)r->p[r->at])) {
        r->at++;
    }
    if (!here_is(r, '"') && !read_odd_string(r, node)) {
        return false;
    }
    node->end = (uint32_t)++r->at;
    return true;
}

/* Steps over digits; false when there is none. */
static bool skip_digits(struct reading *r)
{
    const size_t begin = r->at;
    while (r->at < r->len && r->p[r->at] >= '0' && r->p[r->at] <= '9') {
        r->at++;
    }
    return r->at != begin;
}

static bool read_number(struct reading *r)
{
    struct json_node *node = add_node(r, OUTLINE_INTEGER, r->at);
    r->at += here_is(r, '-');
    if (here_is(r, '0')) {
        r->at++;
    } else if (!skip_digits(r)) {
        return false;
    }
    if (here_is(r, '.')) {
        r->at++;
        node->kind = OUTLINE_REAL;
        if (!skip_digits(r)) {
            return false;
        }
    }
    if (here_is(r, 'e') || here_is(r, 'E')) {
        r->at++;
        node->kind = OUTLINE_REAL;
        r->at += here_is(r, '+') || here_is(r, '-');
        if (!skip_digits(r)) {
            return false;
        }
    }
    node->end = (uint32_t)r->at;
    return true;
}

static bool read_word(struct reading *r, struct str word, enum json_outline_kind kind)
{
    if (r->len - r->at < word.len || memcmp(r->p + r->at, word.p, word.len) != 0) {
        return false;
    }
    add_node(r, kind, r->at)->end = (uint32_t)(r->at + word.len);
    r->at += word.len;
    return true;
}

/* ---- Containers ---- */

/* While a container is open, its `next` is the container that it is in. */
static void open_container(struct reading *r)
{
    struct json_node *node = add_node(r, r->p[r->at] == '{' ? OUTLINE_MAP : OUTLINE_LIST, r->at);
    node->next = r->open;
    r->open = (uint32_t)(r->outline->count - 1);
    r->depth++;
    r->at++;
}

static void close_container(struct reading *r)
{
    struct json_node *node = &r->outline->nodes[r->open];
    node->end = (uint32_t)++r->at;
    r->open = node->next;
    node->next = (uint32_t)r->outline->count;
    r->depth--;
}

static bool closes(const struct reading *r)
{
    return here_is(r, r->outline->nodes[r->open].kind == OUTLINE_MAP ? '}' : ']');
}

/* The name of a member, if a map is open, with what is around it. */
static bool read_name(struct reading *r)
{
    if (r->outline->nodes[r->open].kind != OUTLINE_MAP) {
        return true;
    }
    skip_blanks(r);
    if (!here_is(r, '"') || !read_string(r)) {
        return false;
    }
    skip_blanks(r);
    return here_is(r, ':') && ++r->at != 0;
}

/* A container that is nested too deep is passed over as a whole. */
static bool read_value(struct reading *r)
{
    switch (r->at < r->len ? r->p[r->at] : '\0') {
    case '"':
        return read_string(r);
    case 't':
        return read_word(r, STR("true"), OUTLINE_BOOL);
    case 'f':
        return read_word(r, STR("false"), OUTLINE_BOOL);
    case 'n':
        return read_word(r, STR("null"), OUTLINE_NULL);
    case '{':
    case '[':
        if (r->depth + 1 < JSON_REPAIR_DEPTH) {
            open_container(r);
        } else {
            struct json_node *node = add_node(r, OUTLINE_UNUSABLE, r->at);
            r->at = json_repair_container_end((struct str){r->p, r->len}, r->at);
            node->end = (uint32_t)r->at;
        }
        return true;
    default:
        return read_number(r);
    }
}

/* Goes on behind a value, or behind the beginning of a container, to where the next value begins;
 * *over is set at the end of the text. */
static bool go_on(struct reading *r, bool opened, bool *over)
{
    for (;;) {
        skip_blanks(r);
        if (r->open == NONE) {
            *over = true;
            return r->at == r->len;
        }
        if (closes(r)) {
            close_container(r);
            opened = false;
            continue;
        }
        if (!opened) {
            if (!here_is(r, ',')) {
                return false;
            }
            r->at++;
        }
        const bool named = read_name(r);
        skip_blanks(r);
        return named;
    }
}

bool json_outline_read(struct json_outline *outline, struct str text)
{
    struct reading r = {.outline = outline, .p = text.p, .len = text.len, .open = NONE};
    if (outline->cap > KEPT_NODES) {
        json_outline_free(outline);
    }
    outline->text = text;
    outline->count = 0;
    if (text.p == NULL || text.len > JSON_OUTLINE_BYTES_MAX ||
        memchr(text.p, '\0', text.len) != NULL) {
        return false;
    }
    bool ok = true;
    bool over = false;
    skip_blanks(&r);
    while (ok && !over) {
        const size_t depth = r.depth;
        ok = read_value(&r) && go_on(&r, r.depth != depth, &over);
    }
    outline->count = ok ? outline->count : 0;
    return ok;
}

void json_outline_free(struct json_outline *outline)
{
    free(outline->nodes);
    *outline = (struct json_outline){0};
}

/* ---- Asking ---- */

const struct json_node *json_outline_root(const struct json_outline *outline)
{
    return outline->count != 0 ? &outline->nodes[0] : NULL;
}

bool json_outline_absent(const struct json_node *node)
{
    return node == NULL || node->kind == OUTLINE_NULL;
}

struct str json_outline_raw(const struct json_outline *outline, const struct json_node *node)
{
    return node != NULL
               ? (struct str){outline->text.p + node->begin, (size_t)(node->end - node->begin)}
               : STR_NULL;
}

/* What is between the quotes. */
static struct str inner_of(const struct json_outline *outline, const struct json_node *node)
{
    return (struct str){outline->text.p + node->begin + 1, (size_t)(node->end - node->begin) - 2};
}

/* True when a member's name is that one. */
static bool is_named(const struct json_outline *outline, const struct json_node *node,
                     struct str name)
{
    if (node->kind != OUTLINE_STRING) {
        return false;
    }
    const struct str inner = inner_of(outline, node);
    if (!node->escaped) {
        return inner.len == name.len && memcmp(inner.p, name.p, name.len) == 0;
    }
    struct buf plain = {0};
    json_unescape(inner, &plain);
    const bool same = plain.len == name.len && memcmp(plain.data, name.p, name.len) == 0;
    buf_free(&plain);
    return same;
}

static const struct json_node *member_of(const struct json_outline *outline,
                                         const struct json_node *map, struct str name)
{
    const struct json_node *const nodes = outline->nodes;
    const struct json_node *found = NULL;
    for (const struct json_node *n = map + 1; n < nodes + map->next; n = nodes + n[1].next) {
        if (is_named(outline, n, name)) {
            found = n + 1;
        }
    }
    return found;
}

/* The item that a name such as `0` or `12` stands for. */
static const struct json_node *item_of(const struct json_outline *outline,
                                       const struct json_node *list, struct str name)
{
    size_t index = 0;
    if (name.len == 0 || name.len > 9 || (name.p[0] == '0' && name.len > 1)) {
        return NULL;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] < '0' || name.p[i] > '9') {
            return NULL;
        }
        index = index * 10 + (size_t)(name.p[i] - '0');
    }
    const struct json_node *const end = outline->nodes + list->next;
    const struct json_node *n = list + 1;
    for (; index != 0 && n < end; index--) {
        n = outline->nodes + n->next;
    }
    return n < end ? n : NULL;
}

const struct json_node *json_outline_at(const struct json_outline *outline,
                                        const struct json_node *node, struct str path)
{
    while (node != NULL && path.len != 0) {
        const char *dot = memchr(path.p, '.', path.len);
        const struct str name = {path.p, dot != NULL ? (size_t)(dot - path.p) : path.len};
        node = node->kind == OUTLINE_MAP    ? member_of(outline, node, name)
               : node->kind == OUTLINE_LIST ? item_of(outline, node, name)
                                            : NULL;
        const size_t step = dot != NULL ? name.len + 1 : name.len;
        path = (struct str){path.p + step, path.len - step};
    }
    return node;
}

bool json_outline_text(const struct json_outline *outline, const struct json_node *node,
                       struct buf *scratch, struct str *out)
{
    if (node == NULL || node->kind != OUTLINE_STRING) {
        return false;
    }
    *out = inner_of(outline, node);
    if (node->escaped) {
        buf_clear(scratch);
        json_unescape(*out, scratch);
        *out = buf_str(scratch);
    }
    return true;
}

bool json_outline_integer(const struct json_outline *outline, const struct json_node *node,
                          int64_t *out)
{
    char digits[NUMBER_BYTES];
    const struct str raw = json_outline_raw(outline, node);
    if (node == NULL || node->kind != OUTLINE_INTEGER || raw.len >= sizeof digits) {
        return false;
    }
    memcpy(digits, raw.p, raw.len);
    digits[raw.len] = '\0';
    errno = 0;
    const long long value = strtoll(digits, NULL, 10);
    if (errno == ERANGE) {
        return false;
    }
    *out = value;
    return true;
}

bool json_outline_number(const struct json_outline *outline, const struct json_node *node,
                         double *out)
{
    if (node == NULL || (node->kind != OUTLINE_INTEGER && node->kind != OUTLINE_REAL)) {
        return false;
    }
    struct buf digits = {0};
    buf_append_str(&digits, json_outline_raw(outline, node));
    const double number = strtod(buf_cstr(&digits), NULL);
    buf_free(&digits);
    if (!isfinite(number)) {
        return false;
    }
    *out = number;
    return true;
}
