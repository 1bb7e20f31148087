/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_turn.h"

#include <time.h>

#define STEP_US 100 /* between two looks */
#define STEPS_MAX 2500

static bool is_reserved(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    int reserved = 0;
    if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file == NULL || file->pMethods == NULL ||
        file->pMethods->xCheckReservedLock(file, &reserved) != SQLITE_OK) {
        return false;
    }
    return reserved != 0;
}

void sqlite_turn_await(struct sqlite_turn *turn, sqlite3 *db)
{
    const struct timespec step = {0, STEP_US * 1000L};
    int steps = 0;
    while (is_reserved(db)) {
        if (turn->gave_up || ++steps > STEPS_MAX) {
            turn->gave_up = true;
            return;
        }
        nanosleep(&step, NULL);
    }
    turn->gave_up = false;
}

bool sqlite_turn_is_over(const struct sqlite_turn *turn, sqlite3 *db)
{
    return !turn->gave_up && is_reserved(db);
}
