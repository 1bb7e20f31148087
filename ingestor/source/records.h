/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources that journal what each batch delivered, as records that are numbered one by one, and save
 * their place as a whole state with the records since behind it (batch.state_appends).
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_RECORDS_H
#define INGESTOR_SOURCE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"

/* The number of a record; 0 when the value is none. */
typedef uint64_t records_number_fn(const mp_value *value);

/* Appends the records of a journal that go on behind *number one by one, and raises it; those up to
 * it are skipped. False when some are missing or damaged: *number is then that of the last one that
 * was whole. */
bool records_behind(struct str journal, records_number_fn *number_of, uint64_t *number,
                    struct buf *out);

/* True while records of that size may be added to a whole state of that size: beyond, the next
 * batch brings a whole one, so that a batch costs what it has. record_bytes: SIZE_MAX: never. */
bool records_append(size_t whole_bytes, size_t record_bytes);

#endif
