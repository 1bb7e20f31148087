/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/clients.h"

#include <stdlib.h>

#include <sodium.h>

#include "common/base/table.h"

#include "common/base/xalloc.h"

struct bucket {
    double tokens;
    mono_time filled_at;
};

struct client {
    struct ip address;      /* The network's address, or `strangers`, the entry that many share. */
    struct bucket requests; /* One token a request. */
    struct bucket openings; /* One token a new stream. */
    struct bucket work;     /* One token a step; below 0: in debt. */
    uint32_t streams;       /* Streams open now, waiting requests included. */
    uint32_t waits;         /* Those of them that are requests that wait. */
    uint32_t channels;      /* Channels that are counted as its own. */
    UT_hash_handle by_address;
};

struct clients {
    const struct config_gateway_limits *limits;
    struct client *table;
    struct client *last; /* The entry that was found last: a request is asked about a few times. */
};

struct clients *clients_create(const struct config_gateway_limits *limits)
{
    struct clients *clients = x_calloc(1, sizeof *clients);
    clients->limits = limits;
    return clients;
}

static void forget(struct clients *clients, struct client *client)
{
    HASH_DELETE(by_address, clients->table, client);
    clients->last = clients->last == client ? NULL : clients->last;
    free(client);
}

void clients_destroy(struct clients **clients_p)
{
    struct clients *clients = *clients_p;
    if (clients == NULL) {
        return;
    }
    struct client *client;
    struct client *next;
    HASH_ITER(by_address, clients->table, client, next)
    {
        forget(clients, client);
    }
    free(clients);
    *clients_p = NULL;
}

#define MULTICAST 0xff /* The first byte of addresses that no client has. */

/* Stands for all who came when there were CLIENTS_MAX. No client has a multicast address. */
static const struct ip strangers = {.bytes = {MULTICAST}};

/* The network is limited, because one customer has at least 2^64 addresses of IPv6. */
static struct ip network_of(const struct ip *address)
{
    static const uint8_t ipv4[12] = {[10] = 0xff, [11] = 0xff};
    struct ip network = *address;
    if (memcmp(address->bytes, ipv4, sizeof ipv4) != 0 && address->bytes[0] != MULTICAST) {
        memset(network.bytes + 8, 0, 8);
    }
    return network;
}

struct ip clients_of_subject(struct str issuer, struct str subject)
{
    static unsigned char key[crypto_generichash_KEYBYTES]; /* Made once. */
    static bool made;
    crypto_generichash_state state;
    struct ip ip;
    if (!made) {
        crypto_generichash_keygen(key);
        made = true;
    }
    crypto_generichash_init(&state, key, sizeof key, sizeof ip.bytes);
    crypto_generichash_update(&state, (const unsigned char *)issuer.p, issuer.len);
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    crypto_generichash_update(&state, (const unsigned char *)subject.p, subject.len);
    crypto_generichash_final(&state, ip.bytes, sizeof ip.bytes);
    ip.bytes[0] = MULTICAST;
    ip.bytes[1] |= 1; /* not all zero behind it, as `strangers` is */
    return ip;
}

/* Finds an entry. address: as network_of gives it, or `strangers`. */
static struct client *find(struct clients *clients, const struct ip *address)
{
    struct client *client = clients->last;
    if (client == NULL || memcmp(&client->address, address, sizeof *address) != 0) {
        HASH_FIND(by_address, clients->table, address, sizeof *address, client);
        clients->last = client;
    }
    return client;
}

static double steps_per_second(const struct clients *clients)
{
    return (double)clients->limits->work_per_second_ms * CLIENTS_STEPS_PER_MS;
}

static struct client *find_or_add(struct clients *clients, const struct ip *address, mono_time now)
{
    struct ip network = network_of(address);
    struct client *client = find(clients, &network);
    if (client == NULL && HASH_CNT(by_address, clients->table) >= CLIENTS_MAX) {
        network = strangers;
        client = find(clients, &network);
    }
    if (client == NULL) {
        client = x_calloc(1, sizeof *client);
        client->address = network;
        client->requests = (struct bucket){(double)clients->limits->requests_burst, now};
        client->openings = (struct bucket){(double)clients->limits->streams_burst, now};
        client->work = (struct bucket){steps_per_second(clients), now};
        HASH_ADD(by_address, clients->table, address, sizeof client->address, client);
    }
    return client;
}

static void fill(struct bucket *bucket, double per_second, double burst, mono_time now)
{
    const double passed_s = (double)(now.us - bucket->filled_at.us) / 1e6;
    bucket->tokens += passed_s > 0 ? passed_s * per_second : 0;
    bucket->tokens = bucket->tokens < burst ? bucket->tokens : burst;
    bucket->filled_at = now;
}

/* The seconds until the bucket, which is full up to now, has so many tokens. */
static unsigned seconds_until(const struct bucket *bucket, double tokens, double per_second)
{
    const double wait_s = (tokens - bucket->tokens) / per_second;
    return wait_s < 3600 ? 1 + (unsigned)wait_s : 3600;
}

static bool take(struct bucket *bucket, double per_second, size_t burst, mono_time now,
                 unsigned *retry_s)
{
    fill(bucket, per_second, (double)burst, now);
    if (bucket->tokens >= 1) {
        bucket->tokens -= 1;
        return true;
    }
    *retry_s = seconds_until(bucket, 1, per_second);
    return false;
}

bool clients_request(struct clients *clients, const struct ip *address, mono_time now,
                     unsigned *retry_s)
{
    struct client *client = find_or_add(clients, address, now);
    return take(&client->requests, clients->limits->requests_per_second,
                clients->limits->requests_burst, now, retry_s);
}

static struct bucket *fill_work(struct clients *clients, const struct ip *address, mono_time now)
{
    const double steps = steps_per_second(clients);
    struct bucket *work = &find_or_add(clients, address, now)->work;
    fill(work, steps, steps, now);
    return work;
}

bool clients_may_work(struct clients *clients, const struct ip *address, mono_time now,
                      unsigned *retry_s)
{
    const struct bucket *work = fill_work(clients, address, now);
    if (work->tokens > 0) {
        return true;
    }
    *retry_s = seconds_until(work, 0, steps_per_second(clients));
    return false;
}

bool clients_charge(struct clients *clients, const struct ip *address, uint64_t steps,
                    mono_time now)
{
    struct bucket *work = fill_work(clients, address, now);
    work->tokens -= (double)steps;
    return work->tokens > 0;
}

enum clients_verdict clients_stream(struct clients *clients, const struct ip *address,
                                    mono_time now, unsigned *retry_s)
{
    struct client *client = find_or_add(clients, address, now);
    *retry_s = 5;
    if (client->streams >= clients->limits->streams_per_address) {
        return CLIENTS_TOO_MANY;
    }
    if (!take(&client->openings, clients->limits->streams_per_second,
              clients->limits->streams_burst, now, retry_s)) {
        return CLIENTS_TOO_FAST;
    }
    client->streams++;
    return CLIENTS_ADMITTED;
}

bool clients_hold(struct clients *clients, const struct ip *address, size_t unused, mono_time now)
{
    struct client *client = find_or_add(clients, address, now);
    if (client->streams >= clients->limits->streams_per_address || client->waits >= unused) {
        return false;
    }
    client->streams++;
    client->waits++;
    return true;
}

/* The entry that the address was counted in: its own, or that of strangers if it came when there
 * were too many. has: true when an entry has what is looked for. */
static struct client *find_counted(struct clients *clients, const struct ip *address,
                                   bool (*has)(const struct client *client))
{
    const struct ip network = network_of(address);
    struct client *client = find(clients, &network);
    return client != NULL && has(client) ? client : find(clients, &strangers);
}

static bool has_stream(const struct client *client)
{
    return client->streams != 0;
}

static bool has_wait(const struct client *client)
{
    return client->waits != 0;
}

static bool has_channel(const struct client *client)
{
    return client->channels != 0;
}

bool clients_may_add_channel(struct clients *clients, const struct ip *address, size_t unused)
{
    const struct client *client = find_counted(clients, address, has_channel);
    return (client != NULL ? client->channels : 0) < unused;
}

void clients_channel(struct clients *clients, const struct ip *address, size_t units, bool more)
{
    struct client *client = find_counted(clients, address, more ? has_stream : has_channel);
    if (client != NULL && more) {
        client->channels += (uint32_t)units;
    } else if (client != NULL) {
        client->channels -= units < client->channels ? (uint32_t)units : client->channels;
    }
}

void clients_stream_closed(struct clients *clients, const struct ip *address)
{
    struct client *client = find_counted(clients, address, has_stream);
    if (client != NULL && client->streams != 0) {
        client->streams--;
    }
}

void clients_let_go(struct clients *clients, const struct ip *address)
{
    struct client *client = find_counted(clients, address, has_wait);
    if (client != NULL && client->waits != 0) {
        client->waits--;
        client->streams--;
    }
}

void clients_sweep(struct clients *clients, mono_time now)
{
    struct client *client;
    struct client *next;
    HASH_ITER(by_address, clients->table, client, next)
    {
        const struct config_gateway_limits *limits = clients->limits;
        const double steps = steps_per_second(clients);
        fill(&client->requests, limits->requests_per_second, (double)limits->requests_burst, now);
        fill(&client->openings, limits->streams_per_second, (double)limits->streams_burst, now);
        fill(&client->work, steps, steps, now);
        if (client->streams == 0 && client->requests.tokens >= (double)limits->requests_burst &&
            client->openings.tokens >= (double)limits->streams_burst &&
            client->work.tokens >= steps) {
            forget(clients, client);
        }
    }
}

size_t clients_count(const struct clients *clients)
{
    return HASH_CNT(by_address, clients->table);
}
