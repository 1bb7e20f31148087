/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/visible.h"

#include <string.h>

#include "common/base/error.h"
#include "gateway/api/api.h"
#include "gateway/http/reply.h"

#define TEXT_BYTES_A_STEP                                                                          \
    2 /* Bytes of a list of patterns that are read and compiled in a step.                         \
       */

/* How each kind is selected, and what the client is told when that goes wrong. */
static const struct {
    const char *parameter;
    const char *malformed;
    const char *hidden;
} selections[] = {
    [VIEW_TILES] = {"keys",
                    "`keys` is a list of tile keys joined by commas, in which `*` stands for any "
                    "characters; at most 256 of them.",
                    "You may see none of the tiles that these keys select; ask for others."},
    [VIEW_EVENTS] = {"types",
                     "`types` is a list of event types joined by commas, in which `*` stands for "
                     "any characters; at most 256 of them.",
                     "You may see no events of these types; ask for others."},
};

bool visible_begin(struct request *request, enum MHD_Result *result)
{
    (void)result; /* nobody is refused yet */
    request_set_view(request,
                     request->identity != NULL ? request->identity->view : view_everything());
    return true;
}

bool visible_selection(struct request *request, enum view_kind kind, struct selection *out,
                       enum MHD_Result *result)
{
    const char *text = request_parameter(request, selections[kind].parameter);
    if (text != NULL) {
        request->steps += strlen(text) / TEXT_BYTES_A_STEP;
    }
    if (selection_parse(out, text) != STATUS_OK) {
        *result = reply_problem(request, MHD_HTTP_BAD_REQUEST, selections[kind].malformed, 0);
        return false;
    }
    if (!selection_narrow(out, request->view, kind)) {
        selection_free(out);
        *result = reply_problem(request, MHD_HTTP_FORBIDDEN, selections[kind].hidden, 0);
        return false;
    }
    return true;
}

const struct tile *visible_tile(const struct request *request, struct str key)
{
    return view_shows(request->view, VIEW_TILES, key) ? store_get(api_of(request)->store, key)
                                                      : NULL;
}

struct lens visible_lens(const struct request *request, const struct tile *tile)
{
    return lens_of(request->view, VIEW_TILES, (struct str){tile->key, tile->key_len});
}

const struct tile_config *visible_definition(const struct request *request, struct str key)
{
    return view_shows(request->view, VIEW_TILES, key) ? config_tile(api_of(request)->config, key)
                                                      : NULL;
}
