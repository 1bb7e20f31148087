#include <czmq.h>

#include "common/log.h"
#include "common/program.h"
#include "common/sockets.h"
#include "ingestor/ingestor.h"

int main(int argc, char **argv)
{
    struct program program = {
        .name = "ingestor",
        .doc = "Reads an events table, folds it into live tiles, and publishes their changes.",
    };
    program_start(&program, argc, argv);
    zsys_handler_set(NULL); /* signals come through program.signals */

    struct ingestor *ingestor = NULL;
    struct error err = {{0}};
    enum ingestor_end end = INGESTOR_STOPPED;
    int status = config_need_source(program.config, &err);
    const bool usable = status == STATUS_OK;
    if (usable) {
        status = ingestor_create(&program, &ingestor, &err);
    }
    if (status == STATUS_OK) {
        end = ingestor_run(ingestor);
    } else {
        log_error("%s", err.text);
    }
    ingestor_destroy(&ingestor);
    sockets_term();
    program_finish(&program);
    if (end == INGESTOR_AGAIN) {
        /* A new life in the same process: nothing of the old one can be left over. */
        execv("/proc/self/exe", argv);
        log_error("cannot start again: %s", strerror(errno));
        status = STATUS_IO;
    }
    if (!usable) {
        return EXIT_USAGE;
    }
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILED;
}
