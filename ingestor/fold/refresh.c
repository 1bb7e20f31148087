/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/refresh.h"

#define BEAT_MAX_US (100 * US_PER_MS)
#define BEATS_IN_THIRD 10 /* at least, where the TTL is short */

static int64_t third_us(const struct family *family)
{
    return family->config->ttl_ms * US_PER_MS / 3;
}

static int64_t beat_us(const struct family *family)
{
    const int64_t beat = third_us(family) / BEATS_IN_THIRD;
    return beat < BEAT_MAX_US ? beat : BEAT_MAX_US;
}

/* A step may come a beat after the turn of its first member. */
static int64_t round_us(const struct family *family)
{
    return third_us(family) - beat_us(family);
}

static struct member *next_member(const struct family *family)
{
    const struct member *last = family->round.last;
    return last != NULL ? last->by_group.next : family->members;
}

/* When it is the turn of the next member; when there is none, the end of the round. More may come
 * than there were when the round began: they are done at its end. */
static mono_time next_turn(const struct family *family)
{
    const struct refresh_round *round = &family->round;
    const size_t count = HASH_CNT(by_group, family->members);
    if (count == 0) {
        return MONO_NEVER;
    }
    const bool within = next_member(family) != NULL && round->done < count;
    const double share = within ? (double)(round->done + 1) / (double)count : 1;
    return mono_add_us(round->begun, (int64_t)((double)round_us(family) * share));
}

/* Families whose beats are equal are done in the same steps. */
static mono_time next_step(const struct family *family)
{
    const mono_time turn = next_turn(family);
    const int64_t beat = beat_us(family);
    return turn.us != MONO_NEVER.us ? (mono_time){(turn.us + beat - 1) / beat * beat} : turn;
}

static void plan_for(struct fold *fold, const struct family *family)
{
    const mono_time step = next_step(family);
    fold->refresh_at = step.us < fold->refresh_at.us ? step : fold->refresh_at;
}

void refresh_plan(struct fold *fold)
{
    fold->refresh_at = MONO_NEVER;
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        plan_for(fold, &fold->families[i]);
    }
}

void refresh_begin(struct fold *fold, struct family *family, mono_time now)
{
    family->round = (struct refresh_round){.begun = now};
    plan_for(fold, family);
}

void refresh_join(struct fold *fold, struct family *family, mono_time now)
{
    if (HASH_CNT(by_group, family->members) == 1) {
        refresh_begin(fold, family, now);
    } else {
        plan_for(fold, family); /* the more there are, the sooner it is somebody's turn */
    }
}

void refresh_leave(struct family *family, const struct member *member)
{
    if (family->round.last == member) {
        family->round.last = member->by_group.prev;
    }
}

static void begin_next(struct family *family, mono_time now)
{
    struct refresh_round *round = &family->round;
    const int64_t length = round_us(family);
    const bool late = now.us - round->begun.us >= 2 * length; /* nobody asked for a while */
    *round = (struct refresh_round){.begun = late ? now : mono_add_us(round->begun, length)};
}

static void step(struct family *family, mono_time now,
                 void (*hand_out)(void *arg, struct member *member), void *arg)
{
    struct refresh_round *round = &family->round;
    while (next_turn(family).us <= now.us) {
        struct member *member = next_member(family);
        if (member == NULL) {
            begin_next(family, now);
            continue;
        }
        round->last = member;
        round->done++;
        if (member->ever_published && !member->dirty && !member->whole) {
            hand_out(arg, member);
        }
    }
}

void refresh_step(struct fold *fold, mono_time now,
                  void (*hand_out)(void *arg, struct member *member), void *arg)
{
    if (now.us < fold->refresh_at.us) {
        return;
    }
    for (size_t i = 0; i < fold->config->tile_count; i++) {
        step(&fold->families[i], now, hand_out, arg);
    }
    refresh_plan(fold);
}
