/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access/claim.h"

#include <stdlib.h>

#include "common/base/match/pattern.h"
#include "common/base/xalloc.h"

enum { CLAIM_TILES, CLAIM_EVENTS, CLAIM_FIELDS, CLAIM_LISTS };

static const char *const names[CLAIM_LISTS] = {"tiles", "events", "fields"};

struct reading {
    struct str patterns[CLAIM_LISTS][VIEW_PATTERNS_MAX];
    size_t counts[CLAIM_LISTS];
    bool given[CLAIM_LISTS];
    size_t list; /* The one that is read now. */
    int status;
    struct error *err;
};

static bool on_pattern(void *arg, const struct json_value *item)
{
    struct reading *reading = arg;
    struct str pattern;
    size_t *count = &reading->counts[reading->list];
    if (!json_as_str(item, &pattern)) {
        reading->status =
            error_set(reading->err, STATUS_INVALID,
                      "the claim `tilewire`: an entry of %s is no string", names[reading->list]);
    } else if (*count == VIEW_PATTERNS_MAX) {
        reading->status = error_set(reading->err, STATUS_FULL,
                                    "the claim `tilewire`: %s has more than %d patterns",
                                    names[reading->list], VIEW_PATTERNS_MAX);
    } else {
        reading->patterns[reading->list][(*count)++] = pattern;
    }
    return reading->status == STATUS_OK;
}

static bool on_member(void *arg, struct str name, const struct json_value *value)
{
    struct reading *reading = arg;
    size_t list = 0;
    if (str_is(name, "push") && json_is_list(value)) {
        return true; /* claim_pushes reads it */
    }
    while (list < CLAIM_LISTS && !str_is(name, names[list])) {
        list++;
    }
    if (list == CLAIM_LISTS || !json_is_list(value)) {
        reading->status = error_set(reading->err, STATUS_INVALID,
                                    "the claim `tilewire` has tiles, events, fields and push, each "
                                    "a list of patterns, and nothing else");
        return false;
    }
    reading->list = list;
    reading->given[list] = true;
    json_each_item(value, on_pattern, reading);
    return reading->status == STATUS_OK;
}

int claim_parse(const struct json_value *claim, const struct view **out, struct error *err)
{
    if (!json_is_map(claim)) {
        return error_set(err, STATUS_INVALID,
                         "the claim `tilewire` is missing, or is no object such as "
                         "{\"tiles\":[\"tickets.*\"]}");
    }
    struct reading *reading = x_calloc(1, sizeof *reading);
    reading->err = err;
    json_each(claim, on_member, reading);
    int status = reading->status;
    if (status == STATUS_OK) {
        struct view_list lists[CLAIM_LISTS];
        const struct view_list *given[CLAIM_LISTS];
        for (size_t i = 0; i < CLAIM_LISTS; i++) {
            lists[i] = (struct view_list){reading->patterns[i], reading->counts[i]};
            given[i] = reading->given[i] ? &lists[i] : NULL;
        }
        status =
            view_create(given[CLAIM_TILES], given[CLAIM_EVENTS], given[CLAIM_FIELDS], out, err);
        if (status != STATUS_OK) {
            (void)error_prefix(err, status, "the claim `tilewire`");
        }
    }
    free(reading);
    return status;
}

/* ---- What may be pushed ---- */

struct pushes {
    struct buf *out;
    size_t count;
    int status;
    struct error *err;
};

static bool on_push(void *arg, const struct json_value *item)
{
    struct pushes *pushes = arg;
    struct str pattern;
    if (!json_as_str(item, &pattern) || !pattern_names_key(pattern)) {
        pushes->status = error_set(pushes->err, STATUS_INVALID,
                                   "the claim `tilewire`: an entry of push is no pattern of event "
                                   "types");
    } else if (++pushes->count > VIEW_PATTERNS_MAX ||
               pushes->out->len + pattern.len >= VIEW_TEXT_MAX) {
        pushes->status =
            error_set(pushes->err, STATUS_FULL, "the claim `tilewire`: push is too long");
    } else {
        buf_append_text(pushes->out, pushes->out->len != 0 ? "," : "");
        buf_append_str(pushes->out, pattern);
    }
    return pushes->status == STATUS_OK;
}

int claim_pushes(const struct json_value *claim, struct buf *out, struct error *err)
{
    struct pushes pushes = {out, 0, STATUS_OK, err};
    json_each_item(json_member(claim, STR("push")), on_push, &pushes);
    return pushes.status;
}
