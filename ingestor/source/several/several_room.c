/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/several/several_room.h"

#include <string.h>

static bool is_configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->source_count; i++) {
        if (strcmp(config->sources[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Moves the places that are configured, or those that are not, behind the others, in their order.
 * The first ones are forgotten instead. */
static void move_places(struct several_state *state, const struct several_state *before,
                        const bool *configured, bool wanted, size_t forgotten, size_t *moved_to)
{
    for (size_t i = 0; i < before->count; i++) {
        struct several_place place = before->places[i];
        if (configured[i] != wanted) {
            continue;
        }
        if (forgotten > 0) {
            forgotten--;
            moved_to[i] = SEVERAL_PLACES_MAX;
            buf_free(&place.state);
            continue;
        }
        moved_to[i] = state->count;
        state->places[state->count++] = place;
    }
}

/* Who is configured stands behind who is not: so those that went first stand first, whenever it
 * was. */
size_t several_make_room(struct several_state *state, const struct config *config)
{
    const struct several_state before = *state;
    size_t moved_to[SEVERAL_PLACES_MAX];
    bool configured[SEVERAL_PLACES_MAX];
    size_t others = 0;
    size_t kept = 0;
    for (size_t i = 0; i < before.count; i++) {
        configured[i] = is_configured(config, before.places[i].name);
        others += !configured[i];
    }
    _Static_assert(CONFIG_SOURCES_MAX <= SEVERAL_PLACES_MAX, "all that are configured have room");
    const size_t room = SEVERAL_PLACES_MAX - config->source_count;
    const size_t forgotten = others > room ? others - room : 0;
    state->count = 0;
    move_places(state, &before, configured, false, forgotten, moved_to);
    move_places(state, &before, configured, true, 0, moved_to);
    memset(state->places + state->count, 0,
           (before.count - state->count) * sizeof state->places[0]);
    for (size_t i = 0; i < before.run_count; i++) {
        struct several_run run = state->runs[i];
        run.place = moved_to[run.place];
        if (run.place != SEVERAL_PLACES_MAX) {
            state->runs[kept++] = run;
        }
    }
    state->run_count = kept;
    return forgotten;
}
