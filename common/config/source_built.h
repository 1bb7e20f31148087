/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kinds of source this tilewire was built with: all databases, and the buses whose library
 * was there (cmake/Dependencies.cmake). What is made of SOURCE_BUILT_LIST has an entry for each of
 * these alone; every kind is known to the configuration, which says what is missing
 * (config_need_source).
 */
#ifndef COMMON_CONFIG_SOURCE_BUILT_H
#define COMMON_CONFIG_SOURCE_BUILT_H

#include "common/config/config.h"

#if TILEWIRE_HAVE_KAFKA
#define SOURCE_BUILT_KAFKA(EACH) EACH(SOURCE_KAFKA, kafka)
#else
#define SOURCE_BUILT_KAFKA(EACH)
#endif

#if TILEWIRE_HAVE_REDIS
#define SOURCE_BUILT_REDIS(EACH) EACH(SOURCE_REDIS, redis)
#else
#define SOURCE_BUILT_REDIS(EACH)
#endif

#if TILEWIRE_HAVE_NATS
#define SOURCE_BUILT_NATS(EACH) EACH(SOURCE_NATS, nats)
#else
#define SOURCE_BUILT_NATS(EACH)
#endif

#define SOURCE_BUILT_LIST(EACH)                                                                    \
    EACH(SOURCE_SQLITE, sqlite)                                                                    \
    EACH(SOURCE_POSTGRESQL, postgres)                                                              \
    SOURCE_BUILT_KAFKA(EACH)                                                                       \
    SOURCE_BUILT_REDIS(EACH)                                                                       \
    SOURCE_BUILT_NATS(EACH)                                                                        \
    EACH(SOURCE_PUSH, push)

#endif
