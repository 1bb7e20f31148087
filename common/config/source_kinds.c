/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/source_kinds.h"

#include <stdio.h>
#include <string.h>

#include "common/config/source_built.h"

static bool starts_with(struct str text, const char *prefix)
{
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.p, prefix, len) == 0;
}

/* ---- SQLite, and pushed events ---- */

static int read_file(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *value, struct str rest, const char *scheme,
                     struct config_source *source)
{
    const char *path = rest.p;
    if (strncmp(path, "///", 3) == 0) {
        path += 2;
    } else if (strncmp(path, "//", 2) == 0) {
        return config_fail(r, value, key->name,
                           "expected the database's file right after %s:, without //", scheme);
    }
    if (*path == '\0' || strcmp(path, ":memory:") == 0) {
        return config_fail(r, value, key->name, "expected a database file, such as %s:events.db",
                           scheme);
    }
    source->path = config_path(r, path);
    return STATUS_OK;
}

static int read_sqlite_uri(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, struct str rest,
                           struct config_source *source)
{
    return read_file(r, key, value, rest, "sqlite", source);
}

static int read_push_uri(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, struct str rest,
                         struct config_source *source)
{
    return read_file(r, key, value, rest, "push", source);
}

/* ---- PostgreSQL ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return found != NULL ? (int)(found - digits) : -1;
}

/* True when a parameter's name, which may be percent-encoded, is one of a password. */
static bool names_password(struct str name)
{
    char plain[16];
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (c == '%' && i + 2 < name.len && hex_digit(name.p[i + 1]) >= 0 &&
            hex_digit(name.p[i + 2]) >= 0) {
            c = (char)(hex_digit(name.p[i + 1]) * 16 + hex_digit(name.p[i + 2]));
            i += 2;
        }
        if (len == sizeof plain) {
            return false;
        }
        plain[len++] = c;
    }
    const struct str decoded = {plain, len};
    return str_is(decoded, "password") || str_is(decoded, "sslpassword");
}

/* True when what follows the scheme holds a password, before the `@` or in a parameter:
 * [user[:password]@]host…/database?name=value&… */
bool config_uri_has_password(struct str rest)
{
    const char *query = memchr(rest.p, '?', rest.len);
    const size_t len = query != NULL ? (size_t)(query - rest.p) : rest.len;
    const char *at = memrchr(rest.p, '@', len);
    if (at != NULL && memchr(rest.p, ':', (size_t)(at - rest.p)) != NULL) {
        return true;
    }
    while (query != NULL) {
        const char *start = query + 1;
        const size_t left = rest.len - (size_t)(start - rest.p);
        const char *equals = memchr(start, '=', left);
        query = memchr(start, '&', left);
        const char *end = query != NULL ? query : start + left;
        if (equals != NULL && equals < end &&
            names_password((struct str){start, (size_t)(equals - start)})) {
            return true;
        }
    }
    return false;
}

static int read_postgresql_uri(struct config_reader *r, const struct config_key *key,
                               const struct yaml_node *value, struct str rest,
                               struct config_source *source)
{
    (void)source; /* libpq reads the whole URI by itself */
    if (config_uri_has_password(rest)) {
        return config_fail(r, value, key->name,
                           "a password may not stand in the configuration: put it into a file of "
                           "its own and name that with password_file, or set PGPASSWORD in the "
                           "environment");
    }
    return STATUS_OK;
}

/* ---- Kafka ---- */

static bool topic_valid(struct str name)
{
    return name.len != 0 && name.len <= 249 &&
           strspn(name.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*") >=
               name.len;
}

static bool brokers_valid(struct str text)
{
    return text.len != 0 && text.p[0] != ',' && text.p[text.len - 1] != ',' &&
           strspn(text.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                          ".-_:,[]") >= text.len;
}

/* b1:9092,b2:9092/orders,tickets-* */
static int read_kafka_uri(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, struct str rest,
                          struct config_source *source)
{
    struct config_kafka *kafka = &source->kafka;
    const char *slash = memchr(rest.p, '/', rest.len);
    const struct str brokers = {rest.p, slash != NULL ? (size_t)(slash - rest.p) : rest.len};
    if (memchr(brokers.p, '@', brokers.len) != NULL) {
        return config_fail(r, value, key->name,
                           "a user and a password may not stand in it: write sasl.username under "
                           "source.kafka, and put the password into a file that "
                           "source.password_file names");
    }
    if (!brokers_valid(brokers) || slash == NULL) {
        return config_fail(r, value, key->name, "expected kafka://BROKER:PORT,…/TOPIC,…");
    }
    kafka->brokers = config_copy(r, brokers);
    kafka->topics = arena_array(r->memory, CONFIG_TOPICS_MAX, sizeof *kafka->topics);
    const char *end = rest.p + rest.len;
    for (const char *at = slash + 1; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const struct str name = {at, (size_t)((comma != NULL ? comma : end) - at)};
        if (!topic_valid(name) || kafka->topic_count == CONFIG_TOPICS_MAX) {
            return config_fail(r, value, key->name,
                               "expected 1 to %d topics behind the brokers, joined by commas: "
                               "letters, digits, `.`, `_` and `-`, and `*` for any characters",
                               CONFIG_TOPICS_MAX);
        }
        kafka->topics[kafka->topic_count++] = config_copy(r, name);
        at += name.len + 1;
    }
    source->path = config_path(r, "kafka");
    return STATUS_OK;
}

/* ---- Redis ---- */

#define REDIS_PORT 6379
#define REDIS_STREAM_MAX 512 /* bytes of a stream's name */

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT */
static bool read_redis_address(struct config_reader *r, struct str text, struct config_redis *redis)
{
    const bool bracketed = text.len != 0 && text.p[0] == '[';
    const char *end = bracketed ? memchr(text.p, ']', text.len) : memchr(text.p, ':', text.len);
    const size_t host_len = end != NULL ? (size_t)(end - text.p) : text.len;
    const struct str host = {text.p + bracketed, host_len - bracketed};
    const size_t used = host_len + (bracketed && end != NULL);
    struct str port = {text.p + used, text.len - used};
    redis->port = REDIS_PORT;
    if ((bracketed && end == NULL) || host.len == 0 ||
        strspn(host.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") <
            host.len) {
        return false;
    }
    redis->host = config_copy(r, host);
    if (port.len == 0) {
        return true;
    }
    redis->port = 0;
    for (size_t i = 1; i < port.len && redis->port <= UINT16_MAX; i++) {
        const unsigned digit = (unsigned)(port.p[i] - '0');
        redis->port = digit <= 9 ? redis->port * 10 + digit : UINT16_MAX + 1U;
    }
    return port.p[0] == ':' && redis->port >= 1 && redis->port <= UINT16_MAX;
}

/* HOST:PORT/STREAM; the stream's name is all behind the first slash. */
static int read_redis_uri(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, struct str rest,
                          struct config_source *source)
{
    const char *slash = memchr(rest.p, '/', rest.len);
    const struct str address = {rest.p, slash != NULL ? (size_t)(slash - rest.p) : rest.len};
    if (memchr(address.p, '@', address.len) != NULL) {
        return config_fail(r, value, key->name,
                           "a user and a password may not stand in it: write the user under "
                           "source.redis, and put the password into a file that "
                           "source.password_file names");
    }
    if (slash == NULL || slash[1] == '\0' || rest.len - address.len - 1 > REDIS_STREAM_MAX ||
        !read_redis_address(r, address, &source->redis)) {
        return config_fail(r, value, key->name, "expected redis://HOST:PORT/STREAM");
    }
    if (strspn(slash + 1, "0123456789") == strlen(slash + 1)) {
        return config_fail(r, value, key->name,
                           "expected redis://HOST:PORT/STREAM: the name of a stream, and not the "
                           "number of a database, which source.redis.database says");
    }
    source->redis.stream = config_copy(r, str_of(slash + 1));
    source->path = config_path(r, "redis");
    return STATUS_OK;
}

/* ---- NATS ---- */

#define NATS_STREAM_MAX 255   /* bytes of a stream's name */
#define NATS_SUBJECT_MAX 1024 /* bytes of a subject */

static bool nats_stream_valid(struct str name)
{
    if (name.len == 0 || name.len > NATS_STREAM_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        const unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c == 0x7f || strchr(".*>/\\", c) != NULL) {
            return false;
        }
    }
    return true;
}

/* Tokens joined by dots, none of them empty; `*` stands for one, and `>` for all that follow. */
static bool nats_subject_valid(struct str subject)
{
    size_t token = 0;
    for (size_t i = 0; i <= subject.len; i++) {
        const char c = (char)(i < subject.len ? subject.p[i] : '.');
        if ((unsigned char)c <= ' ' || c == 0x7f || (c == '.' && token == 0)) {
            return false;
        }
        token = c == '.' ? 0 : token + 1;
        if (c == '>' && token == 1 && i + 1 != subject.len) {
            return false;
        }
    }
    return subject.len <= NATS_SUBJECT_MAX;
}

/* The piece of a list up to the next comma; *at is then behind that, or NULL behind the last. */
static struct str next_piece(const char **at)
{
    const char *start = *at;
    const char *comma = strchr(start, ',');
    *at = comma != NULL ? comma + 1 : NULL;
    return (struct str){start, comma != NULL ? (size_t)(comma - start) : strlen(start)};
}

static bool read_nats_servers(struct config_reader *r, struct str servers, struct config_nats *nats)
{
    const char *at = config_copy(r, servers);
    nats->servers = arena_array(r->memory, CONFIG_SERVERS_MAX, sizeof *nats->servers);
    while (at != NULL) {
        const struct str server = next_piece(&at);
        if (!brokers_valid(server) || nats->server_count == CONFIG_SERVERS_MAX) {
            return false;
        }
        const size_t size = server.len + sizeof "nats://";
        char *uri = arena_array(r->memory, size, 1);
        (void)snprintf(uri, size, "nats://%.*s", (int)server.len, server.p);
        nats->servers[nats->server_count++] = uri;
    }
    return true;
}

static bool read_nats_subjects(struct config_reader *r, const char *list, struct config_nats *nats)
{
    const char *at = list;
    nats->subjects = arena_array(r->memory, CONFIG_TOPICS_MAX, sizeof *nats->subjects);
    while (at != NULL) {
        const struct str subject = next_piece(&at);
        if (!nats_subject_valid(subject) || nats->subject_count == CONFIG_TOPICS_MAX) {
            return false;
        }
        nats->subjects[nats->subject_count++] = config_copy(r, subject);
    }
    return true;
}

/* HOST:PORT,HOST/STREAM?subjects=orders.*,tickets.> */
static int read_nats_uri(struct config_reader *r, const struct config_key *key,
                         const struct yaml_node *value, struct str rest,
                         struct config_source *source)
{
    struct config_nats *nats = &source->nats;
    const char *slash = memchr(rest.p, '/', rest.len);
    const struct str servers = {rest.p, slash != NULL ? (size_t)(slash - rest.p) : rest.len};
    if (memchr(servers.p, '@', servers.len) != NULL) {
        return config_fail(r, value, key->name,
                           "a user and a password may not stand in it: write `user` under "
                           "source.nats, and put the password into a file that "
                           "source.password_file names");
    }
    const char *query = slash != NULL ? strchr(slash, '?') : NULL;
    const struct str stream = {slash != NULL ? slash + 1 : "", slash == NULL ? 0
                                                               : query != NULL
                                                                   ? (size_t)(query - slash - 1)
                                                                   : strlen(slash + 1)};
    if (!nats_stream_valid(stream) || !read_nats_servers(r, servers, nats)) {
        return config_fail(r, value, key->name,
                           "expected nats://HOST:PORT,…/STREAM, with at most %d servers",
                           CONFIG_SERVERS_MAX);
    }
    if (query != NULL && (strncmp(query, "?subjects=", strlen("?subjects=")) != 0 ||
                          !read_nats_subjects(r, query + strlen("?subjects="), nats))) {
        return config_fail(r, value, key->name,
                           "expected ?subjects= and 1 to %d subjects behind the stream, joined by "
                           "commas, such as ?subjects=orders.*,tickets.>",
                           CONFIG_TOPICS_MAX);
    }
    nats->stream = config_copy(r, stream);
    source->path = config_path(r, "nats");
    return STATUS_OK;
}

/* ---- the table ---- */

static const struct config_source_kind kinds[] = {
    [SOURCE_SQLITE] = {.name = "SQLite",
                       .form = "sqlite:FILE",
                       .schemes = {"sqlite:"},
                       .has_password = false,
                       .listens = false,
                       .checkpoint = CHECKPOINT_FILE,
                       .read_uri = read_sqlite_uri},
    [SOURCE_POSTGRESQL] = {.name = "PostgreSQL",
                           .form = "postgresql://USER@HOST/DATABASE",
                           .schemes = {"postgresql://", "postgres://"},
                           .has_password = true,
                           .listens = true,
                           .checkpoint = CHECKPOINT_POSTGRESQL,
                           .read_uri = read_postgresql_uri},
    [SOURCE_KAFKA] = {.name = "Kafka",
                      .form = "kafka://BROKER:PORT/TOPIC",
                      .schemes = {"kafka://"},
                      .has_password = true,
                      .package = "librdkafka-dev",
                      .messages = true,
                      .checkpoint = CHECKPOINT_FILE,
                      .read_uri = read_kafka_uri},
    [SOURCE_REDIS] = {.name = "Redis",
                      .form = "redis://HOST/STREAM",
                      .schemes = {"redis://"},
                      .has_password = true,
                      .package = "libhiredis-dev",
                      .messages = true,
                      .checkpoint = CHECKPOINT_FILE,
                      .read_uri = read_redis_uri},
    [SOURCE_NATS] = {.name = "NATS",
                     .form = "nats://HOST/STREAM",
                     .schemes = {"nats://"},
                     .has_password = true,
                     .package = "libnats-dev",
                     .messages = true,
                     .checkpoint = CHECKPOINT_FILE,
                     .read_uri = read_nats_uri},
    [SOURCE_PUSH] = {.name = "push",
                     .form = "push:FILE",
                     .schemes = {"push:"},
                     .checkpoint = CHECKPOINT_FILE,
                     .read_uri = read_push_uri},
};
_Static_assert(COUNT_OF(kinds) == SOURCE_KINDS, "each kind of source has its row");

const struct config_source_kind *config_source_kind(enum source_kind kind)
{
    return &kinds[kind];
}

const char *source_kind_name(enum source_kind kind)
{
    return kinds[kind].name;
}

#define BUILT(value, name) [value] = true,
static const bool built[SOURCE_KINDS] = {SOURCE_BUILT_LIST(BUILT)};

bool source_kind_built(enum source_kind kind)
{
    return built[kind];
}

bool config_find_source_kind(struct str uri, enum source_kind *out, struct str *rest)
{
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        for (size_t i = 0; i < CONFIG_SCHEMES_MAX && kinds[kind].schemes[i] != NULL; i++) {
            const char *scheme = kinds[kind].schemes[i];
            if (starts_with(uri, scheme)) {
                *out = (enum source_kind)kind;
                *rest = (struct str){uri.p + strlen(scheme), uri.len - strlen(scheme)};
                return true;
            }
        }
    }
    return false;
}

const char *config_source_forms(struct config_reader *r)
{
    const char *forms[SOURCE_KINDS];
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        forms[kind] = kinds[kind].form;
    }
    return config_alternatives(r, forms, SOURCE_KINDS);
}
