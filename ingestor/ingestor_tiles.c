/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/ingestor_tiles.h"

#include "ingestor/ingestor_state.h"

const struct config *ingestor_tiles(const struct ingestor *ingestor)
{
    const size_t count = ingestor->reloaded.count;
    return count != 0 ? ingestor->reloaded.list[count - 1] : ingestor->config;
}
