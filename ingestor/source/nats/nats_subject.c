/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/nats/nats_subject.h"

#include <string.h>

bool nats_subject_covers(const char *pattern, const char *subject)
{
    for (;;) {
        const size_t wanted = strcspn(pattern, ".");
        const size_t token = strcspn(subject, ".");
        if (wanted == 1 && *pattern == '>') {
            return token != 0;
        }
        if (!(wanted == 1 && *pattern == '*' && token != 0) &&
            (wanted != token || memcmp(pattern, subject, token) != 0)) {
            return false;
        }
        pattern += wanted;
        subject += token;
        if (*pattern == '\0' || *subject == '\0') {
            return *pattern == *subject;
        }
        pattern++;
        subject++;
    }
}
