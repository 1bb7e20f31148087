/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/net/sockets.h"
#include "common/program/log.h"
#include "common/program/program.h"
#include "gateway/gateway.h"

int main(int argc, char **argv)
{
    struct program program = {
        .name = "gateway",
        .doc = "Serves live tiles to browsers: SSE, polling with ETags, and the dashboard.",
        .has_listen = true,
    };
    program_start(&program, argc, argv);

    struct gateway *gateway = NULL;
    struct error err = {{0}};
    int status = gateway_create(&program, &gateway, &err);
    if (status == STATUS_OK) {
        status = gateway_run(gateway);
    } else {
        log_error("%s", err.text);
    }
    gateway_destroy(&gateway);
    sockets_term();
    program_finish(&program);
    return status == STATUS_OK        ? EXIT_SUCCESS
           : status == STATUS_INVALID ? PROGRAM_EXIT_USAGE
                                      : PROGRAM_EXIT_FAILED;
}
