/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that `curve.clients_file` names: the public keys of a deployment, whose they are, and
 * what each may do. It is a list in YAML, and no secret:
 *
 *     - {name: cache-1, role: cache, key: "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"}
 *
 * Servers let nobody in who is not in it. Those who connect look up there which key a server has to
 * prove. All programs can share one such file.
 */
#ifndef COMMON_CONFIG_CLIENTS_H
#define COMMON_CONFIG_CLIENTS_H

#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/str.h"

#define CONFIG_CLIENTS_MAX 1000
#define CONFIG_CLIENTS_FILE_MAX (1 << 20) /* bytes */
#define CONFIG_CLIENT_NAME_MAX 64         /* bytes: letters, digits, `.`, `_` and `-` */

/* What the owner of a key is. Only the first two may be connected to. */
enum config_client_role {
    CONFIG_CLIENT_INGESTOR, /* it connects to nobody */
    CONFIG_CLIENT_CACHE,
    CONFIG_CLIENT_GATEWAY,
    CONFIG_CLIENT_READER, /* a script, or a person with `tilewire` */
};

/* Their names, NULL at the end. */
extern const char *const config_client_role_names[];

/* The name of a role that is in files. */
const char *config_client_role_name(enum config_client_role role);

/* Reads rights joined by commas, as `may` has them, or'ed. STATUS_INVALID, and *out left alone, for
 * other words. */
int config_client_may_parse(const char *text, unsigned *out);

/* Reads such a name. STATUS_INVALID, and *out left alone, for another word. */
int config_client_role_parse(const char *text, enum config_client_role *out);

/* What a client may do at a server, or'ed. Without a word in the file a client may do the first
 * two. To push events it has to be named, for that changes tiles; and to silence alerts, for then
 * nobody is told. */
enum {
    CONFIG_MAY_SUBSCRIBE = 1,
    CONFIG_MAY_QUERY = 2,
    CONFIG_MAY_PUSH = 4,
    CONFIG_MAY_SILENCE = 8,
};

struct config_client {
    const char *name;             /* 1 to CONFIG_CLIENT_NAME_MAX bytes, unique in its file */
    const char *key;              /* its public key in Z85, unique in its file */
    enum config_client_role role; /* what program it is */
    unsigned may;                 /* CONFIG_MAY_…; 0 for an ingestor */
};

struct config_clients {
    struct config_client *list; /* in the order of the file */
    size_t count;               /* 0 to CONFIG_CLIENTS_MAX */
};

/* Reads a text like such a file; `name` stands for the file in messages. All that *out holds lives
 * in the arena. STATUS_INVALID: it is wrong, and err has one message, `FILE:LINE:COLUMN: …`. */
int config_clients_parse(struct arena *memory, struct str text, const char *name,
                         struct config_clients *out, struct error *err);

/* Reads the file. STATUS_DENIED also when everybody may write to it, for then everybody can let
 * himself in; else as config_clients_parse, or STATUS_IO or STATUS_NOT_FOUND. */
int config_clients_load(struct arena *memory, const char *path, struct config_clients *out,
                        struct error *err);

/* Appends a client to the file, which is made if it is not there. `may` 0: what a client may do
 * without a word. Fails as config_clients_load
 * does; also when the file would be wrong with it (a name or key that is there already), and is
 * left as it was then. */
int config_clients_add(const char *path, const struct config_client *client, struct error *err);

/* Find by the public key, and by the name. NULL when there is none. */
const struct config_client *config_client_by_key(const struct config_clients *clients,
                                                 const char *key);
const struct config_client *config_client_by_name(const struct config_clients *clients,
                                                  const char *name);

#endif
