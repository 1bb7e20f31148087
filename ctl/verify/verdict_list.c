/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/verify/verdict_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

void verdict_list_add(struct verdict_list *list, const char *key, const struct served *served,
                      const struct served_tile *tile, struct judged *judged)
{
    list->findings = x_reallocarray(list->findings, list->count + 1, sizeof *list->findings);
    struct verdict_finding *finding = &list->findings[list->count++];
    const bool explained = judged->verdict != VERDICT_SURPLUS && judged->verdict != VERDICT_STALE;
    const bool by_gateway = judged->shown.len != 0 || judged->verdict == VERDICT_NOT_SHOWN;
    *finding = (struct verdict_finding){.key = x_strdup(key),
                                        .verdict = judged->verdict,
                                        .rows_left = judged->rows_left,
                                        .reason = judged->reason,
                                        .proved = judged->proved};
    memcpy(finding->position, tile != NULL ? tile->position : served->position,
           sizeof finding->position);
    finding->as_of = tile != NULL ? tile->as_of : served->as_of;
    judged->reason = NULL;
    judged->proved = NULL;
    if (explained) {
        buf_append_str(&finding->expected, buf_str(&judged->expected));
    }
    if (tile != NULL) {
        finding->tally = tile->tally;
    }
    if (by_gateway) {
        buf_append_str(&finding->got, buf_str(&judged->shown));
    } else if (tile != NULL) {
        buf_append_str(&finding->got, buf_str(&tile->value));
    }
    list->unprovable += verdict_is_unprovable(judged->verdict);
    list->building += judged->verdict == VERDICT_BUILDING;
    list->open += judged->verdict == VERDICT_UNPROVABLE && judged->open;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct verdict_finding *)a)->key,
                  ((const struct verdict_finding *)b)->key);
}

void verdict_list_sort(struct verdict_list *list)
{
    if (list->count > 1) {
        qsort(list->findings, list->count, sizeof *list->findings, by_key);
    }
}

void verdict_list_clear(struct verdict_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->findings[i].key);
        free(list->findings[i].reason);
        free(list->findings[i].proved);
        buf_free(&list->findings[i].expected);
        buf_free(&list->findings[i].got);
    }
    list->count = 0;
    list->unprovable = 0;
    list->building = 0;
    list->open = 0;
}

void verdict_list_free(struct verdict_list *list)
{
    verdict_list_clear(list);
    free(list->findings);
    list->findings = NULL;
}
