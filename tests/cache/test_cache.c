/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/cache.h"

#include <czmq.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/common/config/config_unit.h"
#include "tests/common/net/fake_upstream.h"

#define PATIENCE_MS 20000 /* nothing here takes nearly as long */
#define REPLY_FRAMES 2

/* A cache in a thread of its own between an upstream and a subscriber, an asker and a signal. */
struct scene {
    char folder[32];
    struct config *config;
    struct program program;
    int signal_end; /* what is written here the cache takes for a signal */
    pthread_t thread;
    int result;
    struct upstream_server upstream;
    void *sub;
    void *asker;
    struct buf frames[WIRE_FRAMES];
    struct buf reply[REPLY_FRAMES];
    struct mp_doc doc;
};

static void *run_cache(void *arg)
{
    struct scene *scene = arg;
    struct cache *cache = NULL;
    struct error err = {{0}};
    scene->result = cache_create(&scene->program, &cache, &err);
    if (scene->result == STATUS_OK) {
        scene->result = cache_run(cache);
    }
    cache_destroy(&cache);
    return NULL;
}

static void *connect_to(const struct scene *scene, int type, const char *address)
{
    struct error err = {{0}};
    void *socket = socket_open(type, &err);
    assert_non_null(socket);
    assert_int_equal(
        socket_connect(socket, address, &(struct config_server){0}, scene->config, &err),
        STATUS_OK);
    return socket;
}

static int begin(void **state)
{
    struct scene *scene = x_calloc(1, sizeof *scene);
    struct upstream_server *up = &scene->upstream;
    struct buf text = {0};
    int ends[2];
    zsys_handler_set(NULL);
    memcpy(scene->folder, "/tmp/tilewire-cache-XXXXXX", sizeof "/tmp/tilewire-cache-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(up->publish, sizeof up->publish, "ipc://%s/up", scene->folder);
    snprintf(up->query_address, sizeof up->query_address, "ipc://%s/uq", scene->folder);
    buf_printf(&text,
               "cache:\n"
               "  publish: \"ipc://%s/cp\"\n"
               "  query: \"ipc://%s/cq\"\n"
               "  limits: {tiles: 3}\n"
               "  upstreams: [{publish: \"%s\", query: \"%s\"}]\n",
               scene->folder, scene->folder, up->publish, up->query_address);
    scene->config = parse_ok(buf_cstr(&text));
    buf_free(&text);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    scene->program = (struct program){.name = "cache",
                                      .config = scene->config,
                                      .config_path = "/nowhere/tilewire.yaml",
                                      .signals = ends[0]};
    scene->signal_end = ends[1];
    mp_doc_init(&scene->doc);
    open_upstream(up, scene->config, 1);
    scene->sub = connect_to(scene, ZMQ_SUB, scene->config->cache.publish);
    scene->asker = connect_to(scene, ZMQ_DEALER, scene->config->cache.query);
    assert_int_equal(pthread_create(&scene->thread, NULL, run_cache, scene), 0);
    *state = scene;
    return 0;
}

static void give_signal(struct scene *scene, int number)
{
    const struct signalfd_siginfo info = {.ssi_signo = (uint32_t)number};
    assert_int_equal(write(scene->signal_end, &info, sizeof info), sizeof info);
}

static int finish(void **state)
{
    struct scene *scene = *state;
    give_signal(scene, SIGHUP); /* the file cannot be read: it goes on */
    give_signal(scene, SIGTERM);
    assert_int_equal(pthread_join(scene->thread, NULL), 0);
    assert_int_equal(scene->result, STATUS_OK);
    close_upstream(&scene->upstream);
    socket_close(&scene->sub);
    socket_close(&scene->asker);
    sockets_term();
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&scene->frames[i]);
    }
    for (size_t i = 0; i < REPLY_FRAMES; i++) {
        buf_free(&scene->reply[i]);
    }
    mp_doc_free(&scene->doc);
    close(scene->program.signals);
    close(scene->signal_end);
    static const char *const names[] = {"up", "uq", "cp", "cq"};
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", scene->folder, names[i]);
        (void)unlink(path);
    }
    const int left = rmdir(scene->folder);
    config_destroy(&scene->config);
    free(scene);
    return left;
}

/* Lets the upstream work until the socket has a message; sends heartbeats every 100 ms. */
static void await(struct scene *scene, void *socket)
{
    const mono_time end = mono_add_ms(clock_mono(), PATIENCE_MS);
    while (!socket_readable(socket)) {
        if (clock_mono().us > end.us) {
            fail_msg("no message within %d ms", PATIENCE_MS);
        }
        zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0},
                                  {server_socket(scene->upstream.server), 0, ZMQ_POLLIN, 0}};
        if (zmq_poll(items, 2, 100) == 0) {
            send_heartbeat(&scene->upstream);
        }
        (void)server_process(scene->upstream.server, clock_mono(), 100);
    }
}

/* The reply to {op: …}, or to {op: …, key: …}. */
static const mp_value *ask(struct scene *scene, const char *op, const char *key)
{
    struct buf request = {0};
    mp_put_map(&request, key != NULL ? 2 : 1);
    mp_put_text(&request, "op");
    mp_put_text(&request, op);
    if (key != NULL) {
        mp_put_text(&request, "key");
        mp_put_text(&request, key);
    }
    const struct str frames[] = {STR(""), buf_str(&request)};
    assert_true(socket_send(scene->asker, frames, 2));
    buf_free(&request);
    await(scene, scene->asker);
    assert_int_equal(
        socket_receive(scene->asker, scene->reply, REPLY_FRAMES, SOCKET_REPLY_MAX_BYTES), 2);
    assert_int_equal(mp_parse(&scene->doc, scene->reply[1].data, scene->reply[1].len), STATUS_OK);
    return &scene->doc.root;
}

static bool serving(struct scene *scene)
{
    bool flag = false;
    (void)mp_as_bool(mp_get(ask(scene, "ping", NULL), "serving"), &flag);
    return flag;
}

static uint64_t stat_of(struct scene *scene, const char *name)
{
    uint64_t value = UINT64_MAX;
    assert_true(mp_as_uint(mp_get(mp_get(ask(scene, "stats", NULL), "stats"), name), &value));
    return value;
}

/* The cache answers at first that it is not in sync. */
static void await_serving(struct scene *scene)
{
    const mono_time end = mono_add_ms(clock_mono(), PATIENCE_MS);
    while (!serving(scene)) {
        assert_true(clock_mono().us < end.us);
        send_heartbeat(&scene->upstream);
    }
}

/* Takes messages until one of that topic comes. */
static void hear(struct scene *scene, const char *topic)
{
    do {
        await(scene, scene->sub);
        assert_int_equal(
            socket_receive(scene->sub, scene->frames, WIRE_FRAMES, SOCKET_REPLY_MAX_BYTES),
            WIRE_FRAMES);
    } while (strcmp(buf_cstr(&scene->frames[0]), topic) != 0);
}

static void test_snapshot_then_the_same_deltas(void **state)
{
    struct scene *scene = *state;
    publish(&scene->upstream, "before", 60000, true);
    await_serving(scene);
    hear(scene, "beat.0"); /* so the subscription has reached the cache */
    assert_int_equal(mp_count(mp_get(ask(scene, "get", "before"), "tiles")), 1);

    publish(&scene->upstream, "after", 60000, false);
    hear(scene, "tile.0.after");
    struct wire_header header;
    struct wire_tile tile;
    assert_int_equal(
        wire_decode_header(buf_str(&scene->frames[0]), buf_str(&scene->frames[1]), &header),
        STATUS_OK);
    assert_int_equal(wire_decode_tile(&header, &scene->doc, buf_str(&scene->frames[2]), &tile),
                     STATUS_OK);
    assert_int_equal(header.version.seq, scene->upstream.seq);
    assert_int_equal(mp_count(mp_get(ask(scene, "get", "after"), "tiles")), 1);
    assert_true(stat_of(scene, "messages_forwarded") >= 2);
    assert_int_equal(stat_of(scene, "malformed_dropped"), 0);
}

static void test_garbage_is_counted(void **state)
{
    struct scene *scene = *state;
    await_serving(scene);
    hear(scene, "beat.0");
    const struct str garbage[] = {STR("tile.0.x"), STR("\xc1"), STR(""), STR("more")};
    assert_true(socket_send(scene->upstream.pub, garbage, 3));
    assert_true(socket_send(scene->upstream.pub, garbage, 4));
    assert_true(socket_send(scene->asker, garbage, 1)); /* no envelope: no answer */
    publish(&scene->upstream, "x", 60000, false);
    hear(scene, "tile.0.x"); /* the well-formed one */
    assert_int_equal(scene->frames[1].data[0], '\x94');
    assert_int_equal(stat_of(scene, "malformed_dropped"), 2);
    assert_int_equal(stat_of(scene, "queries_refused"), 1);
}

static void test_tiles_expire_and_come_back(void **state)
{
    struct scene *scene = *state;
    await_serving(scene);
    hear(scene, "beat.0");
    publish(&scene->upstream, "brief", 1000, false); /* live: a snapshot would say its age */
    hear(scene, "tile.0.brief");
    const mono_time end = mono_add_ms(clock_mono(), PATIENCE_MS);
    while (mp_get(ask(scene, "get", "brief"), "error") == NULL) {
        assert_true(clock_mono().us < end.us);
    }
    assert_int_equal(stat_of(scene, "tiles_gone_stale"), 1);
    publish(&scene->upstream, "brief", 60000, false);
    hear(scene, "tile.0.brief");
    assert_int_equal(mp_count(mp_get(ask(scene, "get", "brief"), "tiles")), 1);
}

static void test_tiles_are_bounded(void **state)
{
    struct scene *scene = *state;
    await_serving(scene);
    hear(scene, "beat.0");
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++) {
        publish(&scene->upstream, keys[i], 60000, false);
    }
    hear(scene, "tile.0.e"); /* handed on, though there is no room for it here */
    assert_int_equal(stat_of(scene, "tiles"), 3);
    assert_int_equal(stat_of(scene, "tiles_refused"), 2);
    assert_int_equal(stat_of(scene, "snapshots"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_snapshot_then_the_same_deltas, begin, finish),
        cmocka_unit_test_setup_teardown(test_garbage_is_counted, begin, finish),
        cmocka_unit_test_setup_teardown(test_tiles_expire_and_come_back, begin, finish),
        cmocka_unit_test_setup_teardown(test_tiles_are_bounded, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
