/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the load generator share: see load.c. All end the process when they cannot go
 * on. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

uint64_t now_us(void); /* of the monotonic clock */

/* CPU time, in seconds, that processes have used so far; those that ended count nothing. */
struct processes {
    int count;
    char **pids;
};
double processes_cpu_s(const struct processes *processes);

/* ---- net.c ---- */

void allow_descriptors(size_t wanted);
struct sockaddr_in loopback(unsigned last_byte, unsigned port);

/* Connects from one of several addresses of the loopback, for one has too few ports for all; which
 * one follows from the number. -1: refused. */
int dial(size_t number, unsigned port);
bool send_all(int fd, const char *data, size_t len);

/* Level-triggered, with the number as the event's data. */
void watch(int epoll, int fd, uint64_t number);

/* ---- The modes: exit statuses ---- */

int run_streams(unsigned port, const char *path, size_t count, size_t stalled,
                const struct processes *servers);
int run_get(unsigned port, const char *path, size_t connections, double seconds, const char *etag,
            const struct processes *servers);
int run_push(unsigned port, const char *body, size_t connections, double seconds,
             const struct processes *servers);
int run_bare(unsigned port, size_t streams, size_t bytes, bool coalesce);
int run_scan(const char *path);

#endif
