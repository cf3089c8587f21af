/*
 * pulse: what one client of a Redis feels, while others are at work.
 *
 *     pulse SOCKET SAMPLES [PAUSE_US]    prints p50, p99 and the worst of so many GETs, in milliseconds
 *
 * It is a process of its own that asks, waits, and rests in between, like a service does: one that
 * asks without a rest would take the processor from those whose effect it is to measure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char S_question[] = "*2\r\n$3\r\nGET\r\n$5\r\npulse\r\n", S_answer[] = "$-1\r\n";

static int S_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    perror(path);
    exit(1);
}

static int64_t S_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t S_ask(int fd)
{
    char answer[sizeof(S_answer)];
    size_t have = 0, want = strlen(S_answer);
    int64_t since = S_now();
    if (write(fd, S_question, strlen(S_question)) != (ssize_t)strlen(S_question))
        exit(1);
    while (have < want) {
        ssize_t more = read(fd, answer + have, want - have);
        if (more <= 0)
            exit(1);
        have += (size_t)more;
    }
    return S_now() - since;
}

static int S_compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int64_t count = argc > 2 ? atoll(argv[2]) : 0;
    if (count < 100 || count > 10000000) {
        fputs("usage: pulse SOCKET SAMPLES [PAUSE_US]\n", stderr);
        return 2;
    }
    int64_t *took = calloc((size_t)count, sizeof(*took));
    int fd = S_open(argv[1]);
    for (int64_t i = 0; took && i < count; i++) {
        took[i] = S_ask(fd);
        usleep(argc > 3 ? (useconds_t)atoi(argv[3]) : 200);
    }
    if (!took)
        return 1;
    qsort(took, (size_t)count, sizeof(*took), S_compare);
    printf("%.3f %.3f %.3f\n", (double)took[count / 2] / 1e6, (double)took[count * 99 / 100] / 1e6,
           (double)took[count - 1] / 1e6);
    free(took);
    close(fd);
    return 0;
}
