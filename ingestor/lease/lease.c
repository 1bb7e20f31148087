/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/lease/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/backoff.h"
#include "common/base/xalloc.h"
#include "common/program/log.h"
#include "ingestor/lease/lease_store.h"

struct lease {
    const struct config *config;
    const struct lease_store_ops *ops;
    struct lease_store *store; /* the thread's; NULL: not open */
    struct backoff backoff;    /* the thread's */
    bool failing;              /* the thread's: renewals do, as last logged */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* what follows has */
    bool stop;
    enum lease_state state;
    struct lease_grant grant;
    struct error why;
    _Atomic int64_t valid_until; /* of the clock below, µs */
};

/* Monotonic, and goes on while the machine sleeps. */
static mono_time now_boot(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (mono_time){(int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000};
}

/* ---- What a standby sees ---- */

bool lease_watch_expired(struct lease_watch *watch, uint64_t number, uint64_t beat, mono_time now)
{
    if (watch->number != number || watch->beat != beat) {
        *watch = (struct lease_watch){number, beat, now, 0};
    }
    const int64_t passed_us = now.us - watch->looked_at.us;
    const int64_t most_us = LEASE_BLINK_MS * US_PER_MS;
    watch->still_us += passed_us < most_us ? passed_us : most_us;
    watch->looked_at = now;
    return number == 0 || watch->still_us >= LEASE_EXPIRE_MS * US_PER_MS;
}

void lease_watch_forget(struct lease_watch *watch)
{
    *watch = (struct lease_watch){0};
}

uint64_t lease_epoch_after(uint64_t before)
{
    const uint64_t now_ms = (uint64_t)(clock_wall().us / US_PER_MS);
    return now_ms > before ? now_ms : before + 1;
}

/* ---- The keeper's thread ---- */

/* Waits, with the mutex held, until something changes, at most ms. */
static void wait_changed(struct lease *lease, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&lease->changed, &lease->mutex, &until);
}

static void set_state(struct lease *lease, enum lease_state state, const struct error *why)
{
    pthread_mutex_lock(&lease->mutex);
    if (lease->state != LEASE_LOST) {
        lease->state = state;
        lease->why = *why;
    }
    if (state == LEASE_LOST) {
        atomic_store(&lease->valid_until, 0);
    }
    pthread_cond_broadcast(&lease->changed);
    pthread_mutex_unlock(&lease->mutex);
}

static void set_valid(struct lease *lease, mono_time from)
{
    pthread_mutex_lock(&lease->mutex);
    if (lease->state != LEASE_LOST) {
        atomic_store(&lease->valid_until, mono_add_ms(from, LEASE_VALID_MS).us);
    }
    pthread_cond_broadcast(&lease->changed);
    pthread_mutex_unlock(&lease->mutex);
}

/* Both return how long to wait, ms. */
static int64_t try_acquire(struct lease *lease)
{
    struct error why = {{0}};
    struct lease_grant grant = {0};
    const mono_time begun = now_boot();
    int status = STATUS_OK;
    if (lease->store == NULL) {
        status = lease->ops->open(lease->config, &lease->store, &why);
    }
    if (status == STATUS_OK) {
        status = lease->ops->acquire(lease->store, begun, &grant, &why);
    }
    if (status == STATUS_OK) {
        pthread_mutex_lock(&lease->mutex);
        lease->grant = grant;
        pthread_mutex_unlock(&lease->mutex);
        set_valid(lease, begun);
        set_state(lease, LEASE_HELD, &why);
        backoff_reset(&lease->backoff);
        return LEASE_RENEW_MS;
    }
    set_state(lease, LEASE_WAITING, &why);
    if (status == STATUS_AGAIN) {
        backoff_reset(&lease->backoff);
        return LEASE_LOOK_MS;
    }
    return backoff_next_ms(&lease->backoff);
}

static int64_t try_renew(struct lease *lease)
{
    struct error why = {{0}};
    const mono_time begun = now_boot();
    const int status = lease->ops->renew(lease->store, &why);
    if (status == STATUS_DENIED) {
        set_state(lease, LEASE_LOST, &why);
        return LEASE_RENEW_MS;
    }
    if (status != STATUS_OK) {
        if (!lease->failing) {
            log_warn("%s; trying again", why.text);
        }
        lease->failing = true;
        return backoff_next_ms(&lease->backoff);
    }
    if (lease->failing) {
        log_info("the lease is renewed again");
    }
    lease->failing = false;
    backoff_reset(&lease->backoff);
    set_valid(lease, begun);
    /* A process that was stopped in between must not wait for the next turn. */
    return lease_valid(lease) ? LEASE_RENEW_MS : 0;
}

static void *keep(void *arg)
{
    struct lease *lease = arg;
    pthread_mutex_lock(&lease->mutex);
    while (!lease->stop) {
        const enum lease_state state = lease->state;
        pthread_mutex_unlock(&lease->mutex);
        int64_t wait_ms = LEASE_RENEW_MS;
        if (state == LEASE_WAITING) {
            wait_ms = try_acquire(lease);
        } else if (state == LEASE_HELD) {
            wait_ms = try_renew(lease);
        }
        const mono_time until = mono_add_ms(now_boot(), wait_ms);
        pthread_mutex_lock(&lease->mutex);
        while (!lease->stop && now_boot().us < until.us) {
            wait_changed(lease, (until.us - now_boot().us) / US_PER_MS + 1);
        }
    }
    pthread_mutex_unlock(&lease->mutex);
    if (lease->store != NULL) {
        lease->ops->close(lease->store);
    }
    return NULL;
}

/* ---- For the others ---- */

struct lease *lease_create(const struct config *config)
{
    struct lease *lease = x_calloc(1, sizeof *lease);
    pthread_condattr_t monotonic;
    lease->config = config;
    lease->ops =
        config->ingestor.checkpoint == CHECKPOINT_POSTGRESQL ? &lease_postgres : &lease_file;
    lease->backoff = (struct backoff){100, 1000, 0, (uint64_t)clock_wall().us};
    pthread_mutex_init(&lease->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&lease->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&lease->thread, NULL, keep, lease) != 0) {
        log_error("no thread could be started");
        abort();
    }
    return lease;
}

void lease_destroy(struct lease **lease_p)
{
    struct lease *lease = *lease_p;
    if (lease == NULL) {
        return;
    }
    pthread_mutex_lock(&lease->mutex);
    lease->stop = true;
    pthread_cond_broadcast(&lease->changed);
    pthread_mutex_unlock(&lease->mutex);
    pthread_join(lease->thread, NULL);
    pthread_cond_destroy(&lease->changed);
    pthread_mutex_destroy(&lease->mutex);
    free(lease);
    *lease_p = NULL;
}

enum lease_state lease_await(struct lease *lease, int wait_ms, struct lease_grant *grant,
                             struct error *why)
{
    const mono_time until = mono_add_ms(now_boot(), wait_ms);
    pthread_mutex_lock(&lease->mutex);
    while (lease->state == LEASE_WAITING && now_boot().us < until.us) {
        wait_changed(lease, (until.us - now_boot().us) / US_PER_MS + 1);
    }
    const enum lease_state state = lease->state;
    *grant = lease->grant;
    *why = lease->why;
    pthread_mutex_unlock(&lease->mutex);
    return state;
}

bool lease_valid(const struct lease *lease)
{
    return now_boot().us < atomic_load(&lease->valid_until);
}

bool lease_hold(struct lease *lease)
{
    if (lease_valid(lease)) {
        return true;
    }
    const mono_time until = mono_add_ms(now_boot(), LEASE_HOLD_MS);
    pthread_mutex_lock(&lease->mutex);
    while (lease->state == LEASE_HELD && !lease_valid(lease) && now_boot().us < until.us) {
        wait_changed(lease, (until.us - now_boot().us) / US_PER_MS + 1);
    }
    pthread_mutex_unlock(&lease->mutex);
    return lease_valid(lease);
}

void lease_lose(struct lease *lease, const struct error *why)
{
    set_state(lease, LEASE_LOST, why);
}
