/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/store_list.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

/* The tiles that may be on the page: the smallest keys so far, and as many that came since these
 * were chosen. */
struct page {
    struct str prefix;
    struct str after;
    bool (*wanted)(void *arg, const struct tile *tile); /* NULL: all are. */
    void *arg;
    const struct tile **found;
    size_t count;
    size_t max;
    const struct tile
        *last; /* Once `max` were chosen, those behind this one are not on the page. */
};

static int order(struct str a, struct str b)
{
    const int bytes = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return bytes != 0 ? bytes : (a.len > b.len) - (a.len < b.len);
}

static struct str key_of(const struct tile *tile)
{
    return (struct str){tile->key, tile->key_len};
}

static int compare_keys(const void *a, const void *b)
{
    const struct tile *const *x = a;
    const struct tile *const *y = b;
    return order(key_of(*x), key_of(*y));
}

static void sort(struct page *page)
{
    qsort(page->found, page->count, sizeof *page->found, compare_keys);
    if (page->count > page->max) {
        page->count = page->max;
        page->last = page->found[page->max - 1];
    }
}

static void take(void *arg, const struct tile *tile)
{
    struct page *page = arg;
    const struct str key = key_of(tile);
    if (key.len < page->prefix.len ||
        (page->prefix.len != 0 && memcmp(key.p, page->prefix.p, page->prefix.len) != 0) ||
        (page->after.p != NULL && order(key, page->after) <= 0) ||
        (page->last != NULL && order(key, key_of(page->last)) >= 0) ||
        (page->wanted != NULL && !page->wanted(page->arg, tile))) {
        return;
    }
    if (page->count == 2 * page->max) {
        sort(page);
    }
    page->found[page->count++] = tile;
}

static void list_page(const struct store *store, struct page *page,
                      bool (*each)(void *arg, const struct tile *tile), void *arg)
{
    page->found = x_calloc(2 * page->max, sizeof(struct tile *));
    store_each(store, take, page);
    sort(page);
    for (size_t i = 0; i < page->count && each(arg, page->found[i]); i++) {
    }
    free(page->found);
}

void store_list_page(const struct store *store, struct str prefix, struct str after, size_t max,
                     bool (*each)(void *arg, const struct tile *tile), void *arg)
{
    struct page page = {.prefix = prefix, .after = after, .max = max};
    list_page(store, &page, each, arg);
}

void store_list_wanted_page(const struct store *store, struct str after, size_t max,
                            bool (*wanted)(void *arg, const struct tile *tile),
                            bool (*each)(void *arg, const struct tile *tile), void *arg)
{
    struct page page = {.after = after, .max = max, .wanted = wanted, .arg = arg};
    list_page(store, &page, each, arg);
}

void store_list(const struct store *store, struct str prefix,
                bool (*each)(void *arg, const struct tile *tile), void *arg)
{
    store_list_page(store, prefix, STR_NULL, store_count(store) + 1, each, arg);
}

/* ---- Those that are wanted ---- */

struct choice {
    bool (*wanted)(void *arg, const struct tile *tile);
    void *arg;
    const struct tile **found;
    size_t count;
    size_t cap;
};

static void choose(void *arg, const struct tile *tile)
{
    struct choice *choice = arg;
    if (!choice->wanted(choice->arg, tile)) {
        return;
    }
    if (choice->count == choice->cap) {
        choice->cap = choice->cap != 0 ? choice->cap * 2 : 64;
        choice->found = x_reallocarray(choice->found, choice->cap, sizeof(const struct tile *));
    }
    choice->found[choice->count++] = tile;
}

void store_list_wanted(const struct store *store,
                       bool (*wanted)(void *arg, const struct tile *tile),
                       bool (*each)(void *arg, const struct tile *tile), void *arg)
{
    struct choice choice = {.wanted = wanted, .arg = arg};
    store_each(store, choose, &choice);
    if (choice.count != 0) {
        qsort(choice.found, choice.count, sizeof *choice.found, compare_keys);
    }
    for (size_t i = 0; i < choice.count && each(arg, choice.found[i]); i++) {
    }
    free(choice.found);
}
