/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one YAML file for all programs. docs/configuration.md describes each key, its
 * default and its range for people; here is what the programs get.
 *
 * struct config is made by config_load (or config_parse), read-only from then on (but for a
 * gateway's limits, which its SIGHUP takes from another one), and freed as a whole by
 * config_destroy; every pointer in it belongs to it. It may be shared by threads. What the file
 * does not say has its default. Relative paths are resolved against the folder of the file.
 *
 * Names of struct members are the keys of the file; `_ms` is added to durations and `_bytes` to
 * sizes.
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
#include "common/config/tiles.h"

#define CONFIG_FILE_MAX (4 * 1024 * 1024) /* bytes of a configuration file */
#define CONFIG_UPSTREAMS_MAX 16
#define CONFIG_EXTRAS_MAX 32
#define CONFIG_PROXIES_MAX 64
#define CONFIG_ORIGINS_MAX 64

#define CURVE_KEY_TEXT_LEN 40 /* characters of a key in Z85 */
#define CURVE_KEY_TEXT_SIZE (CURVE_KEY_TEXT_LEN + 1)

/* ---- source: the events table ---- */

enum source_kind { SOURCE_SQLITE, SOURCE_POSTGRESQL };
#define SOURCE_KINDS                                                                               \
    2 /* how many there are; no member of the enum, which switches have to cover                   \
       */

/* The name of a kind, for people: "SQLite". */
const char *source_kind_name(enum source_kind kind);

/* A column of the table. */
struct column {
    const char *name; /* in the table; NULL: the file says that there is none (`summary: null`) */
    bool configured;  /* named in the file, so it has to exist; else a missing optional column is
                         fine */
};

/* A column that the user added: a field of raw events, and usable in match. */
struct extra_column {
    const char *field;  /* its name in events and in match: letters, digits, `_` */
    const char *column; /* its name in the table */
};

struct config_source {
    const char *uri; /* as written, without a password */
    enum source_kind kind;
    const char *path;         /* SQLite: the database's file; NULL for PostgreSQL */
    const char *table_schema; /* NULL: none given (PostgreSQL's search_path, SQLite's main) */
    const char *table;
    /* The same seven columns twice: by name, and in the order of enum event_field. The names of
     * id, timestamp and event_type are never NULL. */
    union {
        struct {
            struct column id;
            struct column timestamp;
            struct column event_type;
            struct column actor_id;
            struct column target_id;
            struct column summary;
            struct column payload;
        } columns;
        struct column column_of[EVENT_FIELDS];
    };
    struct extra_column *extras; /* in the order of the file; at most CONFIG_EXTRAS_MAX */
    size_t extra_count;
    bool payload_in_events;    /* raw events carry the payload */
    const char *password_file; /* PostgreSQL: read it at each connect with config_read_secret; NULL:
                                  libpq's own ways (PGPASSWORD, ~/.pgpass) */
    int64_t poll_interval_ms;  /* > 0 */
    int64_t late_window_ms;    /* >= 0; ids missing for so long are given up (PostgreSQL) */
    const char *metric_event;  /* event type whose payload is a metric */
};

/* ---- ZeroMQ ---- */

/* Where to connect to for deltas (SUB) and for queries (REQ, DEALER). */
struct upstream {
    const char *publish;
    const char *query;
    const char *server_key; /* Z85; NULL: curve.server_key counts */
};

struct upstreams {
    struct upstream *list; /* in order of preference */
    size_t count;          /* 1 to CONFIG_UPSTREAMS_MAX */
};

struct config_curve {
    bool enabled;                /* false: all else here is NULL */
    const char *public_key_file; /* this program's pair */
    /* NULL: the secret key is in the environment, TILEWIRE_CURVE_SECRET_KEY. */
    const char *secret_key_file;
    /* What upstreams prove to be, unless they have a key of their own; NULL: our own public key,
     * that is, all programs share one pair. */
    const char *server_key;
};

struct curve_keys {
    char public_key[CURVE_KEY_TEXT_SIZE]; /* Z85, NUL-terminated */
    char secret_key[CURVE_KEY_TEXT_SIZE];
};

/* ---- The programs ---- */

enum checkpoint_kind {
    CHECKPOINT_NONE, /* there is no source, so nothing to keep */
    CHECKPOINT_FILE,
    CHECKPOINT_POSTGRESQL,
};

struct config_ingestor {
    const char *publish; /* PUB binds here */
    const char *query;   /* ROUTER binds here */
    unsigned lanes;      /* 1 to 64 (LANES_MAX); the same for all ingestors of a deployment */
    uint64_t own_lanes;  /* bit i: this one folds lane i; all by default */
    size_t events;       /* raw events kept for those who join */
    enum checkpoint_kind checkpoint; /* `auto` is resolved by the source */
    const char *checkpoint_path;     /* CHECKPOINT_FILE; else NULL */
    int64_t checkpoint_interval_ms;  /* > 0 */
};

struct config_cache {
    struct upstreams upstreams;
    const char *publish; /* XPUB binds here */
    const char *query;   /* ROUTER binds here */
    size_t events;       /* raw events kept */
    struct {
        size_t tiles; /* held at once; further ones are refused and counted */
    } limits;
};

/* An address to listen on. */
struct listen_address {
    const char *text; /* as written, "127.0.0.1:8080" */
    struct ip ip;     /* `*` is :: with IPv4 allowed as well */
    bool any;         /* `*`: both families */
    bool ipv6;
    uint16_t port; /* >= 1 */
};

struct gateway_limits {
    size_t streams;             /* open at once in this process */
    size_t streams_per_address; /* open at once from one client address */
    double streams_per_second;  /* new streams per client address, sustained; > 0 */
    size_t streams_burst;       /* new streams per client address at once */
    double requests_per_second; /* per client address, sustained; > 0 */
    size_t requests_burst;      /* per client address at once */
    size_t header_bytes;        /* of a request, all headers */
    size_t body_bytes;          /* of a request */
    int64_t request_timeout_ms; /* in which a request has to come, its body included */
    int64_t idle_timeout_ms;    /* of a connection between requests */
    size_t message_bytes;       /* of a message that a WebSocket's client sends */
    size_t frames_per_second;   /* that a WebSocket's client sends, sustained; > 0 */
    size_t frames_burst;        /* and at once */
    size_t waiting;             /* requests with `wait` at once */
    size_t tiles;               /* held at once */
    size_t channels;            /* different selections that streams are open on */
};

struct config_gateway {
    struct listen_address listen;
    struct upstreams upstreams;
    size_t events; /* raw events kept */
    struct gateway_limits limits;
    struct ip_range *trusted_proxies; /* whose X-Forwarded-For counts; at most CONFIG_PROXIES_MAX */
    size_t trusted_proxy_count;
    const char **cors_origins; /* "https://ops.example.org"; at most CONFIG_ORIGINS_MAX */
    size_t cors_origin_count;
    bool cors_any;             /* `*` */
    int64_t heartbeat_ms;      /* > 0 */
    int64_t stalled_ms;        /* > 0; a stream that accepts nothing for so long is cut */
    int64_t drain_ms;          /* >= 0; closings are spread over that at the end */
    int64_t max_stream_age_ms; /* 0: no limit */
    size_t channel_log_bytes;  /* ring of encoded frames of one channel */
};

struct config {
    const char *file; /* its name as given, for messages */
    bool
        has_source; /* false: the file has none; source is zero (enough for a cache or a gateway) */
    struct config_source source;
    struct config_ingestor ingestor;
    struct config_cache cache;
    struct config_gateway gateway;
    struct config_curve curve;
    bool insecure; /* ZeroMQ may be bound to addresses that others reach, without CURVE */
    struct tile_config *tiles;               /* in the order of the file */
    size_t tile_count;                       /* at most CONFIG_TILES_MAX */
    struct arena *memory;                    /* private */
    const struct tile_config **tiles_by_key; /* private: sorted by key */
};

/*
 * Reads a file. On success stores a configuration that the caller owns. On failure *out is NULL and
 * err has one message: `FILE:LINE:COLUMN: what was expected`. STATUS_INVALID: the content is wrong;
 * STATUS_IO, STATUS_NOT_FOUND, STATUS_DENIED: the file cannot be read.
 */
int config_load(const char *path, struct config **out, struct error *err);

/* The same for a text (len bytes). name stands for the file in messages, and its folder is what
 * relative paths are resolved against. */
int config_parse(const char *text, size_t len, const char *name, struct config **out,
                 struct error *err);

/* Frees it and sets the caller's pointer to NULL. NULL is fine. */
void config_destroy(struct config **config);

/* For programs that read the table: STATUS_INVALID and a message when the file has no `source`. */
int config_need_source(const struct config *config, struct error *err);

/* The tile with that key, or NULL. */
const struct tile_config *config_tile(const struct config *config, struct str key);

/* Reads an address to listen on, "127.0.0.1:8080", from the command line; text is borrowed. */
int config_parse_listen(const char *text, struct listen_address *out, struct error *err);

/* Reads a secret from a file: its first line, without the line end, 1 to size - 1 bytes. */
int config_read_secret(const char *path, char *out, size_t size, struct error *err);

/* Reads the pair of keys that `curve` names; call it only when curve.enabled. The caller wipes the
 * keys when the sockets have them. STATUS_INVALID when it is no key. */
int config_curve_keys(const struct config *config, struct curve_keys *out, struct error *err);

#endif
