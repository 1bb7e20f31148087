/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/identity.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"

static char *copy(struct str text)
{
    return text.len != 0 ? x_strndup(text.p, text.len) : x_strdup("");
}

struct identity *identity_create(struct str subject, struct str issuer, const struct view *view,
                                 wall_time expires, wall_time valid_until)
{
    struct identity *identity = x_calloc(1, sizeof *identity);
    *identity = (struct identity){.references = 1,
                                  .subject = copy(subject),
                                  .issuer = copy(issuer),
                                  .pushes = copy(STR("")),
                                  .view = view_retain(view),
                                  .expires = expires,
                                  .valid_until = valid_until};
    return identity;
}

struct identity *identity_retain(struct identity *identity)
{
    identity->references++;
    return identity;
}

/* What was made by copy(). */
static void free_text(const char *text)
{
    const union {
        const char *in;
        char *out;
    } cast = {.in = text};
    free(cast.out);
}

void identity_set_pushes(struct identity *identity, struct str patterns)
{
    free_text(identity->pushes);
    identity->pushes = copy(patterns);
}

bool identity_may_push(const struct identity *identity, struct str type)
{
    for (const char *at = identity->pushes; *at != '\0';) {
        const size_t len = strcspn(at, ",");
        if (str_glob((struct str){at, len}, type)) {
            return true;
        }
        at += len + (at[len] == ',');
    }
    return false;
}

void identity_release(struct identity **identity_p)
{
    struct identity *identity = *identity_p;
    *identity_p = NULL;
    if (identity != NULL && --identity->references == 0) {
        free_text(identity->subject);
        free_text(identity->issuer);
        free_text(identity->pushes);
        view_release(&identity->view);
        free(identity);
    }
}

wall_time identity_ends(const struct identity *identity, wall_time now)
{
    return now.us < identity->expires.us ? identity->expires : identity->valid_until;
}

size_t identity_bytes(const struct identity *identity)
{
    return sizeof *identity + strlen(identity->subject) + strlen(identity->issuer) +
           strlen(identity->pushes) + 3;
}
