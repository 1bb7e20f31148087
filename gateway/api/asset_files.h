/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the dashboard, which the build puts into the program: gateway/web/assets.txt lists
 * them, and cmake/Assets.cmake writes asset_files.c. */
#ifndef GATEWAY_API_ASSET_FILES_H
#define GATEWAY_API_ASSET_FILES_H

#include <stddef.h>

struct asset_file {
    const char *path;          /* "/", "/assets/app.js" */
    const char *type;          /* The media type. */
    const char *etag;          /* With quotes: a digest of the content. */
    const unsigned char *data; /* The content; constant. */
    size_t len;                /* The bytes of `data`. */
    const unsigned char *gzip; /* The same, compressed. */
    size_t gzip_len;           /* The bytes of `gzip`. */
};

extern const struct asset_file asset_files[];
extern const size_t asset_file_count;
extern const char asset_files_version[]; /* A digest of all of them: 12 hexadecimal digits. */

#endif
