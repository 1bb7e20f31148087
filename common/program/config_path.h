/* SPDX-License-Identifier: Apache-2.0 */
/* Where the configuration is when the command line does not say so. */
#ifndef COMMON_PROGRAM_CONFIG_PATH_H
#define COMMON_PROGRAM_CONFIG_PATH_H

#define CONFIG_PATH_HERE "tilewire.yaml"
#define CONFIG_PATH_SYSTEM "/etc/tilewire/tilewire.yaml" /* the package's */

/* What --help says of it. */
#define CONFIG_PATH_HELP                                                                           \
    "Configuration (default: " CONFIG_PATH_HERE ", or else " CONFIG_PATH_SYSTEM ")"

/* The first of `here` and `system` that is there. `here` when none is: that is what a message
 * names. */
const char *config_path_first(const char *here, const char *system);

#endif
