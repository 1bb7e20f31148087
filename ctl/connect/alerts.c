/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/alerts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#define ABOUT "alerts"
#define SECRET_SIZE 4097 /* with its NUL, as the ingestor has it */
#define CONNECT_MS 5000L

/* Reads a secret, which is wiped unless `out` is to have it. */
static bool try_secret(const char *path, char out[SECRET_SIZE], struct findings *findings)
{
    struct error err = {{0}};
    if (config_read_secret(path, out, SECRET_SIZE, &err) != STATUS_OK) {
        finding_add(findings, FINDING_ERROR, ABOUT, "%s", err.text);
        return false;
    }
    return true;
}

static void try_command(const char *path, struct findings *out)
{
    struct stat info;
    if (stat(path, &info) != 0 || access(path, X_OK) != 0) {
        finding_add(out, FINDING_ERROR, ABOUT, "%.200s cannot be run: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        finding_add(out, FINDING_ERROR, ABOUT, "%.200s is no program", path);
    } else {
        finding_add(out, FINDING_OK, ABOUT, "%.200s can be run", path);
    }
}

/* Connects, and says no more. What is said of the address names it only if it is no secret. */
static void try_address(const struct config_alert *alert, const char *url, const char *called,
                        struct findings *out)
{
    char fault[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    bool ok = curl != NULL && curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fault) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, CONNECT_MS) == CURLE_OK;
    ok = ok && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,smtp") == CURLE_OK;
    ok = ok && (alert->ca_file == NULL ||
                curl_easy_setopt(curl, CURLOPT_CAINFO, alert->ca_file) == CURLE_OK);
    const CURLcode result = ok ? curl_easy_perform(curl) : CURLE_FAILED_INIT;
    if (result == CURLE_OK) {
        finding_add(out, FINDING_OK, ABOUT, "%.200s is reached", called);
    } else {
        finding_add(out, FINDING_ERROR, ABOUT, "%.200s is not reached: %s", called,
                    fault[0] != '\0' ? fault : curl_easy_strerror(result));
    }
    curl_easy_cleanup(curl);
}

static void try_webhook(const struct config_alert *alert, struct findings *out)
{
    char secret[SECRET_SIZE] = "";
    if (alert->token_file != NULL && try_secret(alert->token_file, secret, out)) {
        finding_add(out, FINDING_OK, ABOUT, "%.200s has a token", alert->token_file);
    }
    if (alert->routing_key_file != NULL && try_secret(alert->routing_key_file, secret, out)) {
        finding_add(out, FINDING_OK, ABOUT, "%.200s has a key", alert->routing_key_file);
    }
    if (alert->webhook != NULL) {
        try_address(alert, alert->webhook, alert->webhook, out);
    } else if (try_secret(alert->webhook_file, secret, out)) {
        try_address(alert, secret, alert->webhook_file, out);
    }
    explicit_bzero(secret, sizeof secret);
}

void connect_try_alerts(const struct config *config, struct findings *out)
{
    for (size_t i = 0; i < config->alert_count; i++) {
        const struct config_alert *alert = &config->alerts[i];
        const size_t before = out->count;
        if (alert->command != NULL) {
            try_command(alert->command[0], out);
        } else if (alert->mail_to != NULL) {
            try_address(alert, alert->mail_relay, alert->mail_relay, out);
        } else {
            try_webhook(alert, out);
        }
        findings_name(out, before, alert->name);
    }
}
