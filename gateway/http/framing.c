/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/framing.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define BLANKS_MAX 65536 /* more than a header may have */

#define BAD_REQUEST 400
#define TOO_LARGE 413
#define NOT_IMPLEMENTED 501

static const struct framing_fault bad_method = {BAD_REQUEST, "A method is a word of letters."};
static const struct framing_fault bad_target = {
    BAD_REQUEST, "A target is a path, or a whole URI with http: or https:, without spaces and "
                 "control characters."};
static const struct framing_fault bad_name = {
    BAD_REQUEST, "The name of a header is one word, with the colon right behind it."};
static const struct framing_fault bad_value = {BAD_REQUEST,
                                               "The value of a header has control characters."};
static const struct framing_fault bad_lines = {
    BAD_REQUEST, "The lines of a header end with CRLF, are not continued in the next one, and hold "
                 "no NUL; between the words of the first one is one space."};
static const struct framing_fault no_host = {BAD_REQUEST, "A request of HTTP/1.1 says Host, once."};
static const struct framing_fault two_lengths = {BAD_REQUEST, "There is more than one length."};
static const struct framing_fault no_length = {BAD_REQUEST,
                                               "A length is a number: digits, and nothing else."};
static const struct framing_fault great_length = {TOO_LARGE,
                                                  "The body is too large; GET needs none."};
static const struct framing_fault two_codings = {
    BAD_REQUEST,
    "Transfer-Encoding is said once, and ends with chunked, without a blank behind it."};
static const struct framing_fault both = {
    BAD_REQUEST, "There is Content-Length as well as Transfer-Encoding; say one of them."};
static const struct framing_fault coding_of_1_0 = {BAD_REQUEST,
                                                   "HTTP/1.0 has no Transfer-Encoding."};
static const struct framing_fault unknown_coding = {
    NOT_IMPLEMENTED, "The only Transfer-Encoding that is understood is chunked."};

static void note(struct framing *framing, const struct framing_fault *fault)
{
    framing->fault = framing->fault != NULL ? framing->fault : fault;
}

/* What a character may be in, by RFC 9110, 5.5 and 5.6.2. */
enum { TOKEN = 1, VALUE = 2, TARGET = 4 };
enum { NO = 0, SP = VALUE, VT = VALUE | TARGET, ALL = TOKEN | VALUE | TARGET };

/* clang-format off */
static const unsigned char ascii[128] = {
    NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  SP,  NO,  NO,  NO,  NO,  NO,  NO,
    NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,  NO,
/*       !    "    #    $    %    &    '    (    )    *    +    ,    -    .    /  */
    SP,  ALL, VT,  ALL, ALL, ALL, ALL, ALL, VT,  VT,  ALL, ALL, VT,  ALL, ALL, VT,
/*  0                                            9    :    ;    <    =    >    ?  */
    ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, VT,  VT,  VT,  VT,  VT,  VT,
/*  @    A                                                                     O  */
    VT,  ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL,
/*  P                                                 Z    [    \    ]    ^    _  */
    ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, VT,  VT,  VT,  ALL, ALL,
/*  `    a                                                                     o  */
    ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL,
/*  p                                                 z    {    |    }    ~       */
    ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, VT,  ALL, VT,  ALL, NO,
};
/* clang-format on */

/* In a target, bytes from 0x80 on should be escaped; they are let through, for they cannot be taken
 * for anything else. */
static bool all_are(struct str text, unsigned in)
{
    unsigned all = in;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        all &= c < sizeof ascii ? ascii[c] : (unsigned)VT;
    }
    return all == in;
}

static bool is_token(struct str text)
{
    return text.len != 0 && all_are(text, TOKEN);
}

/* RFC 9112, 3.2. Which host a whole URI names is not looked at here. */
static enum framing_form form_of(struct str target)
{
    if (target.len == 0 || !all_are(target, TARGET)) {
        return FRAMING_NONE;
    }
    if (target.p[0] == '/') {
        return FRAMING_PATH;
    }
    if (strncasecmp(target.p, "http://", 7) == 0 || strncasecmp(target.p, "https://", 8) == 0) {
        return FRAMING_URI;
    }
    return str_is(target, "*") ? FRAMING_STAR : FRAMING_OTHER;
}

struct framing_target framing_target(const char *text)
{
    const struct str target = str_of(text);
    return (struct framing_target){target, form_of(target)};
}

static bool fits(enum framing_form form, const char *method)
{
    switch (form) {
    case FRAMING_PATH:
    case FRAMING_URI:
        return true;
    case FRAMING_STAR:
        return strcmp(method, "OPTIONS") == 0;
    case FRAMING_OTHER:
        return strcmp(method, "CONNECT") == 0;
    case FRAMING_NONE:
        break;
    }
    return false;
}

static bool is_named(struct str name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.p, wanted, name.len) == 0;
}

void framing_begin(struct framing *framing, const char *method, struct framing_target target,
                   const char *version, bool trims)
{
    const size_t method_len = strlen(method);
    *framing = (struct framing){.begin = method,
                                .next = version + strlen(version) + 2,
                                .trims = trims,
                                .http_1_0 = strcmp(version, "HTTP/1.0") == 0};
    if (!is_token((struct str){method, method_len})) {
        note(framing, &bad_method);
    }
    const struct str text = target.text;
    if (text.p != method + method_len + 1 || version != text.p + text.len + 1) {
        note(framing, &bad_lines);
    }
    if (!fits(target.form, method)) {
        note(framing, &bad_target);
    }
}

const struct framing_fault *framing_length_fault(struct str value)
{
    uint64_t length = 0;
    bool fits = true;
    for (size_t i = 0; i < value.len; i++) {
        const unsigned digit = (unsigned char)value.p[i] - (unsigned)'0';
        if (digit > 9) {
            return &no_length;
        }
        fits = fits && length <= (UINT64_MAX - digit) / 10;
        length = fits ? length * 10 + digit : 0;
    }
    if (value.len == 0) {
        return &no_length;
    }
    return fits ? NULL : &great_length;
}

static void take_length(struct framing *framing, struct str value)
{
    if (framing->length) {
        note(framing, &two_lengths);
    } else if (framing_length_fault(value) != NULL) {
        note(framing, framing_length_fault(value));
    }
    framing->length = true;
}

/* Libmicrohttpd leaves blanks at its end, and reads chunks only where there are none. */
static void take_coding(struct framing *framing, struct str coding)
{
    const size_t len = strlen("chunked");
    const char *end = coding.p + coding.len;
    const bool ends = coding.len >= len && strncasecmp(end - len, "chunked", len) == 0;
    if (framing->chunked || !ends) {
        note(framing, &two_codings);
    } else if (coding.len != len) {
        const bool listed = strchr(", \t", end[-(ptrdiff_t)len - 1]) != NULL;
        note(framing, listed ? &unknown_coding : &two_codings);
    }
    framing->chunked = true;
}

/* True when the line before ends right before `line`, or with blanks that were left out: of these
 * the first one has become the NUL behind the value. */
static bool is_next(const struct framing *framing, const char *line)
{
    if (line <= framing->next || !framing->trims || line - framing->next > BLANKS_MAX) {
        return line == framing->next;
    }
    const char *p = framing->next - 1;
    for (; p < line - 2; p++) {
        if (*p != ' ' && *p != '\t') {
            return false;
        }
    }
    return p[0] == '\r' && p[1] == '\n';
}

void framing_line(struct framing *framing, struct str name, struct str value)
{
    if (!is_token(name)) {
        note(framing, &bad_name);
    }
    if (!all_are(value, VALUE)) {
        note(framing, &bad_value);
    }
    if (!is_next(framing, name.p) || value.p <= name.p + name.len) {
        note(framing, &bad_lines);
    }
    framing->next = value.p + value.len + 2;
    framing->host = framing->host || is_named(name, "Host");
    if (is_named(name, "Content-Length")) {
        take_length(framing, value);
    } else if (is_named(name, "Transfer-Encoding")) {
        take_coding(framing, value);
    }
}

const struct framing_fault *framing_end(struct framing *framing, size_t header_bytes)
{
    if (!is_next(framing, framing->begin + header_bytes - 2)) {
        note(framing, &bad_lines);
    }
    if (!framing->host && !framing->http_1_0) {
        note(framing, &no_host);
    }
    if (framing->chunked && framing->length) {
        note(framing, &both);
    }
    if (framing->chunked && framing->http_1_0) {
        note(framing, &coding_of_1_0);
    }
    return framing->fault;
}
