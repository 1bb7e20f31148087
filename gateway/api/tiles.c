/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/tiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/mp.h"
#include "gateway/api/api.h"
#include "gateway/api/cost.h"
#include "gateway/api/open_stream.h"
#include "gateway/api/visible.h"
#include "gateway/api/wait.h"
#include "gateway/http/reply.h"
#include "gateway/stream/render/render.h"

#define PAGE_MAX 10000 /* The tiles of a page. */

/* ---- The list ---- */

static enum MHD_Result reply_list(struct request *request, struct tile_list *list, bool gzip,
                                  const char *etag, bool same)
{
    char wait[WAIT_TEXT_SIZE];
    const char *headers[] = {
        "ETag", etag, "Cache-Control", "no-cache", "Vary", "Accept-Encoding", NULL, wait, NULL,
        NULL,   NULL};
    size_t count = 6;
    headers[count] = wait_header(request, wait);
    count += headers[count] != NULL ? 2 : 0;
    if (same) {
        return reply_body(request, MHD_HTTP_NOT_MODIFIED, NULL, STR(""), headers);
    }
    if (gzip) {
        request->steps += list->gzip == NULL ? list->json->len : 0; /* a byte takes about a step */
        headers[count] = "Content-Encoding";
        headers[count + 1] = "gzip";
    }
    return reply_blob(request, MHD_HTTP_OK, "application/json",
                      gzip ? tile_list_gzip(list) : list->json, headers);
}

/* Reads the parameters `limit` and `after`. False when they are wrong. */
static bool read_page(struct request *request, struct tile_list_page *page, enum MHD_Result *result)
{
    const char *limit = request_parameter(request, "limit");
    const char *after = request_parameter(request, "after");
    *page = (struct tile_list_page){STR_NULL, 0};
    if (limit != NULL) {
        char *end;
        const unsigned long long number = strtoull(limit, &end, 10);
        if (limit[0] < '0' || limit[0] > '9' || *end != '\0' || number == 0 || number > PAGE_MAX) {
            *result = reply_problem(request, MHD_HTTP_BAD_REQUEST,
                                    "`limit` is a number from 1 to 10000.", 0);
            return false;
        }
        page->limit = (size_t)number;
    }
    if (after != NULL && limit == NULL) {
        *result = reply_problem(request, MHD_HTTP_BAD_REQUEST,
                                "`after` goes with `limit`: say how many tiles a page has.", 0);
        return false;
    }
    if (after != NULL && !wire_key_valid(str_of(after))) {
        *result = reply_problem(request, MHD_HTTP_BAD_REQUEST,
                                "`after` is the key of a tile, as `next` of the page before.", 0);
        return false;
    }
    page->after = after != NULL ? str_of(after) : STR_NULL;
    return true;
}

enum MHD_Result api_tiles_list(struct request *request)
{
    const struct api *api = api_of(request);
    struct selection selection;
    struct tile_list_page page;
    enum MHD_Result result;
    if (!wait_parse(request, &result) || !read_page(request, &page, &result)) {
        return result;
    }
    if (!visible_selection(request, VIEW_TILES, &selection, &result)) {
        return result;
    }
    if (!replica_ready(api->replica)) {
        selection_free(&selection);
        return reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                             "This gateway has no tiles yet: it is not in sync with its upstream.",
                             1);
    }
    struct cursor cursor = {0};
    char etag[RENDER_ETAG_SIZE];
    replica_cursor(api->replica, &cursor);
    cursor.lanes += cursor.lanes == 0;
    struct tile_list *list;
    struct tile_list_bounds bounds = {.max_bytes = api->config->gateway.limits.answer_bytes,
                                      .max_steps = COST_FIND_MAX};
    const int status = tile_lists_get(api->tile_lists, &selection, &page, &cursor, &bounds, &list);
    request->steps += bounds.steps;
    if (status != STATUS_OK) {
        selection_free(&selection);
        return status == STATUS_INVALID
                   ? cost_refuse(request)
                   : reply_problem(request, MHD_HTTP_BAD_REQUEST,
                                   "The list would be larger than an answer may be "
                                   "(`limits.answer`); ask for fewer tiles with `keys`, for "
                                   "pages with `limit`, or use the stream.",
                                   0);
    }
    const bool gzip = request_accepts_gzip(request) && tile_list_compresses(list);
    snprintf(etag, sizeof etag, "W/\"%s%s\"", list->digest, gzip ? ".gz" : "");
    const bool same = request_etag_matches(request, etag);
    if (!same || !wait_for_change(request, WAITING_FOR_TILES, &selection, &result)) {
        result = reply_list(request, list, gzip, etag, same);
        selection_free(&selection);
    }
    return result;
}

/* ---- One tile ---- */

/* An answer stays good until the next change of the tile may be published. */
static void put_cache_control(const struct tile *tile, char *out, size_t size)
{
    struct mp_doc doc;
    int64_t interval_ms = 0;
    mp_doc_init(&doc);
    if (mp_parse(&doc, tile->value->data, tile->value->len) == STATUS_OK) {
        (void)mp_as_int(mp_get(mp_get(&doc.root, "refresh"), "min_interval_ms"), &interval_ms);
    }
    mp_doc_free(&doc);
    if (interval_ms >= 1000) {
        snprintf(out, size, "max-age=%lld", (long long)(interval_ms / 1000));
    } else {
        snprintf(out, size, "no-cache");
    }
}

/* The answers to GET /api/tiles/KEY that are kept with the tile until it changes; NULL until
 * somebody wants one. */
struct kept_answers {
    struct MHD_Response *whole;
    struct MHD_Response *not_modified;
};

static void free_kept(void *answers)
{
    struct kept_answers *kept = answers;
    if (kept->whole != NULL) {
        MHD_destroy_response(kept->whole);
    }
    if (kept->not_modified != NULL) {
        MHD_destroy_response(kept->not_modified);
    }
    free(kept);
}

static struct kept_answers *kept_with(const struct tile *tile)
{
    struct rendered_tile *rendered = tile->cache;
    if (rendered->answers == NULL) {
        rendered->answers = x_calloc(1, sizeof(struct kept_answers));
        rendered->free_answers = free_kept;
    }
    return rendered->answers;
}

static void put_header(void *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static struct MHD_Response *make_response(const struct request *request, const struct tile *tile,
                                          struct str body)
{
    char etag[RENDER_ETAG_SIZE];
    char cache_control[48];
    char cache[REPLY_CACHE_SIZE];
    union {
        const char *in;
        void *out;
    } cast = {.in = body.p};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, cast.out, MHD_RESPMEM_MUST_COPY);
    put_cache_control(tile, cache_control, sizeof cache_control);
    MHD_add_response_header(response, "ETag", render_etag(tile, (struct lens){0}, etag));
    MHD_add_response_header(response, "Cache-Control",
                            reply_cache_control(request, cache_control, cache));
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (body.len != 0) {
        MHD_add_response_header(response, "Content-Type", "application/json");
    }
    reply_each_common(request, put_header, response);
    return response;
}

/* An answer of its own: for a page of a certain other origin, or where it is a connection's last,
 * because the answers that are kept lack the headers for that; and for a client who may not see all
 * fields. */
static enum MHD_Result reply_apart(struct request *request, const struct tile *tile, bool same,
                                   const char *etag, struct str json)
{
    char cache_control[48];
    put_cache_control(tile, cache_control, sizeof cache_control);
    const char *const headers[] = {"ETag", etag, "Cache-Control", cache_control, NULL};
    return reply_body(request, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                      same ? NULL : "application/json", same ? STR("") : json, headers);
}

enum MHD_Result api_tiles_get(struct request *request, const char *key, const char *raw_key)
{
    const struct api *api = api_of(request);
    const struct tile *tile = visible_tile(request, str_of(key));
    if (tile == NULL) {
        tile = visible_tile(request, str_of(raw_key));
    }
    if (tile == NULL && !wire_key_valid(str_of(raw_key))) {
        return reply_problem(request, MHD_HTTP_BAD_REQUEST, "This cannot be the key of a tile.", 0);
    }
    if (tile == NULL) {
        return replica_ready(api->replica)
                   ? reply_problem(request, MHD_HTTP_NOT_FOUND,
                                   "There is no tile with that key, or it has expired; "
                                   "GET /api/tiles lists those there are.",
                                   0)
                   : reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                   "This gateway has no tiles yet: it is not in sync with its "
                                   "upstream.",
                                   1);
    }
    char etag[RENDER_ETAG_SIZE];
    const struct lens lens = visible_lens(request, tile);
    const struct str json = render_tile_json(render_tile(tile, lens));
    const bool same = request_etag_matches(request, render_etag(tile, lens, etag));
    if (reply_is_last(request) || !lens_clear(lens) ||
        (request->origin != NULL && strcmp(request->origin, "*") != 0)) {
        return reply_apart(request, tile, same, etag, json);
    }
    struct kept_answers *kept = kept_with(tile);
    struct MHD_Response **response = same ? &kept->not_modified : &kept->whole;
    if (*response == NULL) {
        *response = make_response(request, tile, same ? STR("") : json);
    }
    return reply_dated(request, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, *response,
                       same ? 0 : json.len);
}

/* ---- The stream ---- */

bool api_tiles_can_resume(void *arg, const struct cursor *cursor)
{
    const struct api *api = arg;
    struct cursor here = {0};
    replica_cursor(api->replica, &here);
    if (cursor->lanes != here.lanes) {
        return false;
    }
    for (unsigned i = 0; i < here.lanes; i++) {
        if (cursor->at[i].epoch != here.at[i].epoch ||
            version_compare(cursor->at[i], store_forgotten_version(api->store, i)) < 0) {
            return false;
        }
    }
    return true;
}

enum MHD_Result api_tiles_stream(struct request *request)
{
    const char *form = request_parameter(request, "form");
    const char *last = request_header(request, "Last-Event-ID");
    struct stream_request stream = {.kind = CHANNEL_TILES};
    struct cursor cursor;
    last = last != NULL ? last : request_parameter(request, "lastEventId");
    if (form != NULL && strcmp(form, "patch") == 0) {
        stream.kind = CHANNEL_PATCHES;
    } else if (form != NULL && strcmp(form, "full") != 0) {
        return reply_problem(request, MHD_HTTP_BAD_REQUEST, "`form` is full or patch.", 0);
    }
    enum MHD_Result result;
    if (!visible_selection(request, VIEW_TILES, &stream.selection, &result)) {
        return result;
    }
    if (last != NULL && last[0] != '\0') {
        struct str id = str_of(last);
        if (selection_continues(&stream.selection, request->view, VIEW_TILES, &id) &&
            cursor_parse(id, &cursor) && api_tiles_can_resume(api_of(request), &cursor)) {
            stream.cursor = &cursor;
        } else {
            stream.reset = true;
        }
    }
    return open_stream_sse(request, &stream);
}
