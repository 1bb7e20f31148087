/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about who the clients of a gateway are: `gateway.auth`, and the
 * sections `gateway.jwt` and `gateway.proxy`. A part of config.h, which says who owns what. */
#ifndef COMMON_CONFIG_AUTH_H
#define COMMON_CONFIG_AUTH_H

#include <stddef.h>
#include <stdint.h>

#define CONFIG_ISSUERS_MAX 16 /* issuers of tokens */

enum config_auth_kind {
    CONFIG_AUTH_NONE,  /* nobody is asked who they are */
    CONFIG_AUTH_PROXY, /* a proxy says who they are, in headers */
    CONFIG_AUTH_JWT,   /* they bring a signed token */
};

/* What of the answers to clients is logged. */
enum config_audit {
    CONFIG_AUDIT_AUTO,    /* all where clients say who they are, else nothing */
    CONFIG_AUDIT_NONE,    /* nothing */
    CONFIG_AUDIT_REFUSED, /* refusals */
    CONFIG_AUDIT_ALL,     /* refusals, and what was given */
};

/* Whose tokens are accepted. No member is NULL. */
struct config_issuer {
    const char *issuer;       /* what `iss` has to be */
    const char *audience;     /* what `aud` has to name */
    const char *jwks;         /* the file of its public keys */
    const char *groups_claim; /* the claim that lists its user's groups */
};

struct config_gateway_jwt {
    struct config_issuer *issuers; /* those whose tokens count */
    size_t issuer_count; /* 0 to CONFIG_ISSUERS_MAX; at least 1 when tokens are asked for */
    int64_t leeway_ms;   /* by so much clocks may differ: 0 to 5 min */
};

/* The names of headers are never NULL. */
struct config_gateway_proxy {
    const char *user_header;   /* says who it is */
    const char *groups_header; /* lists the groups, joined by commas */
    const char *secret_header; /* proves that the proxy said so */
    const char *secret_file;   /* the secret's file; never NULL when the proxy is asked */
};

#endif
