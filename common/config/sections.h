/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the file's sections. Private to common/config. */
#ifndef COMMON_CONFIG_SECTIONS_H
#define COMMON_CONFIG_SECTIONS_H

#include "common/config/file/keys.h"

/* The keys at the top of the file, of struct config, in the order in which they are read, whatever
 * their order in the file: where the state lies depends on the source, and tiles name fields that
 * the source defines. */
extern const struct config_table config_sections;

#endif
