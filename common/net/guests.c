/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/guests.h"

#include <string.h>

#include "common/base/table.h"
#include "common/base/xalloc.h"

struct guest {
    char *key;
    char *name;
    unsigned may;
    unsigned used; /* what it was let in for */
    UT_hash_handle hh;
};

static struct guest *find(const struct guests *guests, const char *key)
{
    struct guest *guest;
    HASH_FIND_STR(guests->by_key, key, guest);
    return guest;
}

static void add(struct guests *guests, const char *key, const char *name, unsigned may)
{
    if (find(guests, key) != NULL) {
        return;
    }
    struct guest *guest = x_calloc(1, sizeof *guest);
    guest->key = x_strdup(key);
    guest->name = x_strdup(name);
    guest->may = may;
    HASH_ADD_KEYPTR(hh, guests->by_key, guest->key, strlen(guest->key), guest);
}

/* What was used before is used still, as far as it is allowed; true when some of it is not. */
static bool carry_over(const struct guests *before, struct guests *now)
{
    bool lost = false;
    for (const struct guest *old = before->by_key; old != NULL; old = old->hh.next) {
        struct guest *guest = find(now, old->key);
        const unsigned may = guest != NULL ? guest->may : 0;
        lost = lost || (old->used & ~may) != 0;
        if (guest != NULL) {
            guest->used = old->used & may;
        }
    }
    return lost;
}

bool guests_set(struct guests *guests, const struct config_clients *clients, const char *own_key)
{
    struct guests now = {NULL};
    for (size_t i = 0; i < clients->count; i++) {
        const struct config_client *client = &clients->list[i];
        add(&now, client->key, client->name, client->may);
    }
    if (own_key != NULL) {
        add(&now, own_key, "this program's own pair",
            CONFIG_MAY_SUBSCRIBE | CONFIG_MAY_QUERY | CONFIG_MAY_PUSH);
    }
    const bool lost = carry_over(guests, &now);
    guests_free(guests);
    *guests = now;
    return lost;
}

enum guests_verdict guests_admit(struct guests *guests, const char *key, unsigned right,
                                 const char **name)
{
    struct guest *guest = find(guests, key);
    if (guest == NULL) {
        return GUESTS_UNKNOWN;
    }
    *name = guest->name;
    if ((guest->may & right) != right || right == 0) {
        return GUESTS_NOT_ALLOWED;
    }
    guest->used |= right;
    return GUESTS_WELCOME;
}

bool guests_may(const struct guests *guests, const char *key, unsigned right)
{
    const struct guest *guest = find(guests, key);
    return guest != NULL && (guest->may & right) == right;
}

void guests_free(struct guests *guests)
{
    struct guest *guest;
    struct guest *next;
    HASH_ITER(hh, guests->by_key, guest, next)
    {
        HASH_DEL(guests->by_key, guest);
        free(guest->key);
        free(guest->name);
        free(guest);
    }
}
