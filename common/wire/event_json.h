/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A raw event as JSON, the same wherever JSON leaves a program: over HTTP, from the command line.
 * An id is a number only as long as a double holds it exactly, because that is what JavaScript and
 * many other readers make of a number; beyond 2^53 - 1 it is a string of its digits.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_EVENT_JSON_H
#define COMMON_WIRE_EVENT_JSON_H

#include "common/base/buf.h"
#include "common/codec/mp.h"

/* The greatest id that is written as a number. */
#define EVENT_JSON_NUMBER_MAX ((INT64_C(1) << 53) - 1)

/* Appends the id of an event, an integer as the wire has it. NULL gives null. */
void event_json_write_id(struct buf *out, const mp_value *id);

/* Appends the fields of an event, a map, in their order. */
void event_json_write(struct buf *out, const mp_value *fields);

#endif
