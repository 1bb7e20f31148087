/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator, and the yardsticks that Tilewire is held against.
 *
 * - load streams PORT PATH STREAMS STALLED PID…
 *   opens STREAMS server-sent event streams from several addresses of the loopback, and STALLED
 * more that it never reads from. Obeys lines on its standard input, and answers with JSON:
 *   - mark: forgets what was counted, notes the CPU time of the processes PID
 *   - count: prints what was counted since
 *   - text T: from now on looks for T on each stream
 *   - doze: from now on looks each millisecond, instead of being woken by what comes: a server on
 * the same machine pays for that
 *   - back: once all streams have been lost opens them again, as fast as it can; prints when each
 * has had T since (answered then, not at once)
 *   - return: from now on opens what is lost after a while, each stream after another one, as
 * browsers do
 *   - away: prints how many are not back yet, and how long the last one took
 *   - stop: ends; so does the end of the input
 * - load get PORT PATH CONNECTIONS SECONDS ETAG PID…
 *   keep-alive connections, one request at a time each; ETAG "-" for none
 * - load bare PORT STREAMS BYTES
 *   a yardstick: a server that calls send() on each of its streams and does nothing else. Sends a
 *   message of BYTES for each datagram that comes to the same port: what the datagram says, made
 * longer
 * - load coalesce PORT STREAMS BYTES
 *   the same, but all datagrams that wait become one send() to each stream
 * - load scan FILE
 *   a yardstick: steps through all rows of the table events in a SQLite file
 *
 * LOAD_HEADERS in the environment is what requests for streams say besides, each line with its
 * CRLF (what comes is unpacked if it accepts gzip); LOAD_ADDRESS is the last part of the first of
 * the addresses (1: 127.0.0.1).
 *
 * A message is timed by the stamp in it: see scanner.h. PIDs are the server's processes, whose CPU
 * time is read from /proc.
 */
#include "tests/bench/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Of all its threads, in ticks of 10 ms, but counted exactly. */
static double cpu_s(const char *pid)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *after_name = strrchr(text, ')');
    unsigned long user = 0;
    unsigned long kernel = 0;
    if (after_name == NULL ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &kernel) != 2) {
        return 0;
    }
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

double processes_cpu_s(const struct processes *processes)
{
    double sum = 0;
    for (int i = 0; i < processes->count; i++) {
        sum += cpu_s(processes->pids[i]);
    }
    return sum;
}

static unsigned number(const char *text)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value > 10000000) {
        fail("not a number: %s", text);
    }
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const bool coalesce = strcmp(what, "coalesce") == 0;
    if (strcmp(what, "streams") == 0 && argc >= 6) {
        const struct processes servers = {argc - 6, argv + 6};
        return run_streams(number(argv[2]), argv[3], number(argv[4]), number(argv[5]), &servers);
    }
    if (strcmp(what, "get") == 0 && argc >= 7) {
        const struct processes servers = {argc - 7, argv + 7};
        return run_get(number(argv[2]), argv[3], number(argv[4]), strtod(argv[5], NULL), argv[6],
                       &servers);
    }
    if (strcmp(what, "push") == 0 && argc >= 6) {
        const struct processes servers = {argc - 6, argv + 6};
        return run_push(number(argv[2]), argv[3], number(argv[4]), strtod(argv[5], NULL), &servers);
    }
    if ((coalesce || strcmp(what, "bare") == 0) && argc == 5) {
        return run_bare(number(argv[2]), number(argv[3]), number(argv[4]), coalesce);
    }
    if (strcmp(what, "scan") == 0 && argc == 3) {
        return run_scan(argv[2]);
    }
    fail("usage: load streams|get|push|bare|coalesce|scan …: see the head of tests/bench/load.c");
}
