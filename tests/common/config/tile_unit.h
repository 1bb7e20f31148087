/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of tiles' definitions share: the beginnings of files with one tile. */
#ifndef TESTS_COMMON_CONFIG_TILE_UNIT_H
#define TESTS_COMMON_CONFIG_TILE_UNIT_H

#include "tests/common/config/config_unit.h"

#define SOURCE "source: {uri: sqlite:e.db, columns: {region: region, actor_id: null}}\n"
#define TILE "tiles: [{key: t, "
#define SLA "type: sla_risk, opens: {event_type: o}, closes: {event_type: c}, item: target_id"

#endif
