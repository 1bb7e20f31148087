/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/member_status.h"

/* What a member shows, written when the first condition asks for it. */
struct looking {
    struct fold *fold;
    const struct member *member;
    bool written; /* fold->figures has it */
};

static bool figure(void *arg, const struct tile_limit *limit, double *out)
{
    struct looking *looking = arg;
    struct fold *fold = looking->fold;
    const struct family *family = looking->member->family;
    struct number number;
    if (family->type->figure != NULL) {
        const bool known = family->type->figure(looking->member->state, family->config, &number);
        *out = known ? number.value : 0;
        return known;
    }
    if (!looking->written) {
        looking->written = true;
        buf_clear(&fold->figures);
        family->type->write(looking->member->state, family->config, &fold->figures);
        (void)mp_parse(&fold->figures_doc, fold->figures.data, fold->figures.len);
    }
    const mp_value *data = &fold->figures_doc.root;
    return mp_as_number(mp_get(limit->map != NULL ? mp_get(data, limit->map) : data, limit->figure),
                        out);
}

enum trouble_change member_status_update(struct fold *fold, struct member *member, wall_time now)
{
    const struct family *family = member->family;
    struct looking looking = {fold, member, false};
    if (!member_has_status(member)) {
        return TROUBLE_SAME;
    }
    const struct trouble_view view = {
        .figure = figure,
        .arg = &looking,
        .latest = member->latest,
        .next = family->type->figure_until != NULL
                    ? family->type->figure_until(member->state, family->config)
                    : WALL_NEVER,
    };
    member->status_unsure = false;
    return trouble_update(&member->status, &family->config->thresholds, &view, now);
}

size_t member_status_write(const struct member *member, struct buf *out)
{
    return member_has_status(member) && member->status.known
               ? trouble_write(&member->status, &member->family->config->thresholds, out)
               : 0;
}
