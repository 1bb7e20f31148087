/* SPDX-License-Identifier: Apache-2.0 */
#include "common/jose/jwk.h"

#include <assert.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "common/jose/base64url.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* what is longer takes long to check */
#define RSA_BITS_MADE 3072
#define COORDINATE_BYTES 32 /* of a point or a secret of P-256, and of an Ed25519 key */
#define PARTS_MAX 9

/* What a key consists of, as RFC 7518 (6) and RFC 8037 (2) name it: first what is public, in the
 * order of the alphabet, which thumbprints need; then what is secret. */
struct kind {
    const char *alg;
    const char *kty;
    const char *crv; /* NULL: the kind has no curves */
    const char *parts[PARTS_MAX];
    size_t public_parts;
    size_t part_count;
    size_t part_bytes; /* of each; 0: as many as it takes */
    gnutls_sign_algorithm_t sign;
};

static const struct kind kinds[] = {
    [JOSE_EDDSA] =
        {"EdDSA", "OKP", "Ed25519", {"x", "d"}, 1, 2, COORDINATE_BYTES, GNUTLS_SIGN_EDDSA_ED25519},
    [JOSE_ES256] =
        {"ES256", "EC", "P-256", {"x", "y", "d"}, 2, 3, COORDINATE_BYTES, GNUTLS_SIGN_ECDSA_SHA256},
    [JOSE_RS256] = {"RS256",
                    "RSA",
                    NULL,
                    {"e", "n", "d", "p", "q", "qi", "dp", "dq"},
                    2,
                    8,
                    0,
                    GNUTLS_SIGN_RSA_SHA256},
};
#define KINDS (sizeof kinds / sizeof *kinds)

struct jwk {
    enum jose_alg alg;
    struct buf parts[PARTS_MAX]; /* Those of its kind; the secret ones are empty in a public key. */
    gnutls_pubkey_t public;
    gnutls_privkey_t secret; /* NULL: only the public half is known. */
};

const char *jose_alg_name(enum jose_alg alg)
{
    return kinds[alg].alg;
}

bool jose_alg_parse(struct str name, enum jose_alg *out)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (str_is(name, kinds[i].alg)) {
            *out = (enum jose_alg)i;
            return true;
        }
    }
    return false;
}

enum jose_alg jwk_alg(const struct jwk *key)
{
    return key->alg;
}

void jwk_destroy(struct jwk **key_p)
{
    struct jwk *key = *key_p;
    if (key == NULL) {
        return;
    }
    for (size_t i = 0; i < PARTS_MAX; i++) {
        if (key->parts[i].data != NULL) {
            sodium_memzero(key->parts[i].data, key->parts[i].cap);
        }
        buf_free(&key->parts[i]);
    }
    gnutls_pubkey_deinit(key->public);
    gnutls_privkey_deinit(key->secret);
    free(key);
    *key_p = NULL;
}

/* ---- From parts to GnuTLS ---- */

/* GnuTLS asks for writable bytes, and changes none. */
static gnutls_datum_t datum(struct str bytes)
{
    const union {
        const char *in;
        unsigned char *out;
    } cast = {.in = bytes.p};
    return (gnutls_datum_t){cast.out, (unsigned)bytes.len};
}

static int import_public(struct jwk *key, const gnutls_datum_t *part)
{
    switch (key->alg) {
    case JOSE_EDDSA:
        return gnutls_pubkey_import_ecc_raw(key->public, GNUTLS_ECC_CURVE_ED25519, &part[0], NULL);
    case JOSE_ES256:
        return gnutls_pubkey_import_ecc_raw(key->public, GNUTLS_ECC_CURVE_SECP256R1, &part[0],
                                            &part[1]);
    case JOSE_RS256:
        return gnutls_pubkey_import_rsa_raw(key->public, &part[1], &part[0]);
    }
    return GNUTLS_E_INVALID_REQUEST;
}

static int import_secret(struct jwk *key, const gnutls_datum_t *part)
{
    switch (key->alg) {
    case JOSE_EDDSA:
        return gnutls_privkey_import_ecc_raw(key->secret, GNUTLS_ECC_CURVE_ED25519, &part[0], NULL,
                                             &part[1]);
    case JOSE_ES256:
        return gnutls_privkey_import_ecc_raw(key->secret, GNUTLS_ECC_CURVE_SECP256R1, &part[0],
                                             &part[1], &part[2]);
    case JOSE_RS256:
        return gnutls_privkey_import_rsa_raw(key->secret, &part[1], &part[0], &part[2], &part[3],
                                             &part[4], &part[5], &part[6], &part[7]);
    }
    return GNUTLS_E_INVALID_REQUEST;
}

/* Makes GnuTLS' keys of the parts. */
static int import(struct jwk *key, struct error *err)
{
    gnutls_datum_t parts[PARTS_MAX];
    unsigned bits = 0;
    for (size_t i = 0; i < PARTS_MAX; i++) {
        parts[i] = datum(buf_str(&key->parts[i]));
    }
    int result = gnutls_pubkey_init(&key->public);
    if (result == 0) {
        result = import_public(key, parts);
    }
    if (result == 0 && key->parts[kinds[key->alg].public_parts].len != 0) {
        result = gnutls_privkey_init(&key->secret);
        if (result == 0) {
            result = import_secret(key, parts);
        }
    }
    if (result != 0) {
        return error_set(err, STATUS_INVALID, "its numbers make no key: %s",
                         gnutls_strerror(result));
    }
    (void)gnutls_pubkey_get_pk_algorithm(key->public, &bits);
    if (key->alg == JOSE_RS256 && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)) {
        return error_set(err, STATUS_INVALID, "an RSA key has %d to %d bits here, not %u",
                         RSA_BITS_MIN, RSA_BITS_MAX, bits);
    }
    return STATUS_OK;
}

/* ---- From JSON to parts ---- */

static bool text_is(const struct json_value *jwk, const char *name, const char *expected)
{
    struct str text;
    return json_as_str(json_member(jwk, str_of(name)), &text) && str_is(text, expected);
}

struct search {
    const char *word;
    bool found;
};

static bool find_word(void *arg, const struct json_value *item)
{
    struct search *search = arg;
    struct str text;
    search->found = json_as_str(item, &text) && str_is(text, search->word);
    return !search->found;
}

/* False when the key says of itself that it is for something else. */
static bool is_for(const struct json_value *jwk, const struct kind *kind, const char *operation)
{
    const struct json_value *operations = json_member(jwk, STR("key_ops"));
    struct search search = {.word = operation};
    json_each_item(operations, find_word, &search);
    return (json_member(jwk, STR("use")) == NULL || text_is(jwk, "use", "sig")) &&
           (json_member(jwk, STR("alg")) == NULL || text_is(jwk, "alg", kind->alg)) &&
           (operations == NULL || search.found);
}

static const struct kind *kind_of(const struct json_value *jwk)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (text_is(jwk, "kty", kinds[i].kty) &&
            (kinds[i].crv == NULL || text_is(jwk, "crv", kinds[i].crv))) {
            return &kinds[i];
        }
    }
    return NULL;
}

static int read_parts(const struct json_value *jwk, const struct kind *kind, size_t count,
                      struct jwk *key, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct str text;
        if (!json_as_str(json_member(jwk, str_of(kind->parts[i])), &text) ||
            !base64url_read(&key->parts[i], text) || key->parts[i].len == 0 ||
            (kind->part_bytes != 0 && key->parts[i].len != kind->part_bytes)) {
            return error_set(err, STATUS_INVALID, "`%s` of the %s key is not what it has to be",
                             kind->parts[i], kind->kty);
        }
    }
    return STATUS_OK;
}

static int read_key(const struct json_value *jwk, bool secret, struct jwk **out, struct error *err)
{
    *out = NULL;
    const struct kind *kind = kind_of(jwk);
    if (kind == NULL || !is_for(jwk, kind, secret ? "sign" : "verify")) {
        return error_set(err, STATUS_NOT_FOUND,
                         "it is no key for signatures with EdDSA, ES256 or RS256");
    }
    if (!secret && json_member(jwk, STR("d")) != NULL) {
        return error_set(err, STATUS_INVALID,
                         "it holds the private key (`d`), which nobody but the issuer may have");
    }
    struct jwk *key = x_calloc(1, sizeof *key);
    key->alg = (enum jose_alg)(kind - kinds);
    int status = read_parts(jwk, kind, secret ? kind->part_count : kind->public_parts, key, err);
    if (status == STATUS_OK) {
        status = import(key, err);
    }
    if (status != STATUS_OK) {
        jwk_destroy(&key);
    }
    *out = key;
    return status;
}

int jwk_read_public(const struct json_value *jwk, struct jwk **out, struct error *err)
{
    return read_key(jwk, false, out, err);
}

int jwk_read_private(const struct json_value *jwk, struct jwk **out, struct error *err)
{
    return read_key(jwk, true, out, err);
}

/* ---- New keys ---- */

static int export_parts(const struct jwk *key, gnutls_datum_t part[PARTS_MAX])
{
    gnutls_ecc_curve_t curve;
    switch (key->alg) {
    case JOSE_EDDSA:
        return gnutls_privkey_export_ecc_raw2(key->secret, &curve, &part[0], NULL, &part[1], 0);
    case JOSE_ES256:
        return gnutls_privkey_export_ecc_raw2(key->secret, &curve, &part[0], &part[1], &part[2],
                                              GNUTLS_EXPORT_FLAG_NO_LZ);
    case JOSE_RS256:
        return gnutls_privkey_export_rsa_raw2(key->secret, &part[1], &part[0], &part[2], &part[3],
                                              &part[4], &part[5], &part[6], &part[7],
                                              GNUTLS_EXPORT_FLAG_NO_LZ);
    }
    return GNUTLS_E_INVALID_REQUEST;
}

/* Appends a number of at most `bytes` bytes, with zeros in front; 0: as it is. */
static void append_padded(struct buf *out, const gnutls_datum_t *number, size_t bytes)
{
    struct str text = {(const char *)number->data, number->size};
    while (bytes != 0 && text.len > bytes && text.p[0] == '\0') {
        text = (struct str){text.p + 1, text.len - 1};
    }
    for (size_t i = text.len; i < bytes; i++) {
        buf_append_char(out, '\0');
    }
    buf_append_str(out, text);
}

static int generate(struct jwk *key)
{
    static const struct {
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
    } how[] = {
        [JOSE_EDDSA] = {GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519)},
        [JOSE_ES256] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
        [JOSE_RS256] = {GNUTLS_PK_RSA, RSA_BITS_MADE},
    };
    gnutls_datum_t parts[PARTS_MAX] = {{NULL, 0}};
    int result = gnutls_privkey_init(&key->secret);
    if (result == 0) {
        result =
            gnutls_privkey_generate(key->secret, how[key->alg].algorithm, how[key->alg].bits, 0);
    }
    if (result == 0) {
        result = export_parts(key, parts);
    }
    for (size_t i = 0; i < PARTS_MAX; i++) {
        if (result == 0) {
            append_padded(&key->parts[i], &parts[i],
                          i < kinds[key->alg].part_count ? kinds[key->alg].part_bytes : 0);
        }
        if (parts[i].data != NULL) {
            sodium_memzero(parts[i].data, parts[i].size);
        }
        gnutls_free(parts[i].data);
    }
    gnutls_privkey_deinit(key->secret);
    key->secret = NULL;
    return result;
}

int jwk_generate(enum jose_alg alg, struct jwk **out, struct error *err)
{
    struct jwk *key = x_calloc(1, sizeof *key);
    key->alg = alg;
    *out = key;
    const int result = generate(key);
    const int status = result == 0 ? import(key, err)
                                   : error_set(err, STATUS_IO, "no key could be made: %s",
                                               gnutls_strerror(result));
    if (status != STATUS_OK) {
        jwk_destroy(out);
    }
    return status;
}

/* ---- Signatures ---- */

/* JOSE writes the two numbers of an ECDSA signature side by side (RFC 7518, 3.4), GnuTLS as DER. */
static bool ecdsa_to_der(struct str signature, gnutls_datum_t *out)
{
    if (signature.len != (size_t)2 * COORDINATE_BYTES) {
        return false;
    }
    const gnutls_datum_t r = datum((struct str){signature.p, COORDINATE_BYTES});
    const gnutls_datum_t s = datum((struct str){signature.p + COORDINATE_BYTES, COORDINATE_BYTES});
    return gnutls_encode_rs_value(out, &r, &s) == 0;
}

static bool ecdsa_from_der(const gnutls_datum_t *signature, struct buf *out)
{
    gnutls_datum_t r = {NULL, 0};
    gnutls_datum_t s = {NULL, 0};
    const bool read = gnutls_decode_rs_value(signature, &r, &s) == 0;
    if (read) {
        append_padded(out, &r, COORDINATE_BYTES);
        append_padded(out, &s, COORDINATE_BYTES);
    }
    gnutls_free(r.data);
    gnutls_free(s.data);
    return read;
}

bool jwk_verify(const struct jwk *key, struct str text, struct str signature)
{
    const gnutls_datum_t signed_text = datum(text);
    gnutls_datum_t made = {NULL, 0};
    gnutls_datum_t given = datum(signature);
    if (key->alg == JOSE_ES256) {
        if (!ecdsa_to_der(signature, &made)) {
            return false;
        }
        given = made;
    }
    const int result =
        gnutls_pubkey_verify_data2(key->public, kinds[key->alg].sign, 0, &signed_text, &given);
    gnutls_free(made.data);
    return result >= 0;
}

int jwk_sign(const struct jwk *key, struct str text, struct buf *out, struct error *err)
{
    assert(key->secret != NULL);
    const gnutls_datum_t signed_text = datum(text);
    gnutls_datum_t signature = {NULL, 0};
    const int result =
        gnutls_privkey_sign_data2(key->secret, kinds[key->alg].sign, 0, &signed_text, &signature);
    bool made = result == 0;
    if (made && key->alg == JOSE_ES256) {
        made = ecdsa_from_der(&signature, out);
    } else if (made) {
        buf_append(out, signature.data, signature.size);
    }
    gnutls_free(signature.data);
    return made ? STATUS_OK
                : error_set(err, STATUS_IO, "the key does not sign: %s", gnutls_strerror(result));
}

/* ---- From parts to JSON ---- */

static void write_part(const struct jwk *key, size_t part, struct buf *out)
{
    buf_printf(out, "\"%s\":\"", kinds[key->alg].parts[part]);
    base64url_append(out, buf_str(&key->parts[part]));
    buf_append_char(out, '"');
}

void jwk_write_thumbprint(const struct jwk *key, struct buf *out)
{
    const struct kind *kind = &kinds[key->alg];
    struct buf text = {0};
    unsigned char digest[crypto_hash_sha256_BYTES];
    /* The members are in the order of the alphabet: crv, e, kty, n, x, y. */
    buf_append_char(&text, '{');
    if (kind->crv != NULL) {
        buf_printf(&text, "\"crv\":\"%s\",\"kty\":\"%s\",", kind->crv, kind->kty);
        write_part(key, 0, &text);
    } else {
        write_part(key, 0, &text);
        buf_printf(&text, ",\"kty\":\"%s\"", kind->kty);
    }
    if (kind->public_parts == 2) {
        buf_append_char(&text, ',');
        write_part(key, 1, &text);
    }
    buf_append_char(&text, '}');
    crypto_hash_sha256(digest, (const unsigned char *)text.data, text.len);
    base64url_append(out, (struct str){(const char *)digest, sizeof digest});
    buf_free(&text);
}

void jwk_write(const struct jwk *key, bool with_secret, struct buf *out)
{
    const struct kind *kind = &kinds[key->alg];
    assert(!with_secret || key->secret != NULL);
    buf_printf(out, "{\"kty\":\"%s\",", kind->kty);
    if (kind->crv != NULL) {
        buf_printf(out, "\"crv\":\"%s\",", kind->crv);
    }
    buf_append_text(out, "\"kid\":\"");
    jwk_write_thumbprint(key, out);
    buf_printf(out, "\",\"alg\":\"%s\",\"use\":\"sig\"", kind->alg);
    for (size_t i = 0; i < (with_secret ? kind->part_count : kind->public_parts); i++) {
        buf_append_char(out, ',');
        write_part(key, i, out);
    }
    buf_append_char(out, '}');
}
