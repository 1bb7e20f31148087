/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in a file, with a journal beside it, for ingestors on one machine. */
#ifndef INGESTOR_CHECKPOINT_CHECKPOINT_FILE_H
#define INGESTOR_CHECKPOINT_CHECKPOINT_FILE_H

#include "ingestor/checkpoint/checkpoint.h"

extern const struct checkpoint_ops checkpoint_file;

#endif
