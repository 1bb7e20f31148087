/* SPDX-License-Identifier: Apache-2.0 */
/* Answers /api/tiles, /api/tiles/KEY and /api/tiles/stream, which serve tiles. */
#ifndef GATEWAY_API_TILES_H
#define GATEWAY_API_TILES_H

#include "common/wire/cursor.h"
#include "gateway/http/request.h"

enum MHD_Result api_tiles_list(struct request *request);

/* Answers with one tile. raw_key: the key as it came, "" when the path was written in an odd way. A
 * tile may be asked for in either form. */
enum MHD_Result api_tiles_get(struct request *request, const char *key, const char *raw_key);

enum MHD_Result api_tiles_stream(struct request *request);

/* The function for streams_set_can_resume: true when a client of tiles can go on from its cursor.
 * All lanes must be in the epoch that they are in here, and no removal forgotten that
 * the client may not have heard of. arg: the struct
 * api. */
bool api_tiles_can_resume(void *arg, const struct cursor *cursor);

#endif
