/* SPDX-License-Identifier: Apache-2.0 */
/* The state in files, for ingestors on one machine. */
#ifndef COMMON_STATE_STATE_FILE_H
#define COMMON_STATE_STATE_FILE_H

#include "common/state/state_store.h"

extern const struct state_store_ops state_file;

#endif
