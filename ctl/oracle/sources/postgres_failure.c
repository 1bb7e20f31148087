/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources/postgres_failure.h"

#include <string.h>

bool postgres_fails_at_a_row(const PGresult *result)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (code == NULL || strlen(code) != 5) {
        return false;
    }
    const char class[] = {code[0], code[1], '\0'};
    return strstr("21 22 38 39 54 P0", class) != NULL || strcmp(code, "XX001") == 0;
}
