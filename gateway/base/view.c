/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/view.h"

/* It has no members yet: the one view there is narrows nothing. */
struct view {
    char nothing;
};

static const struct view everything;

const struct view *view_everything(void)
{
    return &everything;
}

bool view_narrow(const struct view *view, enum view_kind kind, struct selection *wanted)
{
    (void)view;
    (void)kind;
    (void)wanted;
    return true;
}

bool view_shows(const struct view *view, enum view_kind kind, struct str name)
{
    (void)view;
    (void)kind;
    (void)name;
    return true;
}
