/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one YAML file for all programs. docs/configuration.md describes each key, its
 * default and its range for people; here is what the programs get.
 *
 * struct config is made by config_load (or config_parse) and freed as a whole by config_destroy;
 * every pointer in it belongs to it. It is read-only once it is made, so threads may share it. The
 * one exception are a gateway's limits, which its SIGHUP takes from another configuration.
 *
 * A member has its default when the file does not name its key. Members are called like their
 * keys, with `_ms` added to durations and `_bytes` to sizes. Ranges are checked when the file is
 * read, so whoever gets a configuration may rely on them.
 */
#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/event_fields.h"
#include "common/base/ip.h"
#include "common/config/alerts.h"
#include "common/config/auth.h"
#include "common/config/clients.h"
#include "common/config/message_place.h"
#include "common/config/tiles.h"

#define CONFIG_FILE_MAX (4 << 20)     /* bytes of a configuration file */
#define CONFIG_UPSTREAMS_MAX 16       /* upstreams of a cache or a gateway */
#define CONFIG_EXTRAS_MAX 32          /* columns that the user adds */
#define CONFIG_SOURCES_MAX 16         /* entries of `sources` */
#define CONFIG_SOURCE_NAME_MAX 32     /* bytes of the name of one of them */
#define CONFIG_TOPICS_MAX 64          /* topics, and patterns of them */
#define CONFIG_CALENDARS_MAX 64       /* entries of `calendars` */
#define CONFIG_OPTIONS_MAX 128        /* options of librdkafka */
#define CONFIG_SERVERS_MAX 16         /* servers of one cluster of NATS */
#define CONFIG_PROXIES_MAX 64         /* ranges of trusted proxies */
#define CONFIG_ORIGINS_MAX 64         /* origins whose pages may read */
#define CONFIG_HOSTS_MAX 64           /* names of a gateway */
#define CONFIG_ROLES_MAX 64           /* groups that have a role */
#define CONFIG_VIEWS_MAX 64           /* views of the dashboard that have a name */
#define CONFIG_ROLE_PATTERNS_MAX 1024 /* patterns of all roles together */
#define CONFIG_ROLE_BYTES_MAX 32768   /* bytes of these */

#define CONFIG_CURVE_KEY_LEN 40 /* characters of a key in Z85 */
#define CONFIG_CURVE_KEY_SIZE (CONFIG_CURVE_KEY_LEN + 1)

/* ---- source: the events table ---- */

/*
 * The kinds of source, one line each: the value of enum source_kind, and the name of the ingestor's
 * folder and of the oracle's file. All tables of kinds are made from these lines; source_kinds.c
 * has a row of what the configuration has to know of each.
 */
#define SOURCE_KIND_LIST(EACH)                                                                     \
    EACH(SOURCE_SQLITE, sqlite)                                                                    \
    EACH(SOURCE_POSTGRESQL, postgres)                                                              \
    EACH(SOURCE_KAFKA, kafka)                                                                      \
    EACH(SOURCE_REDIS, redis)                                                                      \
    EACH(SOURCE_NATS, nats)                                                                        \
    EACH(SOURCE_PUSH, push)

#define SOURCE_KIND_VALUE(value, name) value,
enum source_kind { SOURCE_KIND_LIST(SOURCE_KIND_VALUE) };
#undef SOURCE_KIND_VALUE

/* How many kinds there are. It is no member of the enum, all of whose members switches cover. */
#define SOURCE_KIND_COUNTED(value, name) value##_COUNTED,
enum { SOURCE_KIND_LIST(SOURCE_KIND_COUNTED) SOURCE_KINDS };
#undef SOURCE_KIND_COUNTED

/* The name of a kind, for people: "SQLite". */
const char *source_kind_name(enum source_kind kind);

/* False when this tilewire was built without what reads that kind. */
bool source_kind_built(enum source_kind kind);

/* The column of the table that a field of an event is read from; of a message, its place
 * (message_place.h).
 */
struct config_column {
    const char *name; /* NULL when the file says that there is no such column (`summary: null`) */
    bool configured;  /* True when the file names the column. Then it has to exist; otherwise the
                       * table may lack it, if the field is optional. */
};

/* A column that the user added: a field of raw events, and usable in match. */
struct config_extra_column {
    const char *field;  /* its name in events and in match: letters, digits, `_` */
    const char *column; /* its name in the table, or its place in a message */
};

/* An option that is handed on to a library as it is. */
struct config_option {
    const char *name;  /* as librdkafka has it: "security.protocol" */
    const char *value; /* NULL: it is in the file */
    const char *file;  /* the file whose first line is the value, read at each connect; or NULL */
};

/* A cluster of Kafka, and what is read of it. */
struct config_kafka {
    const char *brokers;           /* "b1:9092,b2:9092" */
    const char **topics;           /* names, in which `*` stands for any characters */
    size_t topic_count;            /* 1 to CONFIG_TOPICS_MAX */
    struct config_option *options; /* of librdkafka */
    size_t option_count;           /* 0 to CONFIG_OPTIONS_MAX */
};

/* A stream of Redis. */
struct config_redis {
    const char *host;   /* a name or an address */
    unsigned port;      /* 1 to 65535 */
    const char *stream; /* the name of its key */
    unsigned database;  /* its number; 0 unless the URI has another */
    const char *user;   /* NULL: the one that needs no name */
    const char *field;  /* the field whose text is the value; NULL: redis_entry.h */
};

/* A stream of NATS JetStream, and who reads it. */
struct config_nats {
    const char **servers;  /* "nats://h1:4222"; any of them serves */
    size_t server_count;   /* 1 to CONFIG_SERVERS_MAX */
    const char *stream;    /* the name of the stream */
    const char **subjects; /* patterns as NATS has them; none: all that the stream has */
    size_t subject_count;  /* 0 to CONFIG_TOPICS_MAX */
    /* What follows is NULL where the file has none; secrets are read at each connect. */
    const char *user;             /* whose password source.password_file has */
    const char *token_file;       /* a file whose first line is a token */
    const char *credentials_file; /* a JWT and its seed, as `nsc` writes them */
    const char *nkey;             /* the public key of nkey_seed_file */
    const char *nkey_seed_file;   /* the file with the seed that signs for nkey */
    bool tls;                     /* None but a server that proves who it is. */
    const char *ca_file;          /* NULL: those that the system trusts */
    const char *certificate_file; /* a certificate for a server that asks for one */
    const char *key_file;         /* of certificate_file */
    const char *server_name;      /* that its certificate has to have; NULL: the host's */
    const char *domain;           /* of JetStream */
};

struct config_source {
    const char *name; /* of an entry of `sources`: letters, digits, - and _; unique; else NULL */
    unsigned number;  /* its place among the entries of `sources`, from 0 */
    const char *uri;  /* as written; it never holds a password */
    /* PostgreSQL's server itself, for LISTEN, where uri leads to a pooler; as written. NULL: none.
     */
    const char *listen_uri;
    enum source_kind kind; /* what kind of source uri names */
    const char *path; /* the database's file for SQLite and for pushed events; what the state's file
                       * is called after, for a bus; NULL for PostgreSQL */
    const char *table_schema; /* NULL: PostgreSQL's search_path, or SQLite's main */
    const char *table;        /* the events table or view, without its schema */
    /* By enum event_field. Those of fields that are not optional always have a name. */
    struct config_column columns[EVENT_FIELDS];
    /* The column that rows are read in the order of, before that of the id; NULL: ids grow, and
     * rows are read in their order. */
    const char *cursor;
    struct config_extra_column *extras; /* in the order of the file */
    size_t extra_count;                 /* 0 to CONFIG_EXTRAS_MAX */
    enum message_format format;         /* of a bus's messages; else 0 */
    struct config_kafka kafka;          /* of SOURCE_KAFKA; else all zero */
    struct config_redis redis;          /* of SOURCE_REDIS; else without a host */
    struct config_nats nats;            /* of SOURCE_NATS; else without servers */
    int64_t keep_ms;                    /* of SOURCE_PUSH: how long events are kept; from 1 s */
    bool payload_in_events;             /* True when raw events carry the payload. */
    /* The file with PostgreSQL's password, to be read at each connect with config_read_secret.
     * NULL: libpq finds the password in its own ways (PGPASSWORD, ~/.pgpass). */
    const char *password_file;
    int64_t poll_interval_ms; /* 10 ms to 1 h */
    /* How long a row may be late: 0 to 7 d. With PostgreSQL's ids, for which gives them out before
     * their transactions commit, one that is missing between others is given up after so long; with
     * a cursor, what lies so far behind the newest row is not looked at any more. */
    int64_t late_window_ms;
    struct tile_field dedupe;       /* what tells events apart; TILE_FIELD_NONE: each is its own */
    int64_t dedupe_window_ms;       /* how far apart two events with it may be: 1 s to 30 d */
    size_t dedupe_memory_bytes;     /* what remembering them may take: 1 MiB to 16 GiB */
    const char *metric_event;       /* the event type whose payload is a metric; 1 to 256 bytes */
    struct config_local_time local; /* what a time without a zone is read in */
};

/* ---- ZeroMQ ---- */

/* Who is expected at an address, with CURVE: the first of these that there is. */
struct config_server {
    const char *key;  /* whoever proves this key, in Z85; or NULL */
    const char *name; /* whoever has this name in the file of clients; or NULL */
    /* Whoever has curve.server_key; or the only one with this role in the file of clients; or, if
     * there is no such file, who has our own key. */
    enum config_client_role role;
};

/* A process that a cache or a gateway follows. */
struct config_upstream {
    const char *publish;         /* where SUB connects to for deltas */
    const char *query;           /* where REQ and DEALER connect to for queries */
    struct config_server server; /* who that has to be */
};

struct config_upstreams {
    struct config_upstream *list; /* in order of preference */
    size_t count;                 /* 1 to CONFIG_UPSTREAMS_MAX */
};

struct config_curve {
    bool enabled; /* False when the file has no `curve`; then all else is NULL. */
    /* Where this program's secret key is: PROGRAM.key in the folder, or in the file; both NULL: in
     * the environment, in TILEWIRE_CURVE_SECRET_KEY. */
    const char *keys_folder;
    const char *secret_key_file;   /* the file with this program's secret key */
    const char *public_key_file;   /* has to fit the secret key; NULL: it is computed from that */
    const char *server_key;        /* see struct config_server; in Z85, or NULL */
    const char *clients_file;      /* NULL: only who has our own pair is let in */
    struct config_clients clients; /* what is in that file */
};

/* This program's pair of keys, in Z85 and NUL-terminated. */
struct config_curve_pair {
    char public_key[CONFIG_CURVE_KEY_SIZE]; /* "" when no file has it */
    char secret_key[CONFIG_CURVE_KEY_SIZE]; /* from its file or the environment */
};

/* ---- The programs ---- */

/* Where an ingestor keeps its state. `auto` is resolved by the kind of source. */
enum checkpoint_kind {
    CHECKPOINT_NONE, /* there is no source, so there is nothing to keep */
    CHECKPOINT_FILE,
    CHECKPOINT_POSTGRESQL,
};

struct config_ingestor {
    const char *publish; /* the address that PUB binds to */
    const char *query;   /* the address that ROUTER binds to */
    unsigned lanes;      /* 1 to LANES_MAX (64); the same for all ingestors of a deployment */
    unsigned partitions; /* lanes behind these, for partitioned families: see partition.h; or 0 */
    uint64_t own_lanes;  /* bit i is set when this ingestor folds lane i; never 0 */
    uint64_t own_partitions;    /* bit i is set when it has the i-th of `partitions` */
    size_t events;              /* raw events kept for those who join: 1 to 1,000,000 */
    size_t events_memory_bytes; /* what these may take: 1 MiB to 64 GiB */
    struct {
        size_t field_bytes;          /* of a text in a raw event: 64 B to 1 MiB */
        size_t event_bytes;          /* of a raw event, in MessagePack: 8 KiB to 1 MiB */
        size_t tile_bytes;           /* of a tile's value, in MessagePack: 16 KiB to 2 MiB */
    } limits;                        /* of what is published; what is longer is cut */
    enum checkpoint_kind checkpoint; /* where the state lies */
    const char *checkpoint_path;     /* the file of CHECKPOINT_FILE; else NULL */
    const char *checkpoint_uri; /* of CHECKPOINT_POSTGRESQL: a database; NULL: the source's own */
    const char *checkpoint_password_file; /* for that database; NULL: libpq's own ways */
    const char *checkpoint_name;          /* of the state there; never NULL */
    int64_t checkpoint_interval_ms;       /* 10 ms to 1 h */
};

struct config_cache {
    struct config_upstreams upstreams; /* the ingestors or caches that it follows */
    const char *publish;               /* the address that XPUB binds to */
    const char *query;                 /* the address that ROUTER binds to */
    size_t events;                     /* raw events kept: 1 to 1,000,000 */
    size_t events_memory_bytes;        /* what these may take: 1 MiB to 64 GiB */
    struct {
        size_t tiles; /* held at once: 1 to 10,000,000; further ones are refused and counted */
    } limits;
};

/* An address to listen on. */
struct config_listen_address {
    const char *text; /* as written, "127.0.0.1:8080" or "unix:/run/tilewire/gateway.sock" */
    const char *path; /* the socket's, in text; NULL: it is one of TCP, of which is all below */
    struct ip ip;     /* `*` is :: with IPv4 allowed as well */
    bool any;         /* True for `*`, which is both families. */
    bool ipv6;        /* True when the socket is one of IPv6, as for `*`. */
    uint16_t port;    /* 1 to 65535 */
};

/* What one gateway and one client may use. Beyond a limit a request is refused. */
struct config_gateway_limits {
    size_t streams;             /* open at once in this process: 1 to 1,000,000 */
    size_t streams_per_address; /* open at once from one client address: 1 to 1,000,000 */
    double streams_per_second;  /* new ones per address, in the long run: above 0, to 1,000,000 */
    size_t streams_burst;       /* new ones per address at once: 1 to 1,000,000 */
    double requests_per_second; /* per address, in the long run: above 0, to 1,000,000 */
    size_t requests_burst;      /* per address at once: 1 to 1,000,000 */
    int64_t work_per_second_ms; /* per address, see clients.h: 1 ms to 1 h */
    size_t header_bytes;        /* a request's line and headers: 1 KiB to 1 MiB */
    size_t body_bytes;          /* a request's body: 0 to 1 MiB */
    size_t push_bytes;          /* the same, of one that pushes events: 1 KiB to 1 MiB */
    size_t answer_bytes;        /* an answer's body: 64 KiB to 2 GiB */
    size_t answers_bytes;       /* answers that are not sent yet, in all: 1 MiB to 64 GiB */
    int64_t request_timeout_ms; /* for a request to arrive, its body included: 1 s to 10 min */
    int64_t idle_timeout_ms;    /* for a connection between requests: 1 s to 1 h */
    size_t message_bytes;       /* a message of a WebSocket's client: 1 KiB to 128 KiB */
    size_t frames_per_second;   /* of a WebSocket's client, in the long run: 1 to 1,000 */
    size_t frames_burst;        /* of a WebSocket's client at once: 1 to 100,000 */
    size_t waiting;             /* requests with `wait` at once: 1 to 1,000,000 */
    size_t tiles;               /* held at once: 1 to 10,000,000 */
    size_t channels;            /* different selections with an open stream: 1 to 100,000 */
    size_t series;              /* of one answer to /metrics/tiles: 1 to 1,000,000 */
};

/* A list of patterns that may be missing, and may be empty. */
struct config_patterns {
    struct str *items; /* each NUL-terminated */
    size_t count;      /* how many there are */
    bool given;        /* False when the file does not have it. */
};

/* What the members of a group may see; a list that is not given shows everything. */
struct config_role {
    const char *group;             /* "*": everybody who has signed in */
    struct config_patterns tiles;  /* keys of tiles that they may see */
    struct config_patterns events; /* types of events that they may see */
    struct config_patterns fields; /* fields that they may see of these */
    struct config_patterns push;   /* what they may push; when it is not given, nothing */
};

/* A view of the dashboard that has a name. */
struct config_view {
    const char *name;  /* 1 to 64 bytes */
    const char *query; /* what stands behind the `?` of its address, "show=orders.*&size=a:2" */
};

struct config_gateway {
    struct config_listen_address listen;       /* where clients are served */
    struct config_listen_address admin_listen; /* for operators; text is NULL for nowhere */
    unsigned socket_mode;                      /* of sockets that are files: 0600, 0660 or 0666 */
    struct config_upstreams upstreams;         /* the caches or ingestors that it follows */
    /* The ingestors that take events which are pushed here, of which one leads; `publish` of each
     * is NULL. None: nothing can be pushed. */
    struct config_upstreams push;
    size_t events;                       /* raw events kept: 1 to 1,000,000 */
    size_t events_memory_bytes;          /* what these may take: 1 MiB to 64 GiB */
    struct config_gateway_limits limits; /* what clients may take */
    struct ip_range *trusted_proxies;    /* proxies whose X-Forwarded-For counts */
    size_t trusted_proxy_count;          /* 0 to CONFIG_PROXIES_MAX */
    const char **cors_origins;           /* "https://ops.example.org"; without `*` */
    size_t cors_origin_count;            /* 0 to CONFIG_ORIGINS_MAX */
    bool cors_any;                       /* True when `*` is among the origins. */
    const char **hosts;                  /* names that it is asked under, no port; without `*` */
    size_t host_count;                   /* 0 to CONFIG_HOSTS_MAX */
    bool hosts_any;                      /* True when `*` is among the names. */
    struct config_role *roles;           /* each of another group, in the order of the file */
    size_t role_count;                   /* 0 to CONFIG_ROLES_MAX */
    enum config_auth_kind auth;          /* how clients say who they are */
    enum config_audit audit;             /* what of their requests is logged */
    struct config_gateway_jwt jwt;       /* of CONFIG_AUTH_JWT: whose tokens count */
    struct config_gateway_proxy proxy;   /* of CONFIG_AUTH_PROXY: whose word counts */
    struct config_view *views;           /* each with another name, in the order of the file */
    size_t view_count;                   /* 0 to CONFIG_VIEWS_MAX */
    const char **frame_ancestors;        /* "https://wiki.example.org"; without `*` */
    size_t frame_ancestor_count;         /* 0 to CONFIG_ORIGINS_MAX */
    bool frames_any;                     /* True when `*` is among the ancestors. */
    bool compress_streams;               /* True when SSE is compressed for who accepts gzip. */
    const char *sign_in_url; /* where a person signs in, "https://…" or "/…"; NULL: unknown */
    const char *base_path;   /* "/…" without a slash at its end; NULL: none */
    int64_t heartbeat_ms;    /* 100 ms to 5 min */
    int64_t stalled_ms;      /* a stream that accepts nothing for so long is cut: 100 ms to 1 h */
    int64_t drain_ms;        /* At the end streams are closed evenly over this time: 0 to 5 min. */
    int64_t max_stream_age_ms; /* 1 s to 30 d; 0: no limit */
    size_t channel_log_bytes;  /* the ring of encoded frames of a channel: 16 KiB to 256 MiB */
};

struct config {
    const char *file; /* the file's name as given, for messages */
    /* Which program's pair of curve.keys_folder is ours. The one thing that programs set once they
     * have loaded the configuration. Borrowed. */
    const char *program;
    bool has_source; /* False when the file has no `source`: enough for a cache or a gateway. */
    /* All defaults when there is none; uri is NULL then. With `sources` it is the first of them,
     * but with the extras of all, which tile_field.extra counts, and the columns that any of them
     * has. */
    struct config_source source;
    struct config_source *sources;   /* the entries of `sources`, or only `source` */
    size_t source_count;             /* 0 to CONFIG_SOURCES_MAX */
    struct config_ingestor ingestor; /* the section `ingestor` */
    struct config_cache cache;       /* the section `cache` */
    struct config_gateway gateway;   /* the section `gateway` */
    struct config_curve curve;       /* the section `curve` */
    /* A digest of what an ingestor works by beside the tiles: the sections source, ingestor, curve
     * and insecure, as the file has them. */
    uint64_t base;
    /* True when programs may listen where others reach them, without CURVE and `gateway.auth`. */
    bool insecure;
    struct business_calendar *calendars;     /* in the order of the file */
    size_t calendar_count;                   /* 0 to CONFIG_CALENDARS_MAX */
    struct tile_config *tiles;               /* in the order of the file */
    size_t tile_count;                       /* 0 to CONFIG_TILES_MAX */
    struct config_alert *alerts;             /* in the order of the file */
    size_t alert_count;                      /* 0 to CONFIG_ALERTS_MAX */
    struct arena *memory;                    /* private: what all pointers point into */
    const struct tile_config **tiles_by_key; /* private: sorted by key, for config_tile */
};

/*
 * Reads a file. On success stores a configuration that the caller owns. On failure *out is NULL and
 * err has one message: `FILE:LINE:COLUMN: what was expected`. Returns STATUS_INVALID when the
 * content is wrong, and STATUS_IO, STATUS_NOT_FOUND or STATUS_DENIED when the file cannot be read.
 */
int config_load(const char *path, struct config **out, struct error *err);

/* Reads a text of len bytes like a file. name stands for the file in messages, and its folder is
 * what relative paths are resolved against. */
int config_parse(const char *text, size_t len, const char *name, struct config **out,
                 struct error *err);

/* Frees it and sets the caller's pointer to NULL. NULL is fine. */
void config_destroy(struct config **config);

/* For programs that read the sources: returns STATUS_INVALID, with a message, when the file has
 * none, or one of a kind that this build cannot read. */
int config_need_source(const struct config *config, struct error *err);

/* True when the file has `sources`, whose entries have names. */
static inline bool config_has_sources(const struct config *config)
{
    return config->source_count != 0 && config->sources[0].name != NULL;
}

/* The tile with that key, or NULL. */
const struct tile_config *config_tile(const struct config *config, struct str key);

/* Reads an address to listen on, as written in the file, from the command line. *out borrows the
 * text. Returns STATUS_INVALID, with a message, when it is none. */
int config_parse_listen(const char *text, struct config_listen_address *out, struct error *err);

/* STATUS_INVALID, with a message, when a gateway that listens there would let everybody on other
 * machines read everything, and the file does not permit it. */
int config_check_listen(const struct config *config, const struct config_listen_address *listen,
                        struct error *err);

/* True when only this machine reaches the address. */
bool config_listen_is_local(const struct config_listen_address *listen);

/* Reads a secret from a file: its first line, without the line end, 1 to size - 1 bytes; it is
 * NUL-terminated in out, which the caller wipes. Returns STATUS_INVALID when the file has no such
 * line, STATUS_DENIED when everybody may read it, write to it or replace it, and STATUS_IO,
 * STATUS_NOT_FOUND or STATUS_DENIED when it cannot be read. */
int config_read_secret(const char *path, char *out, size_t size, struct error *err);

/* The same with the whole file, which is a text of several lines, such as a key in PEM. */
int config_read_secret_text(const char *path, char *out, size_t size, struct error *err);

/* Reads the pair of keys that `curve` names; call it only when curve.enabled. The caller wipes the
 * keys when the sockets have them. Returns STATUS_INVALID when one is no key, STATUS_DENIED when
 * others than its owner may read the secret one, and the errors of config_read_secret. */
int config_curve_keys(const struct config *config, struct config_curve_pair *out,
                      struct error *err);

/* The public key that a server has to prove, in Z85; NULL: our own one. Call it only when
 * curve.enabled. *out belongs to the configuration, or to `server`. STATUS_INVALID: it does not
 * follow from the configuration which key that is. STATUS_DENIED: by the file of clients, whose key
 * that is may not be connected to. */
int config_server_key(const struct config *config, const struct config_server *server,
                      const char **out, struct error *err);

/* STATUS_OK when the address may be bound or connected to as it is configured: with keys, or
 * because no other machine is there, or because of `insecure`. Else STATUS_DENIED, and err says
 * what to do. */
int config_check_reach(const struct config *config, const char *address, struct error *err);

#endif
