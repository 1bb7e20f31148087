/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/link.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/net/curve.h"
#include "common/net/guard.h"
#include "common/net/silence.h"
#include "tests/common/config/config_unit.h"
#include "tests/common/net/fake_upstream.h"
#include "tests/common/net/raw_peer.h"

#define TTL_MS 600000
#define PATIENCE_MS 20000 /* nothing here takes nearly as long */

struct scene {
    struct config *config;
    struct upstream_server upstreams[2];
    struct store *store;
    struct eventlog *events;
    struct link *link;
    struct guard *guard; /* of the upstreams; NULL: they have no keys */
    size_t accepted;
};

static void count_accepted(void *arg, const struct str frames[WIRE_FRAMES])
{
    ++*(size_t *)arg;
    assert_true(frames[0].len != 0);
}

/* Lets everybody work until the condition holds; sends heartbeats every 100 ms. */
static void work_until(struct scene *scene, bool (*done)(struct scene *scene))
{
    const mono_time end = mono_add_ms(clock_mono(), PATIENCE_MS);
    mono_time heartbeat_at = clock_mono();
    for (;;) {
        mono_time now = clock_mono();
        bool more = link_process(scene->link, now, 1000);
        if (done(scene)) {
            return;
        }
        if (now.us > end.us) {
            fail_msg("what should have happened did not within %d ms", PATIENCE_MS);
        }
        zmq_pollitem_t items[4] = {{NULL, link_fd(scene->link), ZMQ_POLLIN, 0}};
        int count = 1;
        if (scene->guard != NULL) {
            guard_process(scene->guard, now, 100);
            items[count++] = (zmq_pollitem_t){guard_socket(scene->guard), 0, ZMQ_POLLIN, 0};
        }
        for (int i = 0; i < 2; i++) {
            struct upstream_server *up = &scene->upstreams[i];
            if (up->pub != NULL) {
                more = server_process(up->server, now, 100) || more;
                items[count++] = (zmq_pollitem_t){server_socket(up->server), 0, ZMQ_POLLIN, 0};
                if (now.us >= heartbeat_at.us) {
                    send_heartbeat(up);
                }
            }
        }
        heartbeat_at = now.us >= heartbeat_at.us ? mono_add_ms(now, 100) : heartbeat_at;
        int wait = link_wait_ms(scene->link, now);
        wait = mono_ms_until(now, heartbeat_at, wait);
        (void)zmq_poll(items, count, more ? 0 : wait);
    }
}

static bool is_fresh(struct scene *scene)
{
    return replica_fresh(link_replica(scene->link), clock_mono(), NULL);
}

/* True when the tile here has the newest value that an upstream has. */
static bool has_last(struct scene *scene)
{
    const struct tile *here = store_get(scene->store, STR("a"));
    bool newest = here != NULL && is_fresh(scene);
    for (int i = 0; i < 2 && newest; i++) {
        const struct upstream_server *up = &scene->upstreams[i];
        const struct tile *there = up->pub != NULL ? store_get(up->store, STR("a")) : NULL;
        newest = there == NULL || version_compare(here->version, there->version) >= 0;
    }
    return newest;
}

/* publish is where upstream 0 is believed to publish, query where 1 is believed to answer; NULL:
 * where they do. */
static void begin_with(struct scene *scene, const char *folder, const char *more,
                       const char *publish, const char *query)
{
    struct buf text = {0};
    *scene = (struct scene){0};
    buf_printf(&text, "%scache:\n  upstreams:\n", more);
    for (int i = 0; i < 2; i++) {
        struct upstream_server *up = &scene->upstreams[i];
        snprintf(up->publish, sizeof up->publish, "ipc://%s/p%d", folder, i);
        snprintf(up->query_address, sizeof up->query_address, "ipc://%s/q%d", folder, i);
        buf_printf(&text, "    - {publish: \"%s\", query: \"%s\"}\n",
                   publish != NULL && i == 0 ? publish : up->publish,
                   query != NULL && i == 1 ? query : up->query_address);
    }
    scene->config = parse_ok(buf_cstr(&text));
    buf_free(&text);
    scene->store = store_create(1000000, NULL);
    scene->events = eventlog_create(10, SIZE_MAX, NULL);
    struct error err = {{0}};
    if (link_create(scene->config, &scene->config->cache.upstreams, 10, scene->store, scene->events,
                    count_accepted, &scene->accepted, &scene->link, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
}

static void begin(struct scene *scene, const char *folder, const char *more)
{
    begin_with(scene, folder, more, NULL, NULL);
}

static void finish(struct scene *scene, char *folder)
{
    char path[128];
    link_destroy(&scene->link);
    guard_destroy(&scene->guard);
    close_upstream(&scene->upstreams[0]);
    close_upstream(&scene->upstreams[1]);
    store_destroy(&scene->store);
    eventlog_destroy(&scene->events);
    config_destroy(&scene->config);
    sockets_term();
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%c%d", folder, i < 2 ? 'p' : 'q', i % 2);
        (void)unlink(path);
    }
}

static int make_folder(void **state)
{
    static char folder[32];
    snprintf(folder, sizeof folder, "/tmp/tilewire-link-XXXXXX");
    *state = mkdtemp(folder);
    return *state == NULL;
}

static int remove_folder(void **state)
{
    return rmdir(*state);
}

static void test_sync_live_and_a_lost_message(void **state)
{
    struct scene scene;
    begin(&scene, *state, "");
    open_upstream(&scene.upstreams[0], scene.config, 1);
    publish(&scene.upstreams[0], "a", TTL_MS, true); /* before anybody listened */
    work_until(&scene, has_last);
    assert_true(replica_ready(link_replica(scene.link)));
    for (int i = 0; i < 1000; i++) {
        publish(&scene.upstreams[0], i % 2 == 0 ? "b" : "a", TTL_MS, false);
    }
    work_until(&scene, has_last); /* the last one is of that tile */
    assert_true(scene.accepted >= 1000);
    assert_int_equal(replica_counters(link_replica(scene.link))->gaps, 0);
    publish(&scene.upstreams[0], "a", TTL_MS, true); /* lost: only a heartbeat tells of it */
    work_until(&scene, has_last);
    assert_int_equal(replica_counters(link_replica(scene.link))->gaps, 1);
    assert_int_equal(replica_counters(link_replica(scene.link))->malformed, 0);
    finish(&scene, *state);
}

static bool is_not_fresh(struct scene *scene)
{
    return !is_fresh(scene);
}

static void test_an_upstream_that_is_restarted(void **state)
{
    struct scene scene;
    begin(&scene, *state, "");
    open_upstream(&scene.upstreams[0], scene.config, 1);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    publish(&scene.upstreams[0], "b", TTL_MS, false);
    work_until(&scene, has_last);
    close_upstream(&scene.upstreams[0]);
    open_upstream(&scene.upstreams[0], scene.config, 2);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    work_until(&scene, has_last);
    assert_null(store_get(scene.store, STR("b"))); /* the new one does not make it */
    close_upstream(&scene.upstreams[0]);
    work_until(&scene, is_not_fresh);
    assert_non_null(store_get(scene.store, STR("a"))); /* and served, meanwhile */
    finish(&scene, *state);
}

static void test_two_upstreams_of_which_one_goes(void **state)
{
    struct scene scene;
    begin(&scene, *state, "");
    open_upstream(&scene.upstreams[0], scene.config, 1);
    open_upstream(&scene.upstreams[1], scene.config, 1);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    publish(&scene.upstreams[1], "a", TTL_MS, false);
    work_until(&scene, has_last);
    close_upstream(&scene.upstreams[0]);
    publish(&scene.upstreams[1], "a", TTL_MS, false);
    work_until(&scene, has_last);
    publish(&scene.upstreams[1], "a", TTL_MS, true); /* lost as well: the other has to be asked */
    work_until(&scene, has_last);
    open_upstream(&scene.upstreams[0], scene.config, 1); /* comes back, far behind: does no harm */
    work_until(&scene, has_last);
    finish(&scene, *state);
}

static void test_garbage_does_no_harm(void **state)
{
    struct scene scene;
    begin(&scene, *state, "");
    open_upstream(&scene.upstreams[0], scene.config, 1);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    work_until(&scene, has_last);
    const struct str garbage[] = {STR("tile.0.a"), STR("\x94\x01\xff"), STR("\xc1"), STR("x"),
                                  STR("y")};
    for (size_t count = 1; count <= 5; count++) {
        assert_true(socket_send(scene.upstreams[0].pub, garbage, count));
    }
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    work_until(&scene, has_last);
    assert_int_equal(replica_counters(link_replica(scene.link))->malformed, 5);
    finish(&scene, *state);
}

/* Listens and greets as the real one would, and then says nothing. */
struct mute {
    struct raw_listener listener;
    int fds[8];
    size_t accepted;
};

static struct mute mute_pub;
static struct mute mute_router;

static void accept_mutely(struct mute *mute, const char *type)
{
    if (raw_wait(mute->listener.fd, 0)) {
        assert_true(mute->accepted < 8);
        mute->fds[mute->accepted++] = raw_accept(&mute->listener, type);
    }
}

static bool are_mute_ones_given_up(struct scene *scene)
{
    (void)scene;
    accept_mutely(&mute_pub, "PUB");
    accept_mutely(&mute_router, "REP");
    return mute_pub.accepted == 2 && mute_router.accepted == 2;
}

static void hush(struct mute *mute)
{
    while (mute->accepted > 0) {
        close(mute->fds[--mute->accepted]);
    }
    close(mute->listener.fd);
}

static void test_a_silent_connection_is_made_anew(void **state)
{
    struct scene scene;
    const mono_time begun = clock_mono();
    raw_listen(&mute_pub.listener);
    raw_listen(&mute_router.listener);
    begin_with(&scene, *state, "", mute_pub.listener.address, mute_router.listener.address);
    struct upstream_server *answers = &scene.upstreams[0]; /* though nothing is heard from it */
    struct upstream_server *speaks = &scene.upstreams[1];  /* though it answers nothing */
    open_upstream(answers, scene.config, 1);
    open_upstream(speaks, scene.config, 1);
    publish(answers, "a", TTL_MS, false);
    publish(speaks, "a", TTL_MS, false);
    work_until(&scene, are_mute_ones_given_up);
    assert_true(clock_mono().us - begun.us >= SILENCE_FIRST_MS * US_PER_MS);
    assert_true(is_fresh(&scene)); /* each makes up for the other */
    assert_int_equal(link_renewals(scene.link), 2);
    assert_int_equal(replica_counters(link_replica(scene.link))->gaps, 0);
    hush(&mute_pub);
    hush(&mute_router);
    finish(&scene, *state);
}

static void write_key(const char *folder, const char *name, const char *key, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", key);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

/* The files of a pair of keys, and a configuration with them in `text`. */
static void make_keys(const char *folder, struct config_curve_pair *keys, char text[512])
{
    char public_file[128];
    char secret_file[128];
    assert_int_equal(curve_make_pair(keys, NULL), STATUS_OK);
    write_key(folder, "public", keys->public_key, public_file);
    write_key(folder, "secret", keys->secret_key, secret_file);
    snprintf(text, 512, "curve: {public_key_file: %s, secret_key_file: %s}\n", public_file,
             secret_file);
}

static void remove_keys(const struct config *config)
{
    (void)unlink(config->curve.public_key_file);
    (void)unlink(config->curve.secret_key_file);
}

static void make_guard(struct scene *scene)
{
    struct error err = {{0}};
    if (guard_create(scene->config, &scene->guard, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
}

static void test_curve(void **state)
{
    struct config_curve_pair keys;
    char text[512];
    struct scene scene;
    make_keys(*state, &keys, text);
    begin(&scene, *state, text);
    make_guard(&scene);
    open_upstream(&scene.upstreams[0], scene.config, 1);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    work_until(&scene, has_last);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    work_until(&scene, has_last);
    assert_true(guard_counters(scene.guard)->admitted >= 2);
    assert_int_equal(guard_counters(scene.guard)->refused, 0);
    remove_keys(scene.config);
    finish(&scene, *state);
}

static bool was_refused(struct scene *scene)
{
    return guard_counters(scene->guard)->refused >= 2; /* its SUB and its DEALER */
}

/* Libzmq does not try again by itself: the link has to. */
static void test_who_is_refused_comes_back_when_he_may(void **state)
{
    static struct config_client friend = {
        .name = "a", .role = CONFIG_CLIENT_CACHE, .may = CONFIG_MAY_SUBSCRIBE | CONFIG_MAY_QUERY};
    struct config_curve_pair keys;
    struct error err = {{0}};
    char text[512];
    struct scene scene;
    make_keys(*state, &keys, text);
    begin(&scene, *state, text);
    scene.config->curve.clients_file = "clients.yaml"; /* nobody is in it */
    make_guard(&scene);
    open_upstream(&scene.upstreams[0], scene.config, 1);
    publish(&scene.upstreams[0], "a", TTL_MS, false);
    work_until(&scene, was_refused);
    assert_int_equal(guard_counters(scene.guard)->admitted, 0);
    friend.key = keys.public_key;
    scene.config->curve.clients = (struct config_clients){&friend, 1};
    assert_int_equal(guard_change(scene.guard, scene.config, &err), STATUS_OK);
    scene.config->curve.clients_file = NULL; /* so that the link goes on expecting its own key */
    work_until(&scene, has_last);
    assert_int_equal(guard_counters(scene.guard)->admitted, 2);
    remove_keys(scene.config);
    finish(&scene, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sync_live_and_a_lost_message, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_an_upstream_that_is_restarted, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_two_upstreams_of_which_one_goes, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_garbage_does_no_harm, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_a_silent_connection_is_made_anew, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_curve, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_who_is_refused_comes_back_when_he_may, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
