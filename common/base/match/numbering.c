/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/match/numbering.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/xalloc.h"

struct name_number numbering_take(struct numbering *numbering)
{
    if (numbering->unused_count != 0) {
        const uint32_t place = numbering->unused[--numbering->unused_count];
        return (struct name_number){place, numbering->uses[place]};
    }
    if (numbering->count == numbering->cap) {
        numbering->cap = numbering->cap != 0 ? numbering->cap * 2 : 64;
        numbering->uses = x_reallocarray(numbering->uses, numbering->cap, sizeof *numbering->uses);
        numbering->unused =
            x_reallocarray(numbering->unused, numbering->cap, sizeof *numbering->unused);
    }
    numbering->uses[numbering->count] = 0;
    return (struct name_number){(uint32_t)numbering->count++, 0};
}

void numbering_give_back(struct numbering *numbering, struct name_number number)
{
    assert(number.place < numbering->count && numbering->uses[number.place] == number.use);
    numbering->uses[number.place]++;
    numbering->unused[numbering->unused_count++] = number.place;
}

void numbering_free(struct numbering *numbering)
{
    free(numbering->uses);
    free(numbering->unused);
    *numbering = (struct numbering){0};
}
