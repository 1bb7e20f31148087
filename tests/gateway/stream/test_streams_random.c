/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any writes, any readers: on a tiny log, clients that read as much and as often as chance has it,
 * leave, and come back with what they had last. In the end
 *   - who follows tiles holds exactly what the store holds,
 *   - who follows events was given each once and in order, or was told `reset` where some are
 *     missing,
 *   - and nobody was ever given what they may not see.
 */
#include "tests/gateway/base/view_unit.h"
#include "tests/gateway/stream/decode.h"
#include "tests/gateway/stream/held.h"
#include "tests/gateway/stream/world.h"

#define RUNS 12 /* random histories */
#define CLIENTS 20
#define KEYS 12
#define STEPS 4000
#define EVENTS_KEPT 40
#define EVENTS_MAX 20000
#define CLIENT_SNDBUF 4096

struct client {
    int fd; /* -1: away */
    enum channel_kind kind;
    const char *selection;
    size_t head_left;       /* bytes of the answer's head that are still to come */
    struct decoder decoder; /* of this connection */
    struct buf in;
    char cursor[VERSION_TEXT_SIZE + 16]; /* of the last frame with an id */
    json_t *tiles;                       /* by key */
    size_t next_event;                   /* index of the first one that it was not given */
    bool skipped;                        /* `reset` came: events may be missing */
};

struct trial {
    struct world w;
    uint32_t random;
    struct client clients[CLIENTS];
    const struct view *views[CLIENTS];
    struct selection selections[CLIENTS];
    int64_t ids[EVENTS_MAX]; /* in delivery order */
    const char *types[EVENTS_MAX];
    size_t event_count;
};

static uint32_t below(struct trial *t, uint32_t limit)
{
    t->random = t->random * 1664525U + 1013904223U;
    return (uint32_t)(((uint64_t)(t->random >> 8) * limit) >> 24);
}

/* ---- A client's understanding of frames ---- */

static void on_event(struct trial *t, const struct client *client, const char *type, json_t *event)
{
    struct client *c = &t->clients[client - t->clients];
    const int64_t id = json_integer_value(json_object_get(event, "id"));
    size_t at = c->next_event;
    while (at < t->event_count && t->ids[at] != id) {
        at++;
    }
    assert_true(at < t->event_count); /* else it was given twice, or made up */
    assert_true(selection_matches(&t->selections[client - t->clients], str_of(t->types[at])));
    for (size_t i = c->next_event; i < at && !c->skipped; i++) {
        assert_false(selection_matches(&t->selections[client - t->clients], str_of(t->types[i])));
    }
    if (type != NULL) {
        assert_string_equal(type, t->types[at]);
    }
    c->next_event = at + 1;
    c->skipped = false;
}

/* Splits off the value of a field; NULL when the frame has none. */
static char *field(const char *frame, const char *name)
{
    const char *at = strstr(frame, name);
    if (at == NULL || (at != frame && at[-1] != '\n')) {
        return NULL;
    }
    at += strlen(name);
    return strndup(at, strcspn(at, "\n"));
}

static void on_frame(struct trial *t, struct client *client, const char *frame)
{
    char *id = field(frame, "id: ");
    char *event = field(frame, "event: ");
    char *data = field(frame, "data: ");
    json_t *json = data != NULL ? json_loads(data, 0, NULL) : NULL;
    assert_non_null(json);
    if (id != NULL) {
        snprintf(client->cursor, sizeof client->cursor, "%s", id);
    }
    if (event != NULL && strcmp(event, "reset") == 0) {
        held_take(client->tiles, event, json);
        client->skipped = true;
    } else if (channel_has_events(client->kind)) {
        on_event(t, client, event, json);
    } else {
        assert_true(strcmp(event, "patch") != 0 || client->kind == CHANNEL_PATCHES);
        const char *key = json_string_value(json_object_get(json, "key"));
        assert_true(key == NULL ||
                    selection_matches(&t->selections[client - t->clients], str_of(key)));
        held_take(client->tiles, event, json);
    }
    json_decref(json);
    free(id);
    free(event);
    free(data);
}

/* Takes in up to max bytes and acts on the frames that are whole. */
static void client_read(struct trial *t, struct client *client, size_t max)
{
    if (client->fd < 0) {
        return;
    }
    struct buf raw = {0};
    assert_true(world_read(client->fd, &raw, max));
    const size_t head = raw.len < client->head_left ? raw.len : client->head_left;
    client->head_left -= head;
    decode(&client->decoder, (struct str){raw.data + head, raw.len - head}, &client->in);
    buf_free(&raw);
    const char *text = buf_cstr(&client->in);
    const char *end;
    while ((end = strstr(text, "\n\n")) != NULL) {
        char *frame = strndup(text, (size_t)(end - text));
        on_frame(t, client, frame);
        free(frame);
        text = end + 2;
    }
    struct buf rest = {0};
    buf_append(&rest, text, client->in.len - (size_t)(text - client->in.data));
    buf_free(&client->in);
    client->in = rest;
}

/* ---- Coming and going ---- */

static void leave(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    buf_clear(&client->in); /* an unfinished frame is lost to an EventSource, too */
    decoder_finish(&client->decoder);
}

/* As the API does it: Last-Event-ID where it can be continued, `reset` where not. */
static void come(struct trial *t, struct client *client)
{
    struct cursor cursor;
    struct stream_request request = {.kind = client->kind,
                                     .coding = (enum coding)below(t, CODINGS),
                                     .preface = STR("retry: 250\n")};
    if (channel_has_events(client->kind)) {
        request.after_ordinal = eventlog_last(t->w.events);
        if (client->cursor[0] != '\0') {
            const struct eventlog_entry *entry =
                eventlog_find(t->w.events, event_id_of_number(strtoll(client->cursor, NULL, 10)));
            request.reset = entry == NULL;
            request.after_ordinal = entry != NULL ? entry->ordinal : request.after_ordinal;
        } else {
            client->skipped = true;
        }
    } else if (client->cursor[0] != '\0') {
        struct str id = str_of(client->cursor);
        assert_true(selection_continues(&t->selections[client - t->clients],
                                        t->views[client - t->clients], VIEW_TILES, &id));
        assert_true(cursor_parse(id, &cursor));
        request.cursor = &cursor;
    } else {
        json_object_clear(client->tiles);
    }
    client->head_left = strlen(WORLD_HEAD);
    decoder_begin(&client->decoder, request.coding);
    client->fd = world_open_as(&t->w, &request, client->selection, CLIENT_SNDBUF,
                               t->views[client - t->clients]);
}

/* ---- Chance ---- */

static void change_a_tile(struct trial *t)
{
    char key[16];
    snprintf(key, sizeof key, "k%u", below(t, KEYS));
    const int64_t value = (int64_t)below(t, 1000000);
    world_change(&t->w, key, value, below(t, 100), below(t, 300));
}

static void add_an_event(struct trial *t)
{
    static const char *const types[] = {"work.open", "work.done", "ticket"};
    assert_true(t->event_count < EVENTS_MAX);
    /* Neighbours swap places: ids do not come in order. */
    const int64_t id = (int64_t)(t->event_count ^ 1) + 1;
    const char *type = types[below(t, 3)];
    t->ids[t->event_count] = id;
    t->types[t->event_count++] = type;
    world_event(&t->w, id, type);
}

static void let_time_pass(struct trial *t)
{
    t->w.now.us += (int64_t)below(t, 70000) * 1000;
    store_expire(t->w.store, t->w.now);
}

static void step(struct trial *t)
{
    const uint32_t what = below(t, 1000);
    if (what < 450) {
        change_a_tile(t);
    } else if (what < 900) {
        add_an_event(t);
    } else if (what < 905) {
        let_time_pass(t);
    } else if (what < 908) {
        feed_events(t->w.streams);
        eventlog_reset(t->w.events, ++t->w.origin);
        t->w.ordinal = 0;
    } else if (what < 940) {
        struct client *client = &t->clients[below(t, CLIENTS)];
        if (client->fd >= 0) {
            leave(client);
        }
    }
    if (below(t, 4) == 0) {
        world_turn(&t->w, 1 + below(t, 12));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &t->clients[i];
        if (client->fd < 0 && below(t, 40) == 0) {
            feed_events(t->w.streams);
            come(t, client);
        } else if (below(t, (uint32_t)(2 + i * 4)) == 0) { /* from eager to sleepy */
            client_read(t, client, 1 + below(t, 3000));
        }
    }
}

/* ---- The verdict ---- */

static void settle(struct trial *t)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (t->clients[i].fd < 0) {
            come(t, &t->clients[i]);
        }
    }
    for (uint64_t before = UINT64_MAX, now = 0; before != now;
         now = streams_counters(t->w.streams)->bytes) {
        before = streams_counters(t->w.streams)->bytes;
        for (int k = 0; k < 3; k++) {
            world_turn(&t->w, 100000);
            for (size_t i = 0; i < CLIENTS; i++) {
                client_read(t, &t->clients[i], SIZE_MAX);
            }
        }
    }
}

static void judge(struct trial *t, size_t index)
{
    const struct client *client = &t->clients[index];
    assert_int_equal(client->in.len, 0); /* nothing torn, nothing left over */
    assert_int_equal(client->decoder.raw.len, 0);
    if (channel_has_events(client->kind)) {
        for (size_t i = client->next_event; i < t->event_count && !client->skipped; i++) {
            assert_false(selection_matches(&t->selections[index], str_of(t->types[i])));
        }
        return;
    }
    assert_int_equal(json_object_size(client->tiles),
                     held_compare(client->tiles, t->w.store, &t->selections[index]));
}

/* Everything, some of it, or some of it without all fields (tiles have a member `pad`). */
static const struct view *view_for(size_t client)
{
    switch (client % 3) {
    case 0:
        return view_of(NULL, NULL, NULL);
    case 1:
        return view_of("k1*,*5,k2", "work.*,*k*", NULL);
    default:
        return both(view_of("k1*,k2", "*", "summary"), view_of("*1,k5", "work.*", "data.pad"));
    }
}

static void run(uint32_t seed, struct streams_counters *totals)
{
    static const char *const tile_selections[] = {NULL, "k1,k2,k3", "k1*"};
    static const char *const event_selections[] = {NULL, "work.*", "ticket"};
    struct trial *t = calloc(1, sizeof *t);
    t->random = seed;
    world_init_with(&t->w, 4096, EVENTS_KEPT, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &t->clients[i];
        client->fd = -1;
        client->kind = (enum channel_kind)(i % 4);
        client->selection = channel_has_events(client->kind) ? event_selections[i / 4 % 3 / 2]
                                                             : tile_selections[i / 4 % 3 / 2 * 2];
        client->tiles = json_object();
        t->views[i] = view_for(i);
        assert_int_equal(selection_parse(&t->selections[i], client->selection), STATUS_OK);
        assert_true(selection_narrow(&t->selections[i], t->views[i],
                                     channel_has_events(client->kind) ? VIEW_EVENTS : VIEW_TILES));
    }
    for (int i = 0; i < STEPS; i++) {
        step(t);
    }
    settle(t);
    for (size_t i = 0; i < CLIENTS; i++) {
        judge(t, i);
        leave(&t->clients[i]);
        buf_free(&t->clients[i].in);
        json_decref(t->clients[i].tiles);
        selection_free(&t->selections[i]);
        view_release(&t->views[i]);
    }
    const struct streams_counters *c = streams_counters(t->w.streams);
    totals->conflated += c->conflated;
    totals->resets += c->resets;
    totals->blocked += c->blocked;
    totals->closed += c->closed;
    totals->packed += c->packed;
    totals->packed_shared += c->packed_shared;
    world_finish(&t->w);
    free(t);
}

static void any_writes_any_readers(void **state)
{
    (void)state;
    struct streams_counters totals = {0};
    const uint32_t first = seed_of_run();
    const uint32_t runs = runs_of_run(RUNS);
    for (uint32_t seed = first; seed < first + runs; seed++) {
        print_message("seed %u\n", seed);
        run(seed, &totals);
    }
    if (runs < RUNS) {
        return;
    }
    /* The rare cases were there. */
    assert_true(totals.conflated > 10);
    assert_true(totals.resets > 10);
    assert_true(totals.blocked > 100);
    assert_true(totals.closed > 100);
    assert_true(totals.packed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_writes_any_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
