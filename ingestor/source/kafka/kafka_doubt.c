/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/kafka/kafka_doubt.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

static void doubt_all(struct kafka_source *s)
{
    for (size_t i = 0; i < s->feed_count; i++) {
        s->feeds[i].doubtful = s->feeds[i].consumed;
        s->in_doubt |= s->feeds[i].doubtful;
    }
}

/* The partitions that are in doubt and of which a message waits: their leaders answer. Nothing was
 * read of one without an anchor. Returns how many there are. */
static size_t list_doubtful(struct kafka_source *s, struct kafka_known *list)
{
    size_t count = 0;
    for (size_t i = s->waiting_at; i < s->waiting_count; i++) {
        size_t index;
        struct kafka_feed *feed = kafka_feed_of(s, s->waiting[i], &index);
        if (feed != NULL && feed->doubtful && s->waiting[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            const struct kafka_partition *p = &s->state.partitions[index];
            feed->doubtful = false;
            list[count] = (struct kafka_known){p->topic, p->number, p->last, KAFKA_SAME_UNKNOWN};
            count += p->last.offset >= 0;
        }
    }
    return count;
}

void kafka_doubt_free(struct kafka_source *s)
{
    if (s->looker != NULL) {
        kafka_client_close(s->looker);
        free(s->looker);
        s->looker = NULL;
    }
}

/* The queue of our own client has the messages that come, so another one looks. It stays while
 * there is doubt: of hundreds of partitions that seldom have a message each is looked at on its
 * own. */
static int open_looker(struct kafka_source *s, struct error *err)
{
    if (s->looker != NULL) {
        return STATUS_OK;
    }
    s->looker = x_calloc(1, sizeof *s->looker);
    const int status = kafka_client_open(s->looker, s->config, KAFKA_AHEAD_LOOK_KIB, err);
    if (status != STATUS_OK) {
        free(s->looker);
        s->looker = NULL;
    }
    return status;
}

/* Nothing to look at needs no client. */
int kafka_doubt_look(struct kafka_source *s, struct kafka_known *list, size_t count,
                     struct error *err)
{
    size_t anchors = 0;
    for (size_t i = 0; i < count; i++) {
        list[i].same = KAFKA_SAME_UNKNOWN;
        anchors += list[i].anchor.offset >= 0;
    }
    int status = anchors != 0 ? open_looker(s, err) : STATUS_OK;
    if (anchors != 0 && status == STATUS_OK) {
        status = kafka_known_look(s->looker, list, count, err);
    }
    if (!s->in_doubt) {
        kafka_doubt_free(s);
    }
    return status;
}

static int look(struct kafka_source *s, struct kafka_known *list, size_t count, struct error *err)
{
    int status = kafka_doubt_look(s, list, count, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (list[i].same == KAFKA_SAME_NO) {
            status =
                error_set(err, STATUS_IO,
                          "Kafka at %s: %s-%d has another message at offset %lld than the one "
                          "that was read there: it was made anew, or its leader lacks messages",
                          s->config->source.kafka.brokers, list[i].topic, list[i].number,
                          (long long)list[i].anchor.offset);
        }
    }
    return status;
}

int kafka_doubt_settle(struct kafka_source *s, struct error *err)
{
    if (kafka_client_leader_was_asked(&s->client)) {
        doubt_all(s);
    }
    if (!s->in_doubt) {
        return STATUS_OK;
    }
    struct kafka_known *list = x_calloc(s->feed_count + 1, sizeof *list);
    const size_t count = list_doubtful(s, list);
    const int status = count != 0 ? look(s, list, count, err) : STATUS_OK;
    free(list);
    s->in_doubt = false;
    for (size_t i = 0; i < s->feed_count; i++) {
        s->in_doubt |= s->feeds[i].doubtful;
    }
    if (!s->in_doubt || status != STATUS_OK) {
        kafka_doubt_free(s);
    }
    return status;
}
