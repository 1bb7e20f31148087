/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "gateway/api/api.h"
#include "gateway/api/asset_files.h"
#include "gateway/http/reply.h"

/* Only scripts and styles that are served here take effect, and none that stand in a page. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors ";

/* The policy with those whose pages may show ours. */
static void write_policy(const struct config_gateway *gateway, struct buf *out)
{
    buf_append_text(out, policy);
    buf_append_text(out, gateway->frames_any ? "*" : "'self'");
    for (size_t i = 0; i < gateway->frame_ancestor_count && !gateway->frames_any; i++) {
        buf_append_char(out, ' ');
        buf_append_text(out, gateway->frame_ancestors[i]);
    }
    buf_append_char(out, '\0');
}

static const struct asset_file *find(const char *path)
{
    for (size_t i = 0; i < asset_file_count; i++) {
        if (strcmp(asset_files[i].path, path) == 0) {
            return &asset_files[i];
        }
    }
    return NULL;
}

/* The page's addresses are relative, so it has to be asked for with a slash. */
static enum MHD_Result answer_base_path(struct request *request)
{
    char *folder = x_asprintf("%s/", api_of(request)->config->gateway.base_path);
    const char *const headers[] = {"Location", folder, NULL};
    const enum MHD_Result result =
        reply_body(request, MHD_HTTP_PERMANENT_REDIRECT, NULL, STR(""), headers);
    free(folder);
    return result;
}

enum MHD_Result api_assets_get(struct request *request)
{
    if (request->path[0] == '\0') {
        return answer_base_path(request);
    }
    const struct asset_file *asset = find(request->path);
    if (asset == NULL) {
        return reply_problem(request, MHD_HTTP_NOT_FOUND,
                             "There is nothing here; the dashboard is at /, the API under /api/.",
                             0);
    }
    /* A strong tag stands for certain bytes, so what is compressed has another. */
    char etag[64];
    const bool gzip = request_accepts_gzip(request);
    snprintf(etag, sizeof etag, "%.*s%s\"", (int)strlen(asset->etag) - 1, asset->etag,
             gzip ? ".gz" : "");
    const bool same = request_etag_matches(request, etag);
    struct buf written = {0};
    write_policy(&api_of(request)->config->gateway, &written);
    const char *const headers[] = {"ETag",
                                   etag,
                                   "Cache-Control",
                                   "no-cache",
                                   "Content-Security-Policy",
                                   buf_str(&written).p,
                                   "Referrer-Policy",
                                   "no-referrer",
                                   "Vary",
                                   "Accept-Encoding",
                                   gzip && !same ? "Content-Encoding" : NULL,
                                   "gzip",
                                   NULL};
    const struct str body = gzip ? (struct str){(const char *)asset->gzip, asset->gzip_len}
                                 : (struct str){(const char *)asset->data, asset->len};
    const enum MHD_Result result =
        reply_body(request, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, same ? NULL : asset->type,
                   same ? STR("") : body, headers);
    buf_free(&written);
    return result;
}
