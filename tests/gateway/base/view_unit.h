/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of views share: views of lists that are written as one text. */
#ifndef TESTS_GATEWAY_BASE_VIEW_UNIT_H
#define TESTS_GATEWAY_BASE_VIEW_UNIT_H

#include "gateway/base/view.h"
#include "tests/unit.h"

#define LIST_MAX 8

/* A list written as "a,b"; "" has no patterns, and NULL is not there. */
struct written {
    struct str patterns[LIST_MAX];
    struct view_list list;
};

static inline const struct view_list *list_of(struct written *out, const char *text)
{
    *out = (struct written){.list = {out->patterns, 0}};
    while (text != NULL && *text != '\0') {
        const size_t len = strcspn(text, ",");
        out->patterns[out->list.count++] = (struct str){text, len};
        text += len + (text[len] == ',');
    }
    return text != NULL ? &out->list : NULL;
}

static inline int make(const char *tiles, const char *events, const char *fields,
                       const struct view **out, struct error *err)
{
    struct written lists[3];
    return view_create(list_of(&lists[0], tiles), list_of(&lists[1], events),
                       list_of(&lists[2], fields), out, err);
}

static inline const struct view *view_of(const char *tiles, const char *events, const char *fields)
{
    const struct view *view = NULL;
    assert_int_equal(make(tiles, events, fields, &view, NULL), STATUS_OK);
    return view;
}

/* Takes both over. */
static inline const struct view *both(const struct view *a, const struct view *b)
{
    const struct view *const views[] = {a, b};
    const struct view *view = NULL;
    assert_int_equal(view_union(views, 2, &view, NULL), STATUS_OK);
    view_release(&a);
    view_release(&b);
    return view;
}

static inline bool tile(const struct view *view, const char *key)
{
    return view_shows(view, VIEW_TILES, str_of(key));
}

static inline bool event(const struct view *view, const char *type)
{
    return view_shows(view, VIEW_EVENTS, str_of(type));
}

#endif
