/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/config_path.h"

#include <unistd.h>

const char *config_path_first(const char *here, const char *system)
{
    return access(here, F_OK) != 0 && access(system, F_OK) == 0 ? system : here;
}
