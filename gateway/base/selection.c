/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/selection.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/match/pattern.h"
#include "common/base/xalloc.h"

static size_t split(const char *text, struct str *out)
{
    size_t count = 0;
    for (const char *p = text;;) {
        const size_t len = strcspn(p, ",");
        if (count == SELECTION_PATTERNS_MAX || !pattern_valid((struct str){p, len})) {
            return 0;
        }
        out[count++] = (struct str){p, len};
        if (p[len] == '\0') {
            return count;
        }
        p += len + 1;
    }
}

/* Copies the patterns into memory of their own. */
static void store(struct selection *out, const struct str *parts, size_t count)
{
    size_t len = count;
    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    char *p = out->text = x_calloc(1, len + 1);
    out->patterns = x_calloc(count, sizeof *out->patterns);
    for (size_t i = 0; i < count; i++) {
        if (i != 0) {
            *p++ = ',';
        }
        memcpy(p, parts[i].p, parts[i].len);
        out->patterns[i] = (struct str){p, parts[i].len};
        p += parts[i].len;
    }
    out->count = count;
}

/* Both what was asked for and what may be seen have to match. */
static void compile(struct selection *selection)
{
    struct matcher_list lists[2] = {
        {selection->count != 0 ? selection->patterns : NULL, selection->count}};
    size_t count = 1;
    if (selection->view != NULL) {
        const struct view_list seen = view_names(selection->view, selection->kind);
        lists[count++] = (struct matcher_list){seen.patterns, seen.count};
    }
    matcher_destroy(&selection->matcher);
    selection->matcher = matcher_create(lists, count);
}

void selection_none(struct selection *out)
{
    *out = (struct selection){
        .text = x_strdup(""), .patterns = x_calloc(1, sizeof *out->patterns), .count = 1};
    out->patterns[0] = str_of(out->text);
    compile(out);
}

int selection_parse(struct selection *out, const char *text)
{
    *out = (struct selection){0};
    if (text == NULL || text[0] == '\0' || strcmp(text, "*") == 0) {
        out->text = x_strdup("");
        compile(out);
        return STATUS_OK;
    }
    struct str parts[SELECTION_PATTERNS_MAX];
    size_t count = strlen(text) <= SELECTION_TEXT_MAX ? split(text, parts) : 0;
    if (count == 0) {
        return STATUS_INVALID;
    }
    count = pattern_sort(parts, count);
    if (count == 1 && str_is(parts[0], "*")) { /* It was there twice. */
        return selection_parse(out, NULL);
    }
    store(out, parts, count);
    compile(out);
    return STATUS_OK;
}

/* ---- What may be seen ---- */

static const struct str everything = {"*", 1};

/* The patterns that were asked for; `*` for everything. */
static size_t wanted(const struct selection *selection, const struct str **out)
{
    *out = selection->count != 0 ? selection->patterns : &everything;
    return selection->count != 0 ? selection->count : 1;
}

/* How much of the selection the view shows. */
static void measure(const struct selection *selection, const struct view *view, enum view_kind kind,
                    bool *some, bool *all)
{
    const struct str *patterns;
    const size_t count = wanted(selection, &patterns);
    *some = false;
    *all = true;
    for (size_t i = 0; i < count; i++) {
        const bool covered = *all && view_covers(view, kind, patterns[i]);
        *some = *some || covered || view_meets(view, kind, patterns[i]);
        *all = covered;
    }
}

/* The view's text behind what was asked for, whose patterns then lie in the longer text. */
static void name_view(struct selection *selection)
{
    struct buf text = {0};
    const size_t asked = strlen(selection->text);
    buf_append_str(&text, asked != 0 ? str_of(selection->text) : everything);
    buf_append_text(&text, " within ");
    buf_append_str(&text, view_text(selection->view, selection->kind));
    char *longer = x_strndup(buf_cstr(&text), text.len);
    buf_free(&text);
    for (size_t i = 0; i < selection->count; i++) {
        selection->patterns[i].p = longer + (selection->patterns[i].p - selection->text);
    }
    free(selection->text);
    selection->text = longer;
}

bool selection_narrow(struct selection *selection, const struct view *view, enum view_kind kind)
{
    bool some;
    bool all;
    measure(selection, view, kind, &some, &all);
    if (some && !all) {
        selection->view = view_retain(view);
        selection->kind = kind;
        name_view(selection);
        compile(selection);
    }
    return some;
}

void selection_copy(struct selection *out, const struct selection *selection)
{
    *out = *selection;
    out->text = x_strdup(selection->text);
    out->patterns = x_memdup(selection->patterns, selection->count * sizeof *out->patterns);
    for (size_t i = 0; i < out->count; i++) {
        out->patterns[i].p = out->text + (selection->patterns[i].p - selection->text);
    }
    (void)view_retain(out->view);
    out->matcher = NULL;
    compile(out);
}

void selection_free(struct selection *selection)
{
    matcher_destroy(&selection->matcher);
    free(selection->text);
    free(selection->patterns);
    view_release(&selection->view);
    *selection = (struct selection){0};
}

bool selection_matches(const struct selection *selection, struct str name)
{
    return matcher_wants(selection->matcher, name);
}

bool selection_matches_numbered(const struct selection *selection, struct str name,
                                struct name_number number)
{
    return matcher_wants_numbered(selection->matcher, name, number);
}

const struct str *selection_names(const struct selection *selection, size_t *count)
{
    return matcher_names(selection->matcher, count);
}

size_t selection_bytes(const struct selection *selection)
{
    return strlen(selection->text) + 1 + selection->count * sizeof *selection->patterns +
           matcher_bytes(selection->matcher);
}

uint64_t selection_steps(const struct selection *selection)
{
    return matcher_steps(selection->matcher);
}

struct lens selection_lens(const struct selection *selection, struct str name)
{
    return selection->view != NULL ? lens_of(selection->view, selection->kind, name)
                                   : (struct lens){0};
}

const char *selection_mark(const struct selection *selection)
{
    return selection->view != NULL ? view_mark(selection->view, selection->kind) : "";
}

bool selection_continues(const struct selection *selection, const struct view *view,
                         enum view_kind kind, struct str *id)
{
    const char *mark = id->len != 0 ? memchr(id->p, '~', id->len) : NULL;
    const size_t len = mark != NULL ? (size_t)(mark - id->p) : id->len;
    const struct str given = {id->p + len, id->len - len};
    id->len = len;
    /* A selection that lies wholly in the view has no mark, but may have had one before it was
     * changed. */
    return str_is(given, selection_mark(selection)) ||
           (len != 0 && str_is(given, view_mark(view, kind)));
}
