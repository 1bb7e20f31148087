/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and extends the file of clients. */
#include "common/config/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/own_file.h"
#include "common/config/file/file.h"
#include "common/config/network.h"
#include "common/config/sections/section.h"

static const char *const right_names[] = {"subscribe", "query", "push", "silence"};
static const unsigned rights[] = {CONFIG_MAY_SUBSCRIBE, CONFIG_MAY_QUERY, CONFIG_MAY_PUSH,
                                  CONFIG_MAY_SILENCE};

int config_client_may_parse(const char *text, unsigned *out)
{
    unsigned may = 0;
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, ",");
        size_t right = 0;
        while (right < COUNT_OF(rights) && !str_is((struct str){at, len}, right_names[right])) {
            right++;
        }
        if (right == COUNT_OF(rights)) {
            return STATUS_INVALID;
        }
        may |= rights[right];
        at += len;
        if (*at == '\0') {
            *out = may;
            return STATUS_OK;
        }
    }
}

/* ---- The keys of one client ---- */

static int read_may(struct config_reader *r, const struct config_key *key,
                    const struct yaml_node *value, void *target)
{
    struct config_client *client = target;
    int status = config_expect_list(r, value, key->name, (size_t)key->max);
    for (const struct yaml_node *node = value->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        size_t right = 0;
        status = config_choose(r, key->name, node, right_names, COUNT_OF(right_names), &right);
        client->may |= rights[right];
    }
    return status;
}

static const struct config_key rows[] = {
    {CONFIG_TEXT("name", struct config_client, name, CONFIG_CLIENT_NAME_MAX),
     .range = "letters, digits, `.`, `_`, `-`", .needed = "name: cache-1",
     .help = "What the client is called in messages and in `server`; unique."},
    {CONFIG_CHOICE("role", struct config_client, role), .choices = config_client_role_names,
     .needed = "role: cache", .help = "What it is, and so what it may do."},
    {CONFIG_CURVE_KEY("key", struct config_client, key), .needed = "key: \"…\"",
     .help = "Its public key, in quotes; unique."},
    {CONFIG_LIST("may", read_may, COUNT_OF(right_names)),
     .default_words = "`subscribe` and `query`",
     .help =
         "A list of `subscribe`, `query`, `push` and `silence`: for a client that is to do less, "
         "that pushes events, or that silences alerts."},
};
const struct config_table config_client_table = CONFIG_TABLE(rows);

static bool name_is_plain(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        const bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !(*c >= '0' && *c <= '9') && strchr("._-", *c) == NULL) {
            return false;
        }
    }
    return *name != '\0';
}

static int check_client(struct config_reader *r, const struct yaml_node *node,
                        const struct config_clients *others, struct config_client *client)
{
    static const char *const needed[] = {"name", "role", "key"};
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (yaml_get(node, needed[i]) == NULL) {
            return config_fail(r, node, NULL,
                               "a client needs a name, a role and a key, and `%s` is missing: "
                               "{name: cache-1, role: cache, key: \"…\"}",
                               needed[i]);
        }
    }
    if (!name_is_plain(client->name)) {
        return config_expected(r, yaml_get(node, "name"), "name",
                               "letters, digits, `.`, `_` and `-`");
    }
    if (config_client_by_name(others, client->name) != NULL) {
        return config_fail(r, yaml_get(node, "name"), NULL, "there are two clients called %s",
                           client->name);
    }
    const struct config_client *same = config_client_by_key(others, client->key);
    if (same != NULL) {
        return config_fail(r, yaml_get(node, "key"), NULL,
                           "%s has the key of %s: make a pair for each (`tilewire keygen`)",
                           client->name, same->name);
    }
    if (client->role == CONFIG_CLIENT_INGESTOR && client->may != 0) {
        return config_fail(r, yaml_get(node, "may"), "may",
                           "an ingestor connects to nobody, so it may do nothing");
    }
    if ((client->may & CONFIG_MAY_PUSH) != 0 && client->role == CONFIG_CLIENT_CACHE) {
        return config_fail(r, yaml_get(node, "may"), "may", "a cache pushes no events");
    }
    if ((client->may & CONFIG_MAY_PUSH) != 0 && (client->may & CONFIG_MAY_QUERY) == 0) {
        return config_fail(r, yaml_get(node, "may"), "may",
                           "who pushes asks the query socket: write [query, push]");
    }
    if (yaml_get(node, "may") == NULL && client->role != CONFIG_CLIENT_INGESTOR) {
        client->may = CONFIG_MAY_SUBSCRIBE | CONFIG_MAY_QUERY;
    }
    return STATUS_OK;
}

/* ---- The file ---- */

/* A file of comments alone is nobody. */
static bool is_empty(struct str text)
{
    bool comment = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.p[i];
        comment = c == '#' || (comment && c != '\n');
        if (!comment && strchr(" \t\r\n", c) == NULL) {
            return false;
        }
    }
    return true;
}

static int read_list(struct config_reader *r, const struct yaml_node *root,
                     struct config_clients *out)
{
    if (root->kind != YAML_LIST || root->count > CONFIG_CLIENTS_MAX) {
        return config_fail(r, root, NULL,
                           "expected a list of at most %d clients, such as - {name: "
                           "cache-1, role: cache, key: \"…\"}",
                           CONFIG_CLIENTS_MAX);
    }
    out->list = arena_array(r->memory, root->count, sizeof *out->list);
    int status = STATUS_OK;
    for (const struct yaml_node *node = root->first; node != NULL && status == STATUS_OK;
         node = node->next) {
        struct config_client *client = &out->list[out->count];
        status = config_read_map(r, node, &config_client_table, client);
        if (status == STATUS_OK) {
            status = check_client(r, node, out, client);
        }
        out->count += status == STATUS_OK;
    }
    return status;
}

int config_clients_parse(struct arena *memory, struct str text, const char *name,
                         struct config_clients *out, struct error *err)
{
    *out = (struct config_clients){0};
    if (is_empty(text)) {
        return STATUS_OK;
    }
    struct config_reader reader = {.memory = memory,
                                   .file = config_short_name(name),
                                   .folder = STR(""),
                                   .err = err,
                                   .context = ""};
    struct yaml_node *root = NULL;
    int status = yaml_parse(memory, text, reader.file, &root, err);
    status = status == STATUS_OK ? read_list(&reader, root, out) : status;
    if (status != STATUS_OK) {
        config_one_line(err);
    }
    return status;
}

static int read_text(const char *path, struct buf *out, struct error *err)
{
    const int status = config_file_read(path, CONFIG_CLIENTS_FILE_MAX, S_IWOTH,
                                        "everybody can write to it, and so let himself in: take "
                                        "that right away (chmod o-w)",
                                        out, err);
    if (status == STATUS_OK && out->len > CONFIG_CLIENTS_FILE_MAX) {
        return error_set(err, STATUS_INVALID, "%s: the file is larger than %d MiB",
                         config_short_name(path), CONFIG_CLIENTS_FILE_MAX >> 20);
    }
    return status == STATUS_OK ? own_folder_check(path, err) : status;
}

int config_clients_load(struct arena *memory, const char *path, struct config_clients *out,
                        struct error *err)
{
    struct buf text = {0};
    int status = read_text(path, &text, err);
    if (status == STATUS_OK) {
        status = config_clients_parse(memory, buf_str(&text), path, out, err);
    }
    buf_free(&text);
    return status;
}

static void append_line(struct buf *text, const struct config_client *client)
{
    if (text->len > 0 && text->data[text->len - 1] != '\n') {
        buf_append_text(text, "\n");
    }
    buf_printf(text, "- {name: %s, role: %s, key: \"%s\"", client->name,
               config_client_role_name(client->role), client->key);
    for (size_t i = 0, count = 0; i < COUNT_OF(rights); i++) {
        if ((client->may & rights[i]) != 0) {
            buf_printf(text, "%s%s", count++ == 0 ? ", may: [" : ", ", right_names[i]);
        }
    }
    buf_append_text(text, client->may != 0 ? "]}\n" : "}\n");
}

/* One write, so that two programs that add somebody do not mix their lines. */
static int append_to_file(const char *path, struct str line, struct error *err)
{
    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    const bool written = fd >= 0 && write(fd, line.p, line.len) == (ssize_t)line.len;
    const int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    return written ? STATUS_OK
                   : error_set(err, STATUS_IO, "%s: cannot be written: %s", config_short_name(path),
                               strerror(error));
}

int config_clients_add(const char *path, const struct config_client *client, struct error *err)
{
    struct buf text = {0};
    struct config_clients clients;
    struct arena *memory = arena_create();
    int status = name_is_plain(client->name)
                     ? read_text(path, &text, err)
                     : error_set(err, STATUS_INVALID,
                                 "\"%.100s\" is no name of a client: letters, digits, `.`, `_` and "
                                 "`-` are",
                                 client->name);
    if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    }
    const size_t before = text.len;
    if (status == STATUS_OK) {
        append_line(&text, client);
        status = config_clients_parse(memory, buf_str(&text), path, &clients, err);
    }
    if (status == STATUS_OK) {
        const struct str all = buf_str(&text);
        status = append_to_file(path, (struct str){all.p + before, all.len - before}, err);
    }
    arena_destroy(&memory);
    buf_free(&text);
    return status;
}
