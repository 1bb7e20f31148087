/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in PostgreSQL, where a standby on another machine finds them. */
#ifndef INGESTOR_CHECKPOINT_CHECKPOINT_POSTGRES_H
#define INGESTOR_CHECKPOINT_CHECKPOINT_POSTGRES_H

#include "ingestor/checkpoint/checkpoint.h"

extern const struct checkpoint_ops checkpoint_postgres;

#endif
