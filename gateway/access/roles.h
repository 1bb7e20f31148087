/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roles of the configuration (`gateway.roles`) as views: what the members of groups may see.
 * One thread.
 */
#ifndef GATEWAY_ACCESS_ROLES_H
#define GATEWAY_ACCESS_ROLES_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/config/config.h"
#include "gateway/base/view.h"

struct roles;

/* Makes the views of all roles. Keeps nothing of the configuration. */
struct roles *roles_create(const struct config_gateway *config);
void roles_destroy(struct roles **roles);

/* What somebody may see who belongs to these groups: all that the roles of any of them show, and
 * the role `*`. Groups without a role show nothing. The caller releases the view. */
const struct view *roles_view(const struct roles *roles, const struct str *groups, size_t count);

/* Appends the patterns of types that somebody of these groups may push, joined by commas. */
void roles_pushes(const struct roles *roles, const struct str *groups, size_t count,
                  struct buf *out);

#endif
