/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the dashboard, which the build puts into the program: gateway/web/assets.txt lists
 * them. */
#ifndef GATEWAY_API_ASSETS_H
#define GATEWAY_API_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* "/", "/assets/app.js" */
    const char *type;
    const char *etag; /* with quotes: a digest of the content */
    const unsigned char *data;
    size_t len;
    const unsigned char *gzip; /* the same, compressed */
    size_t gzip_len;
};

extern const struct asset assets[];
extern const size_t asset_count;

#endif
