/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/tile_lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/fnv.h"
#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "common/store/store_list.h"
#include "gateway/base/deflate.h"

/* The work that a list is, in steps. */
#define TILE_STEPS 2         /* A tile that is looked at. */
#define LISTED_STEPS 20      /* A tile that is listed; most of it is sorting. */
#define MADE_BYTES_A_STEP 16 /* Bytes of a list that are put together. */

struct tile_lists {
    const struct store *store;
    struct tile_list list[TILE_LISTS_KEPT]; /* A free place has no json. */
    uint64_t uses;
};

struct tile_lists *tile_lists_create(const struct store *store)
{
    struct tile_lists *lists = x_calloc(1, sizeof *lists);
    lists->store = store;
    return lists;
}

static void forget(struct tile_list *list)
{
    free(list->selection);
    free(list->after);
    list->selection = NULL;
    list->after = NULL;
    blob_unref(&list->json);
    blob_unref(&list->gzip);
}

void tile_lists_outdate(struct tile_lists *lists)
{
    for (size_t i = 0; i < TILE_LISTS_KEPT; i++) {
        forget(&lists->list[i]);
    }
}

void tile_lists_destroy(struct tile_lists **lists)
{
    if (*lists != NULL) {
        tile_lists_outdate(*lists);
        free(*lists);
        *lists = NULL;
    }
}

/* ---- Making one ---- */

struct listing {
    const struct selection *selection;
    struct buf body;
    uint64_t digest; /* See struct tile_list; FNV-1a. */
    size_t count;
    const struct tile_list_page *page;
    struct str last;                 /* The key that was listed last. */
    bool more;                       /* There are tiles behind the page. */
    struct tile_list_bounds *bounds; /* When it is beyond them, the list is of no use. */
};

static void digest_bytes(uint64_t *digest, const void *data, size_t len)
{
    *digest = fnv1a(*digest, (struct str){data, len});
}

static bool wanted(void *arg, const struct tile *tile)
{
    const struct listing *listing = arg;
    listing->bounds->steps += TILE_STEPS;
    return selection_steps(listing->selection) < listing->bounds->max_steps &&
           selection_matches(listing->selection, (struct str){tile->key, tile->key_len});
}

static bool list_tile(void *arg, const struct tile *tile)
{
    struct listing *listing = arg;
    if (listing->page->limit != 0 && listing->count == listing->page->limit) {
        listing->more = true;
        digest_bytes(&listing->digest, "next", 4);
        return false;
    }
    listing->last = (struct str){tile->key, tile->key_len};
    const struct lens lens = selection_lens(listing->selection, listing->last);
    digest_bytes(&listing->digest, tile->key, tile->key_len + 1);
    digest_bytes(&listing->digest, &tile->version, sizeof tile->version);
    digest_bytes(&listing->digest, &tile->stale, sizeof tile->stale);
    if (!lens_clear(lens)) {
        const uint64_t fields = lens_digest(lens);
        digest_bytes(&listing->digest, &fields, sizeof fields);
    }
    if (listing->count++ != 0) {
        buf_append_char(&listing->body, ',');
    }
    buf_append_str(&listing->body, render_tile_json(render_tile(tile, lens)));
    listing->bounds->steps += LISTED_STEPS;
    return listing->body.len <= listing->bounds->max_bytes;
}

static bool is_behind(const struct tile_list_page *page, struct str key)
{
    const struct str after = page->after;
    const size_t common = key.len < after.len ? key.len : after.len;
    const int order = common != 0 ? memcmp(key.p, after.p, common) : 0;
    return after.p == NULL || order > 0 || (order == 0 && key.len > after.len);
}

/* Whoever asks for k keys has k tiles looked at, and not all that there are. */
static void list_all(const struct store *store, struct listing *listing)
{
    size_t count;
    const struct str *names = selection_names(listing->selection, &count);
    const struct tile_list_page *page = listing->page;
    if (names == NULL && page->limit != 0) {
        listing->bounds->steps += store_count(store); /* one more tells whether there are more */
        store_list_wanted_page(store, page->after, page->limit + 1, wanted, list_tile, listing);
        return;
    }
    if (names == NULL) {
        store_list_wanted(store, wanted, list_tile, listing);
        return;
    }
    bool more = true;
    for (size_t i = 0; i < count && more; i++) {
        const struct tile *tile = is_behind(page, names[i]) ? store_get(store, names[i]) : NULL;
        more = tile == NULL || !wanted(listing, tile) || list_tile(listing, tile);
    }
}

static int make(const struct store *store, const struct selection *selection,
                const struct tile_list_page *page, const struct cursor *cursor,
                struct tile_list_bounds *bounds, struct tile_list *out)
{
    struct listing listing = {
        .selection = selection, .digest = FNV_BEGIN, .page = page, .bounds = bounds};
    buf_append_text(&listing.body, "{\"cursor\":\"");
    cursor_append(&listing.body, cursor);
    buf_append_text(&listing.body, selection_mark(selection));
    buf_append_text(&listing.body, "\",\"tiles\":[");
    list_all(store, &listing);
    buf_append_char(&listing.body, ']');
    if (listing.more) {
        buf_append_text(&listing.body, ",\"next\":");
        json_write_string(&listing.body, listing.last);
    }
    buf_append_char(&listing.body, '}');
    bounds->steps += selection_steps(selection) + listing.body.len / MADE_BYTES_A_STEP;
    if (selection_steps(selection) >= bounds->max_steps || listing.body.len > bounds->max_bytes) {
        const bool costly = selection_steps(selection) >= bounds->max_steps;
        buf_free(&listing.body);
        return costly ? STATUS_INVALID : STATUS_FULL;
    }
    out->selection = x_strdup(selection->text);
    out->after = page->after.p != NULL ? x_strndup(page->after.p, page->after.len) : NULL;
    out->limit = page->limit;
    out->json = blob_new(buf_str(&listing.body));
    snprintf(out->digest, sizeof out->digest, "%016" PRIx64, listing.digest);
    buf_free(&listing.body);
    return STATUS_OK;
}

/* ---- Keeping some ---- */

static bool is_list_of(const struct tile_list *list, const struct selection *selection,
                       const struct tile_list_page *page)
{
    const struct str after = list->after != NULL ? str_of(list->after) : STR_NULL;
    return list->limit == page->limit && (after.p == NULL) == (page->after.p == NULL) &&
           str_equal(after, page->after) && strcmp(list->selection, selection->text) == 0;
}

int tile_lists_get(struct tile_lists *lists, const struct selection *selection,
                   const struct tile_list_page *page, const struct cursor *cursor,
                   struct tile_list_bounds *bounds, struct tile_list **out)
{
    struct tile_list *oldest = &lists->list[0];
    for (size_t i = 0; i < TILE_LISTS_KEPT; i++) {
        struct tile_list *list = &lists->list[i];
        if (list->json != NULL && list->json->len <= TILE_LIST_KEPT_BYTES &&
            is_list_of(list, selection, page)) {
            list->used = ++lists->uses;
            *out = list;
            return STATUS_OK;
        }
        /* A large one is kept only while nobody wants another. */
        if (list->json == NULL || list->json->len > TILE_LIST_KEPT_BYTES) {
            list->used = 0;
        }
        oldest = list->used < oldest->used ? list : oldest;
    }
    forget(oldest);
    const int status = make(lists->store, selection, page, cursor, bounds, oldest);
    if (status == STATUS_OK) {
        oldest->used = ++lists->uses;
        *out = oldest;
    }
    return status;
}

bool tile_list_compresses(const struct tile_list *list)
{
    return list->json->len >= TILE_LIST_GZIP_MIN && list->json->len <= TILE_LIST_KEPT_BYTES;
}

struct blob *tile_list_gzip(struct tile_list *list)
{
    if (list->gzip == NULL && tile_list_compresses(list)) {
        list->gzip = deflate_gzip(blob_str(list->json));
    }
    return list->gzip;
}
