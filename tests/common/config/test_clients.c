/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/clients.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/common/config/config_unit.h"

#define KEY_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_B "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
#define KEY_C "#:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77"
#define KEY_E "E:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77"
#define KEY_D "D:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77"

static int parse(struct arena *memory, const char *text, struct config_clients *out,
                 struct error *err)
{
    return config_clients_parse(memory, str_of(text), "c.yaml", out, err);
}

static void test_roles_and_rights(void **state)
{
    (void)state;
    struct arena *memory = arena_create();
    struct config_clients clients;
    struct error err = {{0}};
    assert_int_equal(parse(memory,
                           "# who\n"
                           "- {name: ingestor-1, role: ingestor, key: \"" KEY_A "\"}\n"
                           "- {name: cache.1, role: cache, key: \"" KEY_B "\"}\n"
                           "- name: web\n"
                           "  role: gateway\n"
                           "  key: '" KEY_C "'\n"
                           "- {name: ops, role: reader, may: [query], key: \"" KEY_D "\"}\n"
                           "- {name: ci, role: reader, may: [push, query], key: \"" KEY_E "\"}\n",
                           &clients, &err),
                     STATUS_OK);
    assert_int_equal(clients.count, 5);
    assert_int_equal(clients.list[0].may, 0);
    assert_int_equal(clients.list[1].may, CONFIG_MAY_SUBSCRIBE | CONFIG_MAY_QUERY);
    assert_int_equal(clients.list[1].role, CONFIG_CLIENT_CACHE);
    assert_string_equal(config_client_by_key(&clients, KEY_C)->name, "web");
    assert_int_equal(config_client_by_name(&clients, "ops")->may, CONFIG_MAY_QUERY);
    assert_int_equal(config_client_by_key(&clients, KEY_C)->may,
                     CONFIG_MAY_SUBSCRIBE | CONFIG_MAY_QUERY);
    assert_int_equal(config_client_by_name(&clients, "ci")->may,
                     CONFIG_MAY_QUERY | CONFIG_MAY_PUSH);
    assert_null(config_client_by_name(&clients, "op"));
    assert_null(config_client_by_key(&clients, ""));
    arena_destroy(&memory);
}

static void test_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# nobody\n  # yet", "[]"};
    struct arena *memory = arena_create();
    struct config_clients clients = {NULL, 1};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(parse(memory, texts[i], &clients, NULL), STATUS_OK);
        assert_int_equal(clients.count, 0);
    }
    arena_destroy(&memory);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"a: b", "1:1: expected a list of at most 1000 clients, such as - {name: cache-1, role: "
                 "cache, key: \"…\"}"},
        {"- a", "1:3: expected a map of keys and values, but found \"a\""},
        {"- {name: a, role: cache}",
         "1:3: a client needs a name, a role and a key, and `key` is missing: {name: cache-1, "
         "role: cache, key: \"…\"}"},
        {"- {role: cache, key: '" KEY_A "'}",
         "1:3: a client needs a name, a role and a key, and `name` is missing: {name: cache-1, "
         "role: cache, key: \"…\"}"},
        {"- {name: a,\"r\\ny\": []}", /* A message is one line, whatever it quotes. */
         "1:12: unknown key \"r y\"; known are name, role, key or may"},
        {"- {name: a, role: gatewy, key: '" KEY_A "'}",
         "1:19: role: \"gatewy\" is not known; did you mean \"gateway\"?"},
        {"- {name: a, role: cache, key: abc}",
         "1:31: key: expected a public key of 40 characters, as `tilewire keygen` prints it, in "
         "quotes, but found \"abc\""},
        {"- {name: a b, role: cache, key: '" KEY_A "'}",
         "1:10: name: expected letters, digits, `.`, `_` and `-`, but found \"a b\""},
        {"- {name: a, role: cache, may: [write], key: '" KEY_A "'}",
         "1:32: may: \"write\" is not known: expected subscribe, query, push or silence"},
        {"- {name: a, role: cache, may: [query, push], key: '" KEY_A "'}",
         "1:31: may: a cache pushes no events"},
        {"- {name: a, role: reader, may: [push], key: '" KEY_A "'}",
         "1:32: may: who pushes asks the query socket: write [query, push]"},
        {"- {name: a, role: ingestor, may: [query], key: '" KEY_A "'}",
         "1:34: may: an ingestor connects to nobody, so it may do nothing"},
        {"- {name: a, role: cache, rights: [query], key: '" KEY_A "'}",
         "1:26: unknown key \"rights\"; known are name, role, key or may"},
        {"- {name: a, role: cache, key: '" KEY_A "'}\n- {name: a, role: cache, key: '" KEY_B "'}",
         "2:10: there are two clients called a"},
        {"- {name: a, role: cache, key: '" KEY_A "'}\n- {name: b, role: cache, key: '" KEY_A "'}",
         "2:31: b has the key of a: make a pair for each (`tilewire keygen`)"},
    };
    struct arena *memory = arena_create();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct config_clients clients;
        struct error err = {{0}};
        assert_int_equal(parse(memory, refusals[i].text, &clients, &err), STATUS_INVALID);
        assert_memory_equal(err.text, "c.yaml:", 7);
        assert_string_equal(err.text + 7, refusals[i].message);
    }
    arena_destroy(&memory);
}

static char path[] = "/tmp/tilewire-clients-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static size_t count_clients(void)
{
    struct arena *memory = arena_create();
    struct config_clients clients;
    struct error err = {{0}};
    if (config_clients_load(memory, path, &clients, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    arena_destroy(&memory);
    return clients.count;
}

static void test_adding(void **state)
{
    (void)state;
    const struct config_client a = {.name = "a", .key = KEY_A, .role = CONFIG_CLIENT_READER};
    const struct config_client b = {.name = "b", .key = KEY_B, .role = CONFIG_CLIENT_GATEWAY};
    const struct config_client again = {.name = "c", .key = KEY_B, .role = CONFIG_CLIENT_GATEWAY};
    const struct config_client odd = {.name = "a, b", .key = KEY_C, .role = CONFIG_CLIENT_GATEWAY};
    const struct config_client pusher = {.name = "p",
                                         .key = KEY_D,
                                         .role = CONFIG_CLIENT_READER,
                                         .may = CONFIG_MAY_QUERY | CONFIG_MAY_PUSH};
    struct error err = {{0}};
    write_text("# no line end");
    assert_int_equal(config_clients_add(path, &a, &err), STATUS_OK);
    assert_int_equal(config_clients_add(path, &b, &err), STATUS_OK);
    assert_int_equal(count_clients(), 2);
    assert_int_equal(config_clients_add(path, &pusher, &err), STATUS_OK);
    assert_int_equal(count_clients(), 3);
    assert_int_equal(config_clients_add(path, &again, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "c has the key of b"));
    assert_int_equal(config_clients_add(path, &odd, &err), STATUS_INVALID);
    assert_int_equal(count_clients(), 3);
    write_text("[{name: a, role: cache, key: '" KEY_A "'}]\n"); /* a line does not fit in there */
    assert_int_equal(config_clients_add(path, &b, &err), STATUS_INVALID);
    assert_int_equal(count_clients(), 1);
}

static void test_everybody_could_let_himself_in(void **state)
{
    (void)state;
    struct arena *memory = arena_create();
    struct config_clients clients;
    struct error err = {{0}};
    write_text("[]");
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(config_clients_load(memory, path, &clients, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "everybody can write to it, and so let himself in: take that "
                                     "right away (chmod o-w)"));
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(config_clients_load(memory, path, &clients, &err), STATUS_OK);
    assert_int_equal(config_clients_load(memory, "/nowhere/c", &clients, &err), STATUS_NOT_FOUND);
    char folder[] = "/tmp/tilewire-clients-XXXXXX";
    char within[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0777), 0);
    snprintf(within, sizeof within, "%s/c.yaml", folder);
    assert_int_equal(rename(path, within), 0);
    assert_int_equal(config_clients_load(memory, within, &clients, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "everybody can replace files in"));
    assert_int_equal(unlink(within), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_destroy(&memory);
}

/* ---- Whose key a server has to prove ---- */

static struct config *with_clients(const char *clients, const char *more)
{
    char text[512];
    write_text(clients);
    snprintf(text, sizeof text, "curve: {clients_file: %s%s}\n", path, more);
    return parse_ok(text);
}

static int expect(const struct config *config, struct config_server server, const char **key,
                  struct error *err)
{
    return config_server_key(config, &server, key, err);
}

#define CLIENTS                                                                                    \
    "- {name: i, role: ingestor, key: \"" KEY_A "\"}\n- {name: c, role: cache, key: \"" KEY_B      \
    "\"}\n- {name: web, role: gateway, key: \"" KEY_C "\"}\n"

static void test_the_server_that_is_expected(void **state)
{
    (void)state;
    struct config *config = with_clients(CLIENTS, "");
    struct error err = {{0}};
    const char *key;
    assert_int_equal(
        expect(config, (struct config_server){.role = CONFIG_CLIENT_INGESTOR}, &key, &err),
        STATUS_OK);
    assert_string_equal(key, KEY_A);
    assert_int_equal(
        expect(config, (struct config_server){.role = CONFIG_CLIENT_CACHE}, &key, &err), STATUS_OK);
    assert_string_equal(key, KEY_B);
    assert_int_equal(expect(config, (struct config_server){.name = "c"}, &key, &err), STATUS_OK);
    assert_string_equal(key, KEY_B);
    assert_int_equal(expect(config, (struct config_server){.key = KEY_D}, &key, &err), STATUS_OK);
    assert_string_equal(key, KEY_D);
    assert_int_equal(expect(config, (struct config_server){.name = "x"}, &key, &err),
                     STATUS_INVALID);
    assert_int_equal(
        expect(config, (struct config_server){.role = CONFIG_CLIENT_READER}, &key, &err),
        STATUS_INVALID);
    assert_non_null(strstr(err.text, "no reader is in "));
    config_destroy(&config);
}

/* A gateway's key must not do for an ingestor's or a cache's, however it is named. */
static void test_a_gateway_cannot_pose_as_a_server(void **state)
{
    (void)state;
    struct config *config = with_clients(CLIENTS, ", server_key: \"" KEY_C "\"");
    struct error err = {{0}};
    const char *key;
    static const struct config_server servers[] = {
        {.name = "web"}, {.key = KEY_C}, {.role = CONFIG_CLIENT_CACHE}};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        assert_int_equal(config_server_key(config, &servers[i], &key, &err), STATUS_DENIED);
        assert_non_null(strstr(err.text, "web is a gateway by "));
    }
    config_destroy(&config);
}

static void test_more_than_one_of_a_role(void **state)
{
    (void)state;
    struct config *config =
        with_clients(CLIENTS "- {name: c2, role: cache, key: \"" KEY_D "\"}\n", "");
    struct error err = {{0}};
    const char *key;
    assert_int_equal(
        expect(config, (struct config_server){.role = CONFIG_CLIENT_CACHE}, &key, &err),
        STATUS_INVALID);
    assert_non_null(strstr(err.text, "more than one cache is in "));
    assert_int_equal(expect(config, (struct config_server){.name = "c2"}, &key, &err), STATUS_OK);
    assert_string_equal(key, KEY_D);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles_and_rights),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_adding),
        cmocka_unit_test(test_everybody_could_let_himself_in),
        cmocka_unit_test(test_the_server_that_is_expected),
        cmocka_unit_test(test_a_gateway_cannot_pose_as_a_server),
        cmocka_unit_test(test_more_than_one_of_a_role),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
