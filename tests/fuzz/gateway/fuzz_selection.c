/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks for, and may see: the normal form is its own normal form and selects the same;
 * narrowed to a view it selects what both match. Input: lines of patterns that are asked for, that
 * may be seen, and of names. */
#include "common/base/error.h"
#include "common/base/match/pattern.h"
#include "gateway/base/selection.h"
#include "tests/fuzz/fuzz.h"

/* A selection of the text, which may have any bytes. False when it is none. */
static bool parse(struct str text, struct selection *out)
{
    struct buf copy = {0};
    buf_append_str(&copy, text);
    const bool parsed = selection_parse(out, buf_cstr(&copy)) == STATUS_OK;
    buf_free(&copy);
    return parsed;
}

static const struct view *view_of(struct str line)
{
    struct str patterns[8];
    struct view_list list = {patterns, 0};
    const struct view *view = NULL;
    while (line.len != 0 && list.count < 8) {
        patterns[list.count++] = fuzz_take_until(&line, ',');
    }
    const struct view_list none = {patterns, 0};
    return view_create(&list, &none, NULL, &view, NULL) == STATUS_OK ? view : NULL;
}

static void check_narrowed(const struct selection *asked, const struct view *view, struct str names)
{
    struct selection narrowed;
    selection_copy(&narrowed, asked);
    const bool some = selection_narrow(&narrowed, view, VIEW_TILES);
    while (names.len != 0) {
        const struct str name = fuzz_take_line(&names);
        const bool wanted = selection_matches(asked, name) && view_shows(view, VIEW_TILES, name);
        if (wanted) {
            fuzz_took();
        }
        FUZZ_CHECK(some ? selection_matches(&narrowed, name) == wanted : !wanted);
    }
    selection_free(&narrowed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    struct selection asked;
    struct selection again;
    if (!parse(fuzz_take_line(&input), &asked)) {
        return 0;
    }
    FUZZ_CHECK(parse(str_of(asked.text), &again));
    FUZZ_CHECK(strcmp(asked.text, again.text) == 0 && asked.count == again.count);
    const struct view *view = view_of(fuzz_take_line(&input));
    if (view != NULL) {
        check_narrowed(&asked, view, input);
    }
    view_release(&view);
    while (input.len != 0) {
        const struct str name = fuzz_take_line(&input);
        FUZZ_CHECK(selection_matches(&asked, name) == selection_matches(&again, name));
    }
    selection_free(&again);
    selection_free(&asked);
    return 0;
}
