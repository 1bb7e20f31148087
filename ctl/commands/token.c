/* SPDX-License-Identifier: Apache-2.0 */
/* `tilewire token` makes keys, and tokens that they sign, for tests and for scripts. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/own_file.h"
#include "common/base/time/clock.h"
#include "common/config/file/values.h"
#include "common/jose/base64url.h"
#include "common/jose/jwk.h"
#include "common/program/program.h"
#include "ctl/commands/commands.h"

#define KEY_FILE_MAX ((size_t)64 * 1024)
#define MS_PER_S 1000
#define EXPIRES_MS INT64_C(3600000) /* when nothing is said */

enum {
    OPTION_NEW_KEY = 512,
    OPTION_PUBLIC,
    OPTION_ALG,
    OPTION_ISSUER,
    OPTION_AUDIENCE,
    OPTION_SUBJECT,
    OPTION_EXPIRES,
    OPTION_GROUPS,
    OPTION_TILES,
    OPTION_EVENTS,
    OPTION_FIELDS,
};

struct token_options {
    bool new_key;
    bool public;
    enum jose_alg alg;
    const char *issuer;
    const char *audience;
    const char *subject;
    const char *groups; /* Lists joined by commas; NULL: the token does not have them. */
    const char *tiles;
    const char *events;
    const char *fields;
    int64_t expires_ms; /* 0: the default */
};

static const struct argp_option options_known[] = {
    {"new-key", OPTION_NEW_KEY, NULL, 0, "Make a key in FILE, and print the set of its public half",
     1},
    {"alg", OPTION_ALG, "ALG", 0, "Its algorithm: EdDSA (default), ES256 or RS256", 1},
    {"public", OPTION_PUBLIC, NULL, 0, "Print the set of the public half of FILE's key", 1},
    {"issuer", OPTION_ISSUER, "URL", 0, "Who signs it (default: https://localhost)", 2},
    {"audience", OPTION_AUDIENCE, "NAME", 0, "For whom it is (default: tilewire)", 2},
    {"subject", OPTION_SUBJECT, "NAME", 0, "Whom it is about (default: nobody)", 2},
    {"expires", OPTION_EXPIRES, "TIME", 0, "How long it is good (default: 1h)", 2},
    {"groups", OPTION_GROUPS, "A,B", 0, "Whose groups these are", 2},
    {"tiles", OPTION_TILES, "A,B", 0, "Who may see these tiles; '' for none (default: all)", 2},
    {"events", OPTION_EVENTS, "A,B", 0, "The same of types of events", 2},
    {"fields", OPTION_FIELDS, "A,B", 0, "The same of fields", 2},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct token_options *options = state->input;
    switch (key) {
    case OPTION_NEW_KEY:
        options->new_key = true;
        return 0;
    case OPTION_PUBLIC:
        options->public = true;
        return 0;
    case OPTION_ALG:
        if (!jose_alg_parse(str_of(value), &options->alg)) {
            argp_error(state, "--alg is EdDSA, ES256 or RS256, not '%s'", value);
        }
        return 0;
    case OPTION_EXPIRES:
        if (!config_duration_parse(str_of(value), &options->expires_ms) ||
            options->expires_ms < MS_PER_S) {
            argp_error(state, "--expires is a duration of at least 1s, such as 10m, not '%s'",
                       value);
        }
        return 0;
    case OPTION_ISSUER:
        options->issuer = value;
        return 0;
    case OPTION_AUDIENCE:
        options->audience = value;
        return 0;
    case OPTION_SUBJECT:
        options->subject = value;
        return 0;
    case OPTION_GROUPS:
        options->groups = value;
        return 0;
    case OPTION_TILES:
        options->tiles = value;
        return 0;
    case OPTION_EVENTS:
        options->events = value;
        return 0;
    case OPTION_FIELDS:
        options->fields = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- Keys ---- */

static int write_all(int fd, struct str text)
{
    while (text.len != 0) {
        const ssize_t written = write(fd, text.p, text.len);
        if (written < 0 && errno != EINTR) {
            return STATUS_IO;
        }
        const size_t step = written > 0 ? (size_t)written : 0;
        text = (struct str){text.p + step, text.len - step};
    }
    return fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
}

/* A key is never written over: whoever trusts it would have to be told. */
static int save(const char *path, const struct jwk *key, struct error *err)
{
    struct buf text = {0};
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set(err, STATUS_IO, "cannot make %s: %s", path, strerror(errno));
    }
    jwk_write(key, true, &text);
    buf_append_char(&text, '\n');
    int status = write_all(fd, buf_str(&text));
    if (status != STATUS_OK) {
        error_set(err, status, "cannot write %s: %s", path, strerror(errno));
        (void)unlink(path);
    }
    close(fd);
    explicit_bzero(text.data, text.cap);
    buf_free(&text);
    return status;
}

static int read_file(const char *path, struct buf *out, struct error *err)
{
    int fd;
    struct stat info;
    int status = own_file_read(path, &fd, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (fstat(fd, &info) != 0 || (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = error_set(err, STATUS_DENIED,
                           "%s: others may read it, and could make tokens: chmod 600", path);
    }
    ssize_t got = 1;
    while (status == STATUS_OK && got > 0 && out->len <= KEY_FILE_MAX) {
        got = read(fd, buf_reserve(out, 4096), 4096);
        out->len += got > 0 ? (size_t)got : 0;
    }
    if (status == STATUS_OK && got < 0) {
        status = error_set(err, STATUS_IO, "cannot read %s: %s", path, strerror(errno));
    }
    close(fd);
    return status;
}

static int load(const char *path, struct jwk **out, struct error *err)
{
    struct buf text = {0};
    struct json_value *root = NULL;
    int status = read_file(path, &text, err);
    if (status == STATUS_OK &&
        json_parse_strict(buf_str(&text), KEY_FILE_MAX, &root) != STATUS_OK) {
        status = error_set(err, STATUS_INVALID, "%s is no key (JWK)", path);
    } else if (status == STATUS_OK) {
        status = jwk_read_private(root, out, err);
        if (status != STATUS_OK) {
            error_prefix(err, status, "%s", path);
        }
    }
    json_free(root);
    if (text.data != NULL) {
        explicit_bzero(text.data, text.cap);
    }
    buf_free(&text);
    return status;
}

static void print_set(const struct ctl *ctl, const struct jwk *key)
{
    struct buf text = {0};
    jwk_write(key, false, &text);
    fprintf(ctl->out, "{\"keys\":[%s]}\n", buf_cstr(&text));
    buf_free(&text);
}

/* ---- Tokens ---- */

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_string(out, str_of(text));
}

/* A list joined by commas as a list of JSON. The empty text is the empty list. */
static void put_list(struct buf *out, const char *name, const char *list)
{
    buf_printf(out, "\"%s\":[", name);
    while (*list != '\0') {
        const size_t len = strcspn(list, ",");
        json_write_string(out, (struct str){list, len});
        list += len + (list[len] == ',');
        buf_append_text(out, *list != '\0' ? "," : "");
    }
    buf_append_char(out, ']');
}

/* The claim `tilewire`, if one of the lists is given. */
static void put_view(struct buf *out, const struct token_options *options)
{
    const struct {
        const char *name;
        const char *list;
    } lists[] = {
        {"tiles", options->tiles}, {"events", options->events}, {"fields", options->fields}};
    bool any = false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (lists[i].list != NULL) {
            buf_append_text(out, any ? "," : ",\"tilewire\":{");
            put_list(out, lists[i].name, lists[i].list);
            any = true;
        }
    }
    buf_append_text(out, any ? "}" : "");
}

static void put_claims(struct buf *out, const struct token_options *options)
{
    const int64_t now_s = clock_wall().us / US_PER_S;
    const int64_t good_ms = options->expires_ms != 0 ? options->expires_ms : EXPIRES_MS;
    const int64_t exp_s = now_s + good_ms / MS_PER_S;
    buf_printf(out, "{\"iat\":%lld,\"exp\":%lld", (long long)now_s, (long long)exp_s);
    put_text(out, "iss", options->issuer != NULL ? options->issuer : "https://localhost");
    put_text(out, "aud", options->audience != NULL ? options->audience : "tilewire");
    if (options->subject != NULL) {
        put_text(out, "sub", options->subject);
    }
    if (options->groups != NULL) {
        buf_append_char(out, ',');
        put_list(out, "groups", options->groups);
    }
    put_view(out, options);
    buf_append_char(out, '}');
}

static int print_token(const struct ctl *ctl, const struct jwk *key,
                       const struct token_options *options, struct error *err)
{
    struct buf json = {0};
    struct buf token = {0};
    struct buf signature = {0};
    buf_printf(&json, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"", jose_alg_name(jwk_alg(key)));
    jwk_write_thumbprint(key, &json);
    buf_append_text(&json, "\"}");
    base64url_append(&token, buf_str(&json));
    buf_append_char(&token, '.');
    buf_clear(&json);
    put_claims(&json, options);
    base64url_append(&token, buf_str(&json));
    const int status = jwk_sign(key, buf_str(&token), &signature, err);
    if (status == STATUS_OK) {
        buf_append_char(&token, '.');
        base64url_append(&token, buf_str(&signature));
        fprintf(ctl->out, "%s\n", buf_cstr(&token));
    }
    buf_free(&json);
    buf_free(&token);
    buf_free(&signature);
    return status;
}

/* ---- The command ---- */

static int act(const struct ctl *ctl, const struct command_line *line, struct error *err)
{
    const struct token_options *options = line->options;
    struct jwk *key = NULL;
    int status =
        options->new_key ? jwk_generate(options->alg, &key, err) : load(line->argument, &key, err);
    if (status == STATUS_OK && options->new_key) {
        status = save(line->argument, key, err);
    }
    if (status == STATUS_OK && (options->new_key || options->public)) {
        print_set(ctl, key);
    } else if (status == STATUS_OK) {
        status = print_token(ctl, key, options, err);
    }
    jwk_destroy(&key);
    return status;
}

static int run(const struct ctl *ctl, const struct command_line *line)
{
    struct error err = {{0}};
    if (act(ctl, line, &err) != STATUS_OK) {
        return ctl_fail(ctl, "%s", err.text);
    }
    return EXIT_SUCCESS;
}

const struct command command_token = {
    .name = "token",
    .argument = "FILE",
    .argument_needed = true,
    .brief = "a token for a gateway, and the key that signs it",
    .doc = "Make a token (JWT) that the private key in FILE (JWK) signs, for tests and for scripts."
           "\v"
           "  tilewire token --new-key mine.jwk > mine.jwks     once: a key, and its public set\n"
           "  tilewire token mine.jwk --subject ada --tiles 'orders.*' --expires 10m\n"
           "\n"
           "A gateway accepts it with auth: jwt and the issuer in its jwt.issuers: "
           "{issuer: https://localhost, audience: tilewire, jwks: mine.jwks}.",
    .config = COMMAND_CONFIG_UNUSED,
    .options = options_known,
    .parse = parse,
    .options_size = sizeof(struct token_options),
    .run = run,
};
