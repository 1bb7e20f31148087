/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics/tiles: the values of tiles as gauges of Prometheus, of those that the client may
 * see.
 *
 *   tilewire_tile_MEMBER{key,type}                     each number among the figures of its data
 *   tilewire_tile_MEMBER{key,type,name}                each number in a map of them (buckets)
 *   tilewire_tile_value{key,type} of a trend           its last complete bucket
 *   tilewire_tile_items, tilewire_tile_rows            the members `total` and `count`
 *   … {key,type,family,group}                          of a member of a family
 *
 * No type of tile is named for that but the trend, so a new one has its gauges by itself.
 */
#ifndef GATEWAY_API_TILE_METRICS_H
#define GATEWAY_API_TILE_METRICS_H

#include "gateway/http/request.h"

enum MHD_Result api_tile_metrics(struct request *request);

#endif
