/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors, versions and ids as clients send them: one that is read is written as it was read.
 * Input: the text. */
#include "common/wire/cursor.h"
#include "common/wire/event_id.h"
#include "tests/fuzz/fuzz.h"

static void check_cursor(struct str text)
{
    struct cursor cursor;
    struct cursor again;
    struct buf once = {0};
    struct buf twice = {0};
    if (cursor_parse(text, &cursor)) {
        fuzz_took();
        FUZZ_CHECK(cursor.lanes >= 1 && cursor.lanes <= LANES_MAX);
        cursor_append(&once, &cursor);
        FUZZ_CHECK(cursor_parse(buf_str(&once), &again));
        cursor_append(&twice, &again);
        fuzz_check_same(&once, &twice);
        FUZZ_CHECK(again.lanes == cursor.lanes);
        for (unsigned i = 0; i < cursor.lanes; i++) {
            FUZZ_CHECK(version_compare(cursor.at[i], again.at[i]) == 0);
        }
    }
    buf_free(&twice);
    buf_free(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct str text = fuzz_text(data, len);
    char room[VERSION_TEXT_SIZE > EVENT_ID_NUMBER_SIZE ? VERSION_TEXT_SIZE : EVENT_ID_NUMBER_SIZE];
    struct version version;
    struct version version_again;
    int64_t number;
    int64_t number_again;
    check_cursor(text);
    if (version_parse(text, &version)) {
        FUZZ_CHECK(version_parse(str_of(version_format(version, room)), &version_again));
        FUZZ_CHECK(version_compare(version, version_again) == 0);
    }
    if (event_id_parse_number(text, &number)) {
        FUZZ_CHECK(number >= 0);
        const struct str id = event_id_format(event_id_of_number(number), room);
        FUZZ_CHECK(event_id_parse_number(id, &number_again) && number == number_again);
        FUZZ_CHECK(id.len <= text.len && event_id_valid(id));
    }
    return 0;
}
