/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/backoff.h"
#include "common/base/xalloc.h"
#include "common/lease/boot_clock.h"
#include "common/program/log.h"

struct lease {
    /* Constant once the keeper runs. */
    const struct config *config;
    const struct lease_store_ops *ops;
    pthread_t thread;

    /* The keeper's thread alone uses these. */
    struct {
        struct lease_store *store; /* NULL: not open */
        struct backoff backoff;
        bool failing; /* renewals fail, as last logged */
    } keeper;

    /* All threads use these, with the mutex held. */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* signalled when anything below has changed */
    bool stop;              /* the keeper is to end */
    enum lease_state state;
    struct lease_grant grant;
    struct error why;

    /* Until when the lease may be relied upon: boot_clock(), µs. The keeper writes it with the
     * mutex held; whoever is about to publish reads it without. */
    _Atomic int64_t valid_until_us;
};

/* ---- Shared by the threads ---- */

/* Waits, with the mutex held, until something changes or that time has come. The condition's clock
 * stands still while the machine sleeps, so callers look at theirs again. */
static void wait_changed(struct lease *lease, boot_time deadline)
{
    const int64_t ms = (deadline.us - boot_clock().us) / US_PER_MS + 1;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&lease->changed, &lease->mutex, &until);
}

static bool has_come(boot_time deadline)
{
    return boot_clock().us >= deadline.us;
}

static bool is_sought(enum lease_state state)
{
    return state == LEASE_WAITING || state == LEASE_BLOCKED;
}

static void set_state(struct lease *lease, enum lease_state state, const struct error *why)
{
    pthread_mutex_lock(&lease->mutex);
    if (lease->state != LEASE_LOST) {
        lease->state = state;
        lease->why = *why;
    }
    if (state == LEASE_LOST) {
        atomic_store(&lease->valid_until_us, 0);
    }
    pthread_cond_broadcast(&lease->changed);
    pthread_mutex_unlock(&lease->mutex);
}

static void set_valid(struct lease *lease, boot_time from)
{
    pthread_mutex_lock(&lease->mutex);
    if (lease->state != LEASE_LOST) {
        atomic_store(&lease->valid_until_us, boot_add_ms(from, LEASE_VALID_MS).us);
    }
    pthread_cond_broadcast(&lease->changed);
    pthread_mutex_unlock(&lease->mutex);
}

/* ---- The keeper's thread ---- */

/* One attempt to get the lease. Returns how long to wait until the next, ms. */
static int64_t try_acquire(struct lease *lease)
{
    struct error why = {{0}};
    struct lease_grant grant = {0};
    const boot_time begun = boot_clock();
    int status = STATUS_OK;
    if (lease->keeper.store == NULL) {
        status = lease->ops->open(lease->config, &lease->keeper.store, &why);
    }
    if (status == STATUS_OK) {
        status = lease->ops->acquire(lease->keeper.store, begun, &grant, &why);
    }
    if (status == STATUS_OK) {
        pthread_mutex_lock(&lease->mutex);
        lease->grant = grant;
        pthread_mutex_unlock(&lease->mutex);
        set_valid(lease, begun);
        set_state(lease, LEASE_HELD, &why);
        backoff_reset(&lease->keeper.backoff);
        return LEASE_RENEW_MS;
    }
    set_state(lease, status == STATUS_AGAIN ? LEASE_WAITING : LEASE_BLOCKED, &why);
    if (status == STATUS_AGAIN) {
        backoff_reset(&lease->keeper.backoff);
        return LEASE_POLL_MS;
    }
    return backoff_next_ms(&lease->keeper.backoff);
}

/* One renewal. Returns how long to wait until the next, ms. */
static int64_t try_renew(struct lease *lease)
{
    struct error why = {{0}};
    const boot_time begun = boot_clock();
    const int status = lease->ops->renew(lease->keeper.store, &why);
    if (status == STATUS_DENIED) {
        set_state(lease, LEASE_LOST, &why);
        return LEASE_RENEW_MS;
    }
    if (status != STATUS_OK) {
        if (!lease->keeper.failing) {
            log_warn("%s; trying again", why.text);
        }
        lease->keeper.failing = true;
        return backoff_next_ms(&lease->keeper.backoff);
    }
    if (lease->keeper.failing) {
        log_info("the lease is renewed again");
    }
    lease->keeper.failing = false;
    backoff_reset(&lease->keeper.backoff);
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
        if (is_sought(state)) {
            wait_ms = try_acquire(lease);
        } else if (state == LEASE_HELD) {
            wait_ms = try_renew(lease);
        }
        const boot_time until = boot_add_ms(boot_clock(), wait_ms);
        pthread_mutex_lock(&lease->mutex);
        while (!lease->stop && !has_come(until)) {
            wait_changed(lease, until);
        }
    }
    pthread_mutex_unlock(&lease->mutex);
    if (lease->keeper.store != NULL) {
        lease->ops->close(lease->keeper.store);
    }
    return NULL;
}

/* ---- The other threads' side ---- */

struct lease *lease_create(const struct config *config, const struct lease_store_ops *ops)
{
    struct lease *lease = x_calloc(1, sizeof *lease);
    pthread_condattr_t monotonic;
    lease->config = config;
    lease->ops = ops;
    lease->keeper.backoff = (struct backoff){100, 1000, 0, (uint64_t)clock_wall().us};
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
    lease_give_back(lease);
    pthread_join(lease->thread, NULL);
    pthread_cond_destroy(&lease->changed);
    pthread_mutex_destroy(&lease->mutex);
    free(lease);
    *lease_p = NULL;
}

enum lease_state lease_await(struct lease *lease, int wait_ms, struct lease_grant *grant,
                             struct error *why)
{
    const boot_time until = boot_add_ms(boot_clock(), wait_ms);
    pthread_mutex_lock(&lease->mutex);
    while (is_sought(lease->state) && !has_come(until)) {
        wait_changed(lease, until);
    }
    const enum lease_state state = lease->state;
    *grant = lease->grant;
    *why = lease->why;
    pthread_mutex_unlock(&lease->mutex);
    return state;
}

bool lease_valid(const struct lease *lease)
{
    return boot_clock().us < atomic_load(&lease->valid_until_us);
}

bool lease_hold(struct lease *lease)
{
    if (lease_valid(lease)) {
        return true;
    }
    const boot_time until = boot_add_ms(boot_clock(), LEASE_HOLD_MS);
    pthread_mutex_lock(&lease->mutex);
    while (lease->state == LEASE_HELD && !lease_valid(lease) && !has_come(until)) {
        wait_changed(lease, until);
    }
    pthread_mutex_unlock(&lease->mutex);
    return lease_valid(lease);
}

void lease_give_back(struct lease *lease)
{
    struct error why;
    error_set(&why, STATUS_DENIED, "the lease was given back");
    pthread_mutex_lock(&lease->mutex);
    lease->stop = true;
    pthread_mutex_unlock(&lease->mutex);
    set_state(lease, LEASE_LOST, &why);
}

void lease_lose(struct lease *lease, const struct error *why)
{
    set_state(lease, LEASE_LOST, why);
}
