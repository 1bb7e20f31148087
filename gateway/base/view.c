/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/fnv.h"
#include "common/base/match/pattern.h"
#include "common/base/xalloc.h"
#include "gateway/base/view_state.h"

static const struct str star = {"*", 1};
static const struct view_list all = {&star, 1};

const struct view *view_everything(void)
{
    static char text[] = "*";
    static struct grant grant = {{{&star, 1}, {&star, 1}, {&star, 1}}};
    static const struct view everything = {.grants = &grant,
                                           .grant_count = 1,
                                           .names = {{&star, 1}, {&star, 1}},
                                           .texts = {text, text}};
    return &everything;
}

/* ---- Owners ---- */

/* What callers see as const, because it never changes but for its owners. */
static struct view *writable(const struct view *view)
{
    const union {
        const struct view *in;
        struct view *out;
    } cast = {.in = view};
    return cast.out;
}

const struct view *view_retain(const struct view *view)
{
    if (view != NULL && view->references != 0) {
        writable(view)->references++;
    }
    return view;
}

static void destroy(struct view *view)
{
    for (size_t i = 0; i < VIEW_KINDS; i++) {
        free(view->texts[i]);
    }
    free(view->grants);
    free(view->patterns);
    free(view->bytes);
    free(view);
}

void view_release(const struct view **view_p)
{
    if (*view_p != NULL && (*view_p)->references != 0) {
        struct view *view = writable(*view_p);
        if (--view->references == 0) {
            destroy(view);
        }
    }
    *view_p = NULL;
}

/* ---- Texts ---- */

static void put_list(struct buf *out, const struct view_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_append_text(out, i != 0 ? "," : "");
        buf_append_str(out, list->patterns[i]);
    }
}

/* No pattern has a quote, nor those of keys and types a space, so no two contents have one text. */
static char *make_text(const struct view *view, enum view_kind kind)
{
    struct buf text = {0};
    for (size_t i = 0; i < view->grant_count; i++) {
        const struct view_list *lists = view->grants[i].lists;
        if (lists[kind].count == 0) {
            continue;
        }
        buf_append_text(&text, text.len != 0 ? " or " : "");
        put_list(&text, &lists[kind]);
        if (!grant_shows_all(&lists[GRANT_FIELDS])) {
            buf_append_text(&text, " showing \"");
            put_list(&text, &lists[GRANT_FIELDS]);
            buf_append_text(&text, "\"");
        }
    }
    char *made = x_strndup(buf_cstr(&text), text.len);
    buf_free(&text);
    return made;
}

static void make_mark(char out[VIEW_MARK_SIZE], const char *text)
{
    const uint64_t digest = fnv1a(FNV_BEGIN, str_of(text));
    if (strcmp(text, "*") != 0) {
        snprintf(out, VIEW_MARK_SIZE, "~%08" PRIx32, (uint32_t)(digest >> 32 ^ digest));
    }
}

const char *view_mark(const struct view *view, enum view_kind kind)
{
    return view->marks[kind];
}

struct str view_text(const struct view *view, enum view_kind kind)
{
    return str_of(view->texts[kind]);
}

bool view_equal(const struct view *a, const struct view *b)
{
    return a == b || (strcmp(a->texts[VIEW_TILES], b->texts[VIEW_TILES]) == 0 &&
                      strcmp(a->texts[VIEW_EVENTS], b->texts[VIEW_EVENTS]) == 0);
}

/* ---- Making one ---- */

/* Sorts a list, in place; with `*` in it, it is `*` alone. */
static size_t normalise(struct str *patterns, size_t count)
{
    count = pattern_sort(patterns, count);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(patterns[i], star)) {
            patterns[0] = star;
            return 1;
        }
    }
    return count;
}

static int compare_lists(const struct view_list *a, const struct view_list *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        const struct str x = a->patterns[i];
        const struct str y = b->patterns[i];
        const int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);
        if (order != 0 || x.len != y.len) {
            return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
        }
    }
    return (a->count > b->count) - (a->count < b->count);
}

/* Grants with the same fields come in a row; those with all fields, `*`, before most others. */
static int compare_fields(const void *a, const void *b)
{
    const struct grant *x = a;
    const struct grant *y = b;
    return compare_lists(&x->lists[GRANT_FIELDS], &y->lists[GRANT_FIELDS]);
}

/* Appends one list of several grants to the view's patterns, and brings it into its normal form. */
static struct view_list join(struct view *view, size_t *used, const struct grant *grants,
                             size_t count, size_t which)
{
    struct str *begin = view->patterns + *used;
    size_t joined = 0;
    for (size_t i = 0; i < count; i++) {
        const struct view_list *list = &grants[i].lists[which];
        for (size_t k = 0; k < list->count; k++) {
            begin[joined++] = list->patterns[k];
        }
    }
    joined = normalise(begin, joined);
    *used += joined;
    return (struct view_list){begin, joined};
}

/* What is shown with all fields need not be shown with some of them once more. */
static void drop_needless(struct grant *grants, size_t count)
{
    bool shown[VIEW_KINDS] = {false};
    for (size_t i = 0; i < count; i++) {
        for (size_t kind = 0; kind < VIEW_KINDS; kind++) {
            shown[kind] = shown[kind] || (grant_shows_all(&grants[i].lists[GRANT_FIELDS]) &&
                                          grant_shows_all(&grants[i].lists[kind]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t kind = 0; kind < VIEW_KINDS; kind++) {
            if (shown[kind] && !grant_shows_all(&grants[i].lists[GRANT_FIELDS])) {
                grants[i].lists[kind].count = 0;
            }
        }
    }
}

/* Drops the grants that show nothing, and sorts the others by their fields. */
static size_t sort_grants(struct grant *grants, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (grants[i].lists[VIEW_TILES].count + grants[i].lists[VIEW_EVENTS].count != 0) {
            grants[kept++] = grants[i];
        }
    }
    if (kept != 0) {
        qsort(grants, kept, sizeof *grants, compare_fields);
    }
    return kept;
}

/* The end of the grants that have the same fields as the first one. */
static size_t same_fields(const struct grant *grants, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && compare_fields(&grants[first], &grants[end]) == 0) {
        end++;
    }
    return end;
}

/* Makes one grant of those that have the same fields. Returns how many patterns are used. */
static size_t merge(struct view *view, const struct grant *grants, size_t count)
{
    size_t used = 0;
    for (size_t which = 0; which < GRANT_LISTS; which++) {
        const size_t begin = used;
        view->grant_count = 0;
        for (size_t i = 0, end; i < count; i = end) {
            end = same_fields(grants, i, count);
            view->grants[view->grant_count++].lists[which] =
                join(view, &used, grants + i, end - i, which);
        }
        if (which < VIEW_KINDS) {
            view->names[which] = (struct view_list){view->patterns + begin, used - begin};
        }
    }
    for (size_t i = 0; i < view->grant_count; i++) {
        view->hides = view->hides || !grant_shows_all(&view->grants[i].lists[GRANT_FIELDS]);
    }
    return used;
}

/* Copies the bytes of the patterns, which are others' up to now. */
static void own_bytes(struct view *view, size_t used)
{
    size_t total = 0;
    for (size_t i = 0; i < used; i++) {
        total += view->patterns[i].len;
    }
    char *at = view->bytes = x_malloc(total + 1);
    for (size_t i = 0; i < used; i++) {
        memcpy(at, view->patterns[i].p, view->patterns[i].len);
        view->patterns[i].p = at;
        at += view->patterns[i].len;
    }
}

static size_t bytes_of(const struct str *patterns, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += patterns[i].len;
    }
    return bytes;
}

/* Makes a view of grants whose lists are in their normal form; sorts them. */
static int build(struct grant *grants, size_t count, const struct view **out, struct error *err)
{
    size_t patterns = 0;
    drop_needless(grants, count);
    count = sort_grants(grants, count);
    for (size_t i = 0; i < count; i++) {
        for (size_t which = 0; which < GRANT_LISTS; which++) {
            patterns += grants[i].lists[which].count;
        }
    }
    struct view *view = x_calloc(1, sizeof *view);
    view->references = 1;
    view->grants = x_calloc(count + 1, sizeof *view->grants);
    view->patterns = x_calloc(patterns + 1, sizeof *view->patterns);
    const size_t used = merge(view, grants, count);
    if (used > VIEW_PATTERNS_MAX || bytes_of(view->patterns, used) > VIEW_TEXT_MAX ||
        view->grant_count > VIEW_GRANTS_MAX) {
        destroy(view);
        return error_set(err, STATUS_FULL,
                         "these are more than %d patterns, or more than %zu bytes of them: use `*` "
                         "to say the same with fewer",
                         VIEW_PATTERNS_MAX, VIEW_TEXT_MAX);
    }
    own_bytes(view, used);
    for (size_t kind = 0; kind < VIEW_KINDS; kind++) {
        view->texts[kind] = make_text(view, (enum view_kind)kind);
        make_mark(view->marks[kind], view->texts[kind]);
    }
    *out = view;
    return STATUS_OK;
}

static int check(const struct view_list *list, size_t which, struct error *err)
{
    static const char *const names[GRANT_LISTS] = {"tiles", "events", "fields"};
    if (list->count > VIEW_PATTERNS_MAX || bytes_of(list->patterns, list->count) > VIEW_TEXT_MAX) {
        return error_set(err, STATUS_FULL, "%s has at most %d patterns, of %zu bytes in all",
                         names[which], VIEW_PATTERNS_MAX, VIEW_TEXT_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct str pattern = list->patterns[i];
        if (which == GRANT_FIELDS ? !pattern_names_field(pattern) : !pattern_names_key(pattern)) {
            return error_set(err, STATUS_INVALID,
                             "pattern %zu of %s is empty, or has a character that no name has: "
                             "`*` stands for any characters",
                             i + 1, names[which]);
        }
    }
    return STATUS_OK;
}

int view_create(const struct view_list *tiles, const struct view_list *events,
                const struct view_list *fields, const struct view **out, struct error *err)
{
    const struct view_list *const given[GRANT_LISTS] = {tiles, events, fields};
    struct grant grant;
    for (size_t which = 0; which < GRANT_LISTS; which++) {
        grant.lists[which] = given[which] != NULL ? *given[which] : all;
        const int status = check(&grant.lists[which], which, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    /* The lists are the caller's, so they are brought into their normal form in a copy. */
    struct str *copies[GRANT_LISTS];
    for (size_t which = 0; which < GRANT_LISTS; which++) {
        struct view_list *list = &grant.lists[which];
        copies[which] = x_memdup(list->patterns, list->count * sizeof *list->patterns);
        *list = (struct view_list){copies[which], normalise(copies[which], list->count)};
    }
    const int status = build(&grant, 1, out, err);
    for (size_t which = 0; which < GRANT_LISTS; which++) {
        free(copies[which]);
    }
    return status;
}

int view_union(const struct view *const *views, size_t count, const struct view **out,
               struct error *err)
{
    size_t grants = 0;
    for (size_t i = 0; i < count; i++) {
        grants += views[i]->grant_count;
    }
    struct grant *joined = x_calloc(grants + 1, sizeof *joined);
    grants = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < views[i]->grant_count; k++) {
            joined[grants++] = views[i]->grants[k];
        }
    }
    const int status = build(joined, grants, out, err);
    free(joined);
    return status;
}

/* ---- Names ---- */

static bool list_matches(const struct view_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_glob(list->patterns[i], name)) {
            return true;
        }
    }
    return false;
}

struct view_list view_names(const struct view *view, enum view_kind kind)
{
    return view->names[kind];
}

bool view_shows(const struct view *view, enum view_kind kind, struct str name)
{
    return list_matches(&view->names[kind], name);
}

bool view_meets(const struct view *view, enum view_kind kind, struct str pattern)
{
    const struct view_list *list = &view->names[kind];
    for (size_t i = 0; i < list->count; i++) {
        if (pattern_meets(list->patterns[i], pattern)) {
            return true;
        }
    }
    return false;
}

bool view_covers(const struct view *view, enum view_kind kind, struct str pattern)
{
    for (size_t i = 0; i < view->grant_count; i++) {
        const struct grant *grant = &view->grants[i];
        if (grant_shows_all(&grant->lists[GRANT_FIELDS]) &&
            list_matches(&grant->lists[kind], pattern)) {
            return true; /* as pattern_covers says, a pattern is matched like a name */
        }
    }
    return false;
}
