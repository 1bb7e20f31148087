/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway: a replica in memory, an HTTP front, and the stream engine, in one single-threaded
 * loop.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "common/base/error.h"
#include "common/program/program.h"

struct gateway;

/* Binds and connects. program: borrowed. *out is NULL unless STATUS_OK. STATUS_INVALID: the
 * configuration or --listen is wrong; STATUS_FULL: too few files may be open; STATUS_IO: an address
 * cannot be had. */
int gateway_create(struct program *program, struct gateway **out, struct error *err);
void gateway_destroy(struct gateway **gateway);

/* Runs until SIGTERM or SIGINT, and drains. */
int gateway_run(struct gateway *gateway);

#endif
