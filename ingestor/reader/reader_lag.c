/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/reader/reader_lag.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/xalloc.h"

#define MEASURE_MS 500 /* how often it is looked at most */

struct reader_lag {
    mono_time measure_at;  /* the reader's thread's */
    pthread_mutex_t mutex; /* of all that follows */
    struct lag lag;
    mono_time at;
};

struct reader_lag *reader_lag_create(void)
{
    struct reader_lag *lag = x_calloc(1, sizeof *lag);
    pthread_mutex_init(&lag->mutex, NULL);
    return lag;
}

void reader_lag_destroy(struct reader_lag **lag_p)
{
    if (*lag_p != NULL) {
        pthread_mutex_destroy(&(*lag_p)->mutex);
        free(*lag_p);
        *lag_p = NULL;
    }
}

void reader_lag_measure(struct reader_lag *lag, struct source *source)
{
    const mono_time now = clock_mono();
    struct lag found = {0};
    if (source == NULL || source->ops->lag == NULL || now.us < lag->measure_at.us) {
        return;
    }
    lag->measure_at = mono_add_ms(now, MEASURE_MS);
    source->ops->lag(source, &found);
    if (found.known) {
        pthread_mutex_lock(&lag->mutex);
        lag->lag = found;
        lag->at = now;
        pthread_mutex_unlock(&lag->mutex);
    }
}

void reader_lag_get(struct reader_lag *lag, struct lag *out, mono_time *at)
{
    pthread_mutex_lock(&lag->mutex);
    *out = lag->lag;
    *at = lag->at;
    pthread_mutex_unlock(&lag->mutex);
}
