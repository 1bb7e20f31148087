/* SPDX-License-Identifier: Apache-2.0 */
/* What can be told only when all sections are read. Private to common/config. */
#ifndef COMMON_CONFIG_FINISH_H
#define COMMON_CONFIG_FINISH_H

#include "common/config/file/reader.h"

/* Computes the defaults that follow from several sections, and checks the rules that span them.
 * root is the whole file, for the places in messages. */
int config_finish(struct config_reader *r, const struct yaml_node *root);

#endif
