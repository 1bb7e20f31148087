/* SPDX-License-Identifier: Apache-2.0 */
#include <czmq.h>
#include <pthread.h>
#include <unistd.h>

#include "common/net/sockets.h"
#include "common/program/log.h"
#include "common/program/program.h"
#include "ingestor/ingestor.h"

#define ENDING_S 5

struct ending {
    char **argv;
    enum ingestor_end end;
    int status; /* of exit */
};

/* A new life in the same process: nothing of the old one can be left over. */
static void begin_again(char **argv)
{
    execv("/proc/self/exe", argv);
    log_error("cannot start again: %s", strerror(errno));
}

/*
 * A database that takes what is sent and answers nothing holds those who wait for it for ever. The
 * fences of lease and state make an end in the middle of that as safe as a kill.
 */
static void *end_anyway(void *arg)
{
    const struct ending *ending = arg;
    sleep(ENDING_S);
    log_warn("what was begun at the database or on disk has not ended for %d s: ending without it",
             ENDING_S);
    if (ending->end == INGESTOR_AGAIN) {
        begin_again(ending->argv);
    }
    _exit(ending->status);
}

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
        status = end == INGESTOR_REFUSED ? STATUS_NEWER : STATUS_OK;
    } else {
        log_error("%s", err.text);
    }
    struct ending ending = {argv, end, status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED};
    pthread_t watch;
    if (ingestor != NULL && pthread_create(&watch, NULL, end_anyway, &ending) == 0) {
        pthread_detach(watch);
    }
    ingestor_destroy(&ingestor);
    sockets_term();
    program_finish(&program);
    if (end == INGESTOR_AGAIN) {
        begin_again(argv);
        status = STATUS_IO;
    }
    if (!usable) {
        return PROGRAM_EXIT_USAGE;
    }
    return status == STATUS_OK ? EXIT_SUCCESS : PROGRAM_EXIT_FAILED;
}
