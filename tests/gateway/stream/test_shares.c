/* SPDX-License-Identifier: Apache-2.0 */
/* Whose channels are whose, and for which there is always room. */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/streams_state.h"

#define CHANNELS 6

/* The world, and how many channels each client has. */
struct shares {
    struct world w; /* The first member: what the engine hands to the functions. */
    size_t channels[4];
    size_t most; /* that a client may have */
};

static bool may_add_channel(void *arg, const struct ip *client, size_t unused)
{
    const struct shares *shares = arg;
    assert_in_range(unused, 1, CHANNELS);
    return shares->channels[client->bytes[15]] < shares->most;
}

static void count_channel(void *arg, const struct ip *client, size_t units, bool more)
{
    struct shares *shares = arg;
    assert_true(more || shares->channels[client->bytes[15]] >= units);
    shares->channels[client->bytes[15]] += more ? units : -units;
}

static void begin(struct shares *shares, size_t most)
{
    static const struct streams_accounts accounts = {.may_add_channel = may_add_channel,
                                                     .channel = count_channel};
    *shares = (struct shares){.most = most};
    world_init_with(&shares->w, 65536, 16, CHANNELS);
    streams_set_accounts(shares->w.streams, &accounts);
}

static struct stream_request request_of(uint8_t client)
{
    return (struct stream_request){.kind = CHANNEL_TILES, .address = {.bytes = {[15] = client}}};
}

static int open_as(struct shares *shares, uint8_t client, const char *keys)
{
    struct stream_request request = request_of(client);
    return world_open(&shares->w, &request, keys, 0);
}

static enum streams_room room_for(struct shares *shares, uint8_t client, const char *keys)
{
    struct stream_request request = request_of(client);
    assert_int_equal(selection_parse(&request.selection, keys), STATUS_OK);
    const enum streams_room room = streams_room(shares->w.streams, &request);
    selection_free(&request.selection);
    return room;
}

static void a_channel_is_that_of_one_of_its_clients(void **state)
{
    (void)state;
    struct shares shares;
    begin(&shares, 9);
    const int one = open_as(&shares, 1, "a");
    const int two = open_as(&shares, 2, "a");
    const int three = open_as(&shares, 3, "a");
    const int other = open_as(&shares, 3, "b");
    assert_int_equal(shares.channels[1], 1);
    assert_int_equal(shares.channels[2], 0);
    assert_int_equal(shares.channels[3], 1);
    close(two); /* who does not count leaves */
    world_turn(&shares.w, 10);
    assert_int_equal(shares.channels[1], 1);
    close(one); /* who counts leaves: it is that of who is still there */
    world_turn(&shares.w, 10);
    assert_int_equal(shares.channels[1], 0);
    assert_int_equal(shares.channels[3], 2);
    close(three);
    close(other);
    world_turn(&shares.w, 10);
    assert_int_equal(shares.channels[3], 0);
    world_finish(&shares.w);
}

static void who_has_its_share_gets_no_other_channel_but_may_join(void **state)
{
    (void)state;
    struct shares shares;
    begin(&shares, 2);
    const int clients[] = {open_as(&shares, 1, "a"), open_as(&shares, 1, "b"),
                           open_as(&shares, 2, "c")};
    assert_int_equal(room_for(&shares, 1, "d"), STREAMS_SHARE_USED);
    assert_int_equal(room_for(&shares, 1, "c"), STREAMS_ROOM);
    assert_int_equal(room_for(&shares, 2, "d"), STREAMS_ROOM);
    assert_int_equal(room_for(&shares, 1, "*"), STREAMS_ROOM);
    struct stream_request request = request_of(1);
    int pair[2];
    assert_int_equal(selection_parse(&request.selection, "d"), STATUS_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(streams_attach(shares.w.streams, pair[0], &request, STR(""), shares.w.now),
                     STATUS_FULL);
    close(pair[1]);
    for (size_t i = 0; i < 3; i++) {
        close(clients[i]);
    }
    world_finish(&shares.w);
}

static void everything_has_room_when_the_channels_are_used_up(void **state)
{
    (void)state;
    struct shares shares;
    int clients[CHANNELS];
    begin(&shares, CHANNELS);
    for (size_t i = 0; i < CHANNELS; i++) {
        const char key[] = {(char)('a' + i), '\0'};
        clients[i] = open_as(&shares, 1, key);
    }
    assert_int_equal(room_for(&shares, 2, "x"), STREAMS_FULL);
    assert_int_equal(room_for(&shares, 2, "*"), STREAMS_ROOM);
    const int dashboard = open_as(&shares, 2, "*");
    assert_int_equal(streams_channels(shares.w.streams), CHANNELS + 1);
    close(clients[0]);
    world_turn(&shares.w, 10);
    assert_int_equal(room_for(&shares, 2, "x"), STREAMS_FULL); /* as many as may be are left */
    close(clients[1]);
    world_turn(&shares.w, 10);
    assert_int_equal(room_for(&shares, 2, "x"), STREAMS_ROOM);
    for (size_t i = 2; i < CHANNELS; i++) {
        close(clients[i]);
    }
    close(dashboard);
    world_finish(&shares.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_is_that_of_one_of_its_clients),
        cmocka_unit_test(who_has_its_share_gets_no_other_channel_but_may_join),
        cmocka_unit_test(everything_has_room_when_the_channels_are_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
