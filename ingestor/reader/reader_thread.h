/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's thread, and the commands that the main thread gives it through the pipe. */
#ifndef INGESTOR_READER_READER_THREAD_H
#define INGESTOR_READER_READER_THREAD_H

#include <czmq.h>

#include "common/state/changes.h"

enum reader_command_kind {
    READER_COMMAND_BEGIN,
    READER_COMMAND_CREDIT,
    READER_COMMAND_SAVE,
    READER_COMMAND_WAKE,
    READER_COMMAND_STOP,
};

struct reader_command {
    enum reader_command_kind kind; /* what the thread has to do */
    char *bytes;                   /* _BEGIN: the source's state; the receiver's to free */
    size_t len;                    /* of bytes */
    struct state_changes *changes; /* _SAVE: the sender's, who leaves it alone until the
                                      answer */
    uint64_t number; /* _BEGIN: the epoch; _SAVE: of the last journal record in the state */
};

/* For zactor_new; arg: struct reader_parts, which is read before it returns. The thread sends
 * struct reader_message, READER_STOPPED as the last one. */
void reader_thread_main(zsock_t *pipe, void *arg);

#endif
