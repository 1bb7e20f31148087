/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/yaml.h"

#include <assert.h>
#include <libfyaml.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"

/* Where the next node goes: into the document, into a list, or into a map. */
struct level {
    struct yaml_node *node;
    struct yaml_node *last; /* its newest entry */
    struct yaml_node *key;  /* in a map: the key whose value comes next; NULL: a key comes next */
};

struct builder {
    struct arena *arena;
    const char *file;
    struct error *err;
    struct yaml_node *root;
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    size_t documents;
};

static int fail(const struct builder *b, const struct yaml_node *at, const char *what)
{
    return error_set(b->err, STATUS_INVALID, "%s:%d:%d: %s", b->file, at->line, at->column, what);
}

static struct yaml_node *node_at(struct builder *b, enum yaml_kind kind, struct fy_token *token)
{
    struct yaml_node *node = arena_alloc(b->arena, sizeof *node);
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    node->kind = kind;
    node->line = mark != NULL ? mark->line + 1 : 0;
    node->column = mark != NULL ? mark->column + 1 : 0;
    return node;
}

/* A block map or list begins where its first entry does, and an empty value where its key is. */
static void take_position(struct yaml_node *node, const struct yaml_node *from)
{
    assert(node != NULL);
    if (node->line == 0 && from != NULL) {
        node->line = from->line;
        node->column = from->column;
    }
}

static int add_key(struct builder *b, struct level *level, struct yaml_node *key)
{
    if (key->kind != YAML_SCALAR) {
        return fail(b, key, "expected the name of a key here, but found a list or a map");
    }
    for (const struct yaml_node *entry = level->node->first; entry != NULL; entry = entry->next) {
        if (str_equal(entry->key->text, key->text)) {
            return error_set(b->err, STATUS_INVALID,
                             "%s:%d:%d: the key \"%.80s\" is there already, at line %d", b->file,
                             key->line, key->column, key->text.p, entry->key->line);
        }
    }
    level->key = key;
    return STATUS_OK;
}

static int add_node(struct builder *b, struct yaml_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        return STATUS_OK;
    }
    struct level *level = &b->levels[b->depth - 1];
    assert(level->node != NULL);
    take_position(level->node, node);
    if (level->node->kind == YAML_MAP && level->key == NULL) {
        take_position(node, level->node); /* a key may be nothing at all, as in `{: 1}` */
        return add_key(b, level, node);
    }
    take_position(node, level->key);
    node->key = level->key;
    level->key = NULL;
    if (++level->node->count > (level->node->kind == YAML_MAP ? YAML_MAP_MAX : YAML_LIST_MAX)) {
        return fail(b, node, "too many entries");
    }
    if (level->last != NULL) {
        level->last->next = node;
    } else {
        level->node->first = node;
    }
    level->last = node;
    return STATUS_OK;
}

static int open_node(struct builder *b, struct yaml_node *node)
{
    int status = add_node(b, node);
    if (status == STATUS_OK && b->depth == YAML_DEPTH_MAX) {
        status = fail(b, node, "maps and lists are nested too deep here");
    }
    if (status == STATUS_OK) {
        b->levels[b->depth++] = (struct level){.node = node};
    }
    return status;
}

/* A key that is itself a map or a list never gets here: add_key refuses it when it opens. */
static int close_node(struct builder *b)
{
    b->depth--;
    return STATUS_OK;
}

static int add_scalar(struct builder *b, struct fy_token *token)
{
    struct yaml_node *node = node_at(b, YAML_SCALAR, token);
    size_t len = 0;
    const char *text = token != NULL ? fy_token_get_text(token, &len) : "";
    if (text == NULL) {
        text = "";
        len = 0;
    }
    node->text = (struct str){arena_strndup(b->arena, text, len), len};
    const enum fy_scalar_style style = token != NULL ? fy_token_scalar_style(token) : FYSS_PLAIN;
    node->plain = style == FYSS_PLAIN;
    if (len == 0 && node->plain) {
        node->line = node->column = 0; /* libfyaml 0.8 has a token for nothing, and 0.7 has none */
    }
    if (node->column > 1 && (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)) {
        node->column--; /* the mark is behind the quote */
    }
    if (memchr(text, '\0', len) != NULL) {
        return fail(b, node, "a text here may not contain a NUL character");
    }
    return add_node(b, node);
}

static int refuse_extras(const struct builder *b, struct fy_token *anchor, struct fy_token *tag)
{
    struct fy_token *token = anchor != NULL ? anchor : tag;
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    if (mark == NULL) {
        return STATUS_OK;
    }
    return fail(b, &(struct yaml_node){.line = mark->line + 1, .column = mark->column + 1},
                anchor != NULL
                    ? "YAML anchors (&name) and aliases (*name) are not supported: write "
                      "the value in full, and a text that begins with & or * in quotes"
                    : "YAML tags are not supported: write a text that begins with ! in "
                      "quotes");
}

static int on_event(struct builder *b, const struct fy_event *event)
{
    int status = STATUS_OK;
    switch (event->type) {
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    case FYET_DOCUMENT_START:
        if (++b->documents > 1) {
            status = fail(b, node_at(b, YAML_SCALAR, event->document_start.document_start),
                          "expected one YAML document, but a second one begins here");
        }
        break;
    case FYET_ALIAS:
        status = refuse_extras(b, event->alias.anchor, NULL);
        break;
    case FYET_SCALAR:
        status = refuse_extras(b, event->scalar.anchor, event->scalar.tag);
        status = status != STATUS_OK ? status : add_scalar(b, event->scalar.value);
        break;
    case FYET_SEQUENCE_START:
        status = refuse_extras(b, event->sequence_start.anchor, event->sequence_start.tag);
        status = status != STATUS_OK
                     ? status
                     : open_node(b, node_at(b, YAML_LIST, event->sequence_start.sequence_start));
        break;
    case FYET_MAPPING_START:
        status = refuse_extras(b, event->mapping_start.anchor, event->mapping_start.tag);
        status = status != STATUS_OK
                     ? status
                     : open_node(b, node_at(b, YAML_MAP, event->mapping_start.mapping_start));
        break;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        status = close_node(b);
        break;
    }
    return status;
}

/* Passes on the first complaint of the parser: it is the cause of the others. */
static int syntax_error(const struct builder *b, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    if (error == NULL || error->msg == NULL) {
        return error_set(b->err, STATUS_INVALID, "%s: this is not YAML", b->file);
    }
    const bool alias = strstr(error->msg, "alias") != NULL;
    return error_set(b->err, STATUS_INVALID, "%s:%d:%d: this is not YAML: %s%s", b->file,
                     error->line, error->column, error->msg,
                     alias ? " (a text that begins with * needs quotes)" : "");
}

static int parse_events(struct builder *b, struct str text)
{
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    if (diag == NULL) {
        abort();
    }
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    int status = STATUS_OK;
    if (parser == NULL || fy_parser_set_string(parser, text.p, text.len) != 0) {
        status = syntax_error(b, diag);
    }
    struct fy_event *event = NULL;
    while (status == STATUS_OK && (event = fy_parser_parse(parser)) != NULL) {
        status = on_event(b, event);
        fy_parser_event_free(parser, event);
    }
    if (status == STATUS_OK && fy_parser_get_stream_error(parser)) {
        status = syntax_error(b, diag);
    }
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return status;
}

/* Bytes that are no text would be misread further down, so they are refused here. */
static int check_text(const struct builder *b, struct str text)
{
    struct yaml_node at = {.line = 1, .column = 1};
    if (utf8_valid(text) && memchr(text.p, '\0', text.len) == NULL) {
        return STATUS_OK;
    }
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.p[i] != '\n') {
            continue;
        }
        const struct str line = {text.p + start, i - start};
        if (!utf8_valid(line) || memchr(line.p, '\0', line.len) != NULL) {
            break;
        }
        at.line++;
        start = i + 1;
    }
    return fail(b, &at, "this line is not UTF-8 text");
}

int yaml_parse(struct arena *arena, struct str text, const char *file, struct yaml_node **out,
               struct error *err)
{
    struct builder b = {.arena = arena, .file = file, .err = err};
    *out = NULL;
    int status = check_text(&b, text);
    if (status == STATUS_OK) {
        status = parse_events(&b, text);
    }
    if (status == STATUS_OK && b.root == NULL) {
        status = error_set(err, STATUS_INVALID, "%s: the file is empty", file);
    }
    if (status == STATUS_OK) {
        take_position(b.root, &(struct yaml_node){.line = 1, .column = 1});
        *out = b.root;
    }
    return status;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
    if (node == NULL || node->kind != YAML_MAP) {
        return NULL;
    }
    for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
        if (str_is(entry->key->text, key)) {
            return entry;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->plain &&
           (node->text.len == 0 || str_is(node->text, "~") || str_is(node->text, "null") ||
            str_is(node->text, "Null") || str_is(node->text, "NULL"));
}

bool yaml_as_bool(const struct yaml_node *node, bool *out)
{
    if (node->kind != YAML_SCALAR || !node->plain) {
        return false;
    }
    const bool yes =
        str_is(node->text, "true") || str_is(node->text, "True") || str_is(node->text, "TRUE");
    const bool no =
        str_is(node->text, "false") || str_is(node->text, "False") || str_is(node->text, "FALSE");
    if (yes || no) {
        *out = yes;
    }
    return yes || no;
}

/* True for a number of JSON, whose text goes into definitions as it is; strtod takes more. */
static bool is_json_number(const char *text)
{
    static const char digits[] = "0123456789";
    const char *p = text + (text[0] == '-');
    const size_t whole = strspn(p, digits);
    if (whole == 0 || (whole > 1 && p[0] == '0')) {
        return false;
    }
    p += whole;
    if (*p == '.') {
        const size_t fraction = strspn(p + 1, digits);
        p += fraction != 0 ? 1 + fraction : 0;
    }
    if (*p == 'e' || *p == 'E') {
        const char *exponent = p + 1 + (p[1] == '+' || p[1] == '-');
        const size_t len = strspn(exponent, digits);
        p = len != 0 ? exponent + len : p;
    }
    return *p == '\0';
}

bool yaml_as_number(const struct yaml_node *node, double *out)
{
    if (node->kind != YAML_SCALAR || !node->plain || !is_json_number(node->text.p)) {
        return false;
    }
    const double number = strtod(node->text.p, NULL);
    if (!isfinite(number)) {
        return false;
    }
    *out = number;
    return true;
}
