/* SPDX-License-Identifier: Apache-2.0 */
#include <czmq.h>

#include "cache/cache.h"
#include "common/net/sockets.h"
#include "common/program/log.h"
#include "common/program/program.h"

int main(int argc, char **argv)
{
    struct program program = {
        .name = "cache",
        .doc = "Keeps live tiles and hands their deltas on, between an ingestor and gateways.",
    };
    program_start(&program, argc, argv);
    zsys_handler_set(NULL); /* signals come through program.signals */

    struct cache *cache = NULL;
    struct error err = {{0}};
    int status = cache_create(&program, &cache, &err);
    if (status == STATUS_OK) {
        status = cache_run(cache);
    } else {
        log_error("%s", err.text);
    }
    cache_destroy(&cache);
    sockets_term();
    program_finish(&program);
    return status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
}
