/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what a field names in a payload, as the oracle does it. */
#ifndef CTL_ORACLE_PATH_H
#define CTL_ORACLE_PATH_H

#include "common/base/str.h"
#include "common/codec/json.h"

/* Goes down a path of member names and indices of lists that have dots between them. NULL when
 * there is no such member; json may be NULL. What is returned is part of json. */
const struct json_value *oracle_path(const struct json_value *json, struct str path);

#endif
