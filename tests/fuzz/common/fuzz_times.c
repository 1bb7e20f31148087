/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as event tables hold them: one that is read can be written, and read again; and what a
 * clock in Berlin shows then leads back to it. Input: the text. */
#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/base/time/zone.h"
#include "tests/fuzz/fuzz.h"

/* Berlin's clocks were never farther from UTC. */
#define HOURS_3 (3 * 3600 * US_PER_S)

static const struct zone *berlin(void)
{
    static const struct zone *zone;
    static struct arena *memory; /* kept until the program ends */
    if (memory == NULL) {
        memory = arena_create();
        FUZZ_CHECK(zone_load("Europe/Berlin", memory, &zone, NULL) == STATUS_OK);
    }
    return zone;
}

static void check_moment(wall_time t)
{
    char text[WALL_TEXT_SIZE];
    wall_time again;
    FUZZ_CHECK(wall_has_text(t));
    FUZZ_CHECK(wall_parse(text, strlen(wall_format(t, text)), berlin(), &again));
    FUZZ_CHECK(again.us <= t.us && t.us - again.us < US_PER_MS);
}

/* An hour that comes twice is the first one of both. */
static void check_clock(wall_time t)
{
    const int64_t shown = zone_local_us(berlin(), t.us);
    const int64_t instant = zone_instant_us(berlin(), shown);
    FUZZ_CHECK(zone_local_us(berlin(), instant) == shown);
    FUZZ_CHECK(instant <= t.us && t.us - instant <= 2 * 3600 * US_PER_S);
    FUZZ_CHECK(zone_first_us(berlin(), shown) == instant);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct str text = fuzz_text(data, len);
    wall_time utc;
    wall_time local;
    const bool has_utc = wall_parse(text.p, text.len, NULL, &utc);
    const bool has_local = wall_parse(text.p, text.len, berlin(), &local);
    if (has_utc) {
        fuzz_took();
        check_moment(utc);
        check_clock(utc);
    }
    if (has_local) {
        check_moment(local);
        check_clock(local);
    }
    if (has_utc && has_local) {
        FUZZ_CHECK(llabs(utc.us - local.us) <= HOURS_3);
    } else if (has_utc) { /* Only in Berlin it is not in the years 0 to 9999. */
        FUZZ_CHECK(!wall_has_text(wall_add_us(utc, -HOURS_3)));
    } else if (has_local) {
        FUZZ_CHECK(!wall_has_text(wall_add_us(local, HOURS_3)));
    }
    return 0;
}
