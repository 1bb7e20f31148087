/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of streams from one process. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/histogram.h"
#include "tests/bench/load.h"
#include "tests/bench/scanner.h"
#include "tests/bench/unpack.h"

#define ANSWER_TIMEOUT_MS 30000
#define DOZE_NS 1000000
#define RECEIVE_BYTES (256 * 1024)
#define REOPEN_MS 5  /* between attempts at opening what is lost */
#define RETURN_MS 20 /* between looks at who is to come back */
#define RETURN_MIN_MS 250
#define RETURN_SPREAD_MS 3000 /* As browsers that were told `retry` come back. */

struct stream {
    int fd; /* -1: lost, and not open again yet */
    struct scanner scanner;
    struct unpacker *unpacker; /* NULL: what comes is not compressed */
    bool lost;                 /* at least once */
    uint64_t due_us;           /* when it comes back */
};

struct load {
    unsigned port;
    const char *request;
    struct stream *streams;
    size_t count;
    int epoll;
    const struct processes *servers;
    /* what is counted since the mark */
    struct histogram latency;
    uint64_t bytes;
    uint64_t losses;
    uint64_t begun_us;
    double begun_cpu_s;
    uint64_t now_us; /* of the bytes being scanned */
    struct stream *scanned;
    bool packed; /* the requests accept gzip */
    /* what is looked for */
    char text[64];
    size_t text_len;
    size_t with_text;
    bool doze; /* look each millisecond */
    /* getting back */
    bool back;
    size_t lost; /* streams, each once */
    uint64_t lost_at_us;
    bool returning; /* each comes back on its own, after a while */
    size_t away;
    uint64_t back_at_us; /* when the last one was */
    uint64_t random;
    char *buffer;
};

static void forget_text(struct load *load, struct stream *stream)
{
    load->with_text -= stream->scanner.found;
    scanner_reset(&stream->scanner);
}

/* `{}` in the request stands for the stream's number. */
static bool send_request(const struct load *load, int fd, size_t number)
{
    const char *mark = strstr(load->request, "{}");
    char text[32] = "";
    if (mark == NULL) {
        return send_all(fd, load->request, strlen(load->request));
    }
    char request[4096];
    snprintf(text, sizeof text, "%zu", number);
    const int len = snprintf(request, sizeof request, "%.*s%s%s", (int)(mark - load->request),
                             load->request, text, mark + 2);
    return len > 0 && (size_t)len < sizeof request && send_all(fd, request, (size_t)len);
}

static bool open_stream(struct load *load, size_t number)
{
    struct stream *stream = &load->streams[number];
    forget_text(load, stream);
    unpack_end(&stream->unpacker);
    stream->unpacker = load->packed ? unpack_begin() : NULL;
    stream->fd = dial(number, load->port);
    if (stream->fd >= 0 && !send_request(load, stream->fd, number)) {
        close(stream->fd);
        stream->fd = -1;
    }
    return stream->fd >= 0;
}

static void put_off(struct load *load, struct stream *stream)
{
    load->random = load->random * 6364136223846793005U + 1442695040888963407U;
    const uint64_t wait_ms = RETURN_MIN_MS + (load->random >> 33) % RETURN_SPREAD_MS;
    stream->due_us = now_us() + wait_ms * 1000;
}

static void lose(struct load *load, struct stream *stream)
{
    put_off(load, stream);
    load->away++;
    close(stream->fd);
    stream->fd = -1;
    forget_text(load, stream);
    load->lost_at_us = load->lost_at_us != 0 ? load->lost_at_us : now_us();
    load->lost += !stream->lost;
    stream->lost = true;
    load->losses++;
}

static void on_stamp(void *arg, uint64_t stamp)
{
    struct load *load = arg;
    histogram_add(&load->latency, load->now_us > stamp ? load->now_us - stamp : 0);
}

static void scan(void *arg, const char *text, size_t len)
{
    struct load *load = arg;
    struct scanner *scanner = &load->scanned->scanner;
    scanner_stamps(scanner, text, len, on_stamp, load);
    if (load->text_len != 0 && scanner_text(scanner, text, len, load->text, load->text_len)) {
        load->with_text++;
    }
}

static void read_stream(struct load *load, struct stream *stream)
{
    const ssize_t got = recv(stream->fd, load->buffer, RECEIVE_BYTES, MSG_DONTWAIT);
    if (got > 0) {
        load->now_us = now_us();
        load->bytes += (size_t)got;
        load->scanned = stream;
        if (stream->unpacker == NULL) {
            scan(load, load->buffer, (size_t)got);
        } else if (!unpack(stream->unpacker, load->buffer, (size_t)got, scan, load)) {
            fail("what comes is not in chunks of gzip");
        }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        lose(load, stream);
    }
}

/* Waits for the answers, one after the other: they come in about the order of the requests. */
static void await_answers(struct load *load)
{
    for (size_t i = 0; i < load->count; i++) {
        struct pollfd answer = {.fd = load->streams[i].fd, .events = POLLIN};
        char head[16] = "";
        if (poll(&answer, 1, ANSWER_TIMEOUT_MS) != 1 ||
            recv(answer.fd, head, sizeof head - 1, MSG_PEEK) <= 0 ||
            strncmp(head, "HTTP/1.1 200", 12) != 0) {
            fail("stream %zu was answered \"%s\"", i, head);
        }
        watch(load->epoll, answer.fd, i);
    }
}

static void open_all(struct load *load, size_t stalled)
{
    const uint64_t begun = now_us();
    for (size_t i = 0; i < load->count; i++) {
        if (!open_stream(load, i)) {
            fail("stream %zu: %s", i, strerror(errno));
        }
    }
    await_answers(load);
    for (size_t i = 0; i < stalled; i++) {
        const int fd = dial(i, load->port); /* open until the process ends */
        if (fd < 0 || !send_request(load, fd, i)) {
            fail("a stalled stream: %s", strerror(errno));
        }
    }
    printf("{\"opened\": %zu, \"seconds\": %.3f}\n", load->count, (double)(now_us() - begun) / 1e6);
}

/* ---- Commands ---- */

static void mark(struct load *load)
{
    memset(&load->latency, 0, sizeof load->latency);
    load->bytes = 0;
    load->losses = 0;
    load->begun_us = now_us();
    load->begun_cpu_s = processes_cpu_s(load->servers);
    puts("{}");
}

static void print_counts(const struct load *load)
{
    const struct histogram *h = &load->latency;
    printf("{\"messages\": %llu, \"bytes\": %llu, \"losses\": %llu, \"seconds\": %.3f, "
           "\"cpu_s\": %.3f, \"p50_us\": %llu, \"p99_us\": %llu, \"max_us\": %llu}\n",
           (unsigned long long)h->count, (unsigned long long)load->bytes,
           (unsigned long long)load->losses, (double)(now_us() - load->begun_us) / 1e6,
           processes_cpu_s(load->servers) - load->begun_cpu_s,
           (unsigned long long)histogram_percentile(h, 0.5),
           (unsigned long long)histogram_percentile(h, 0.99), (unsigned long long)h->max_us);
}

/* False: the end. */
static bool obey(struct load *load)
{
    char line[128];
    if (fgets(line, sizeof line, stdin) == NULL) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "mark") == 0) {
        mark(load);
    } else if (strcmp(line, "count") == 0) {
        print_counts(load);
    } else if (strncmp(line, "text ", 5) == 0) {
        snprintf(load->text, sizeof load->text, "%.60s", line + 5);
        load->text_len = strlen(load->text);
        puts("{}");
    } else if (strcmp(line, "doze") == 0) {
        load->doze = true;
        puts("{}");
    } else if (strcmp(line, "back") == 0) {
        load->back = true;
    } else if (strcmp(line, "return") == 0) {
        load->returning = true;
        load->lost_at_us = 0;
        puts("{}");
    } else if (strcmp(line, "away") == 0) {
        printf("{\"away\": %zu, \"losses\": %llu, \"seconds\": %.3f}\n", load->away,
               (unsigned long long)load->losses,
               load->lost_at_us != 0 && load->back_at_us > load->lost_at_us
                   ? (double)(load->back_at_us - load->lost_at_us) / 1e6
                   : 0);
    } else if (strcmp(line, "stop") == 0) {
        return false;
    } else {
        fail("what is \"%s\"?", line);
    }
    fflush(stdout);
    return true;
}

/* ---- Getting back ---- */

/* Opens the streams that are lost, until the first that cannot be opened, and returns how many are
 * still lost. It is called once all are lost: the socket that a dying server listens on is the last
 * that the kernel closes, and would take connections only to drop them. */
static size_t reopen(struct load *load)
{
    size_t closed = 0;
    for (size_t i = 0; i < load->count; i++) {
        if (load->streams[i].fd >= 0) {
            continue;
        }
        if (closed == 0 && open_stream(load, i)) {
            watch(load->epoll, load->streams[i].fd, i);
        } else {
            closed++;
        }
    }
    return closed;
}

static size_t get_back(struct load *load)
{
    const size_t closed = load->lost == load->count ? reopen(load) : 0;
    if (load->lost == load->count && closed == 0 && load->with_text == load->count) {
        printf("{\"back\": %zu, \"seconds\": %.3f, \"losses\": %llu}\n", load->count,
               (double)(now_us() - load->lost_at_us) / 1e6, (unsigned long long)load->losses);
        fflush(stdout);
        load->back = false;
    }
    return closed;
}

/* Opens those whose time has come. */
static void come_back(struct load *load)
{
    const uint64_t now = now_us();
    for (size_t i = 0; i < load->count && load->away != 0; i++) {
        struct stream *stream = &load->streams[i];
        if (stream->fd >= 0 || stream->due_us > now) {
            continue;
        }
        if (open_stream(load, i)) {
            watch(load->epoll, stream->fd, i);
            load->away--;
            load->back_at_us = now_us();
        } else {
            put_off(load, stream);
        }
    }
}

static int patience_ms(const struct load *load, size_t closed)
{
    if (load->doze) {
        return 0;
    }
    return closed != 0 ? REOPEN_MS : load->returning && load->away != 0 ? RETURN_MS : 1000;
}

int run_streams(unsigned port, const char *path, size_t count, size_t stalled,
                const struct processes *servers)
{
    char request[4096];
    const char *headers = getenv("LOAD_HEADERS");
    struct load load = {.port = port, .count = count, .servers = servers, .request = request};
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n", path,
             headers != NULL ? headers : "");
    load.packed = strstr(request, "gzip") != NULL;
    allow_descriptors(count + stalled);
    load.random = count * 2654435761U + port + (uint64_t)getpid();
    load.streams = calloc(count + 1, sizeof *load.streams);
    load.buffer = malloc(RECEIVE_BYTES);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.streams == NULL || load.buffer == NULL || load.epoll < 0) {
        fail("no memory");
    }
    setvbuf(stdin, NULL, _IONBF, 0);
    open_all(&load, stalled);
    fflush(stdout);
    watch(load.epoll, STDIN_FILENO, count);
    size_t closed = 0;
    for (bool go_on = true; go_on;) {
        struct epoll_event events[512];
        int ready = epoll_wait(load.epoll, events, 512, patience_ms(&load, closed));
        if (load.doze && ready == 0) {
            nanosleep(&(struct timespec){.tv_nsec = DOZE_NS}, NULL);
        }
        for (int i = 0; i < ready && go_on; i++) {
            if (events[i].data.u64 == count) {
                go_on = obey(&load);
            } else {
                read_stream(&load, &load.streams[events[i].data.u64]);
            }
        }
        if (load.returning && load.away != 0) {
            come_back(&load);
        }
        if (load.back) {
            closed = get_back(&load);
        }
    }
    for (size_t i = 0; i < count; i++) {
        unpack_end(&load.streams[i].unpacker);
    }
    free(load.streams);
    free(load.buffer);
    return EXIT_SUCCESS;
}
