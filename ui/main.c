/*
 * main: makes the process fit to hold passwords, and hands over to the command line.
 */
#include "cli.h"

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/* No core file and no debugger of the same user shall get at a password in memory. */
static void S_keep_memory_private(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

/*
 * A standard stream that came closed would be the number of the next socket, and what is printed
 * would go to a server. The stand-in is open the wrong way round, so that printing still fails.
 */
static void S_fill_closed_streams(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            _exit(1);
}

/* Many that lose a server at one moment shall not all come back at one moment. */
static void S_seed_chance(void)
{
    unsigned seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
        srandom(seed);
}

int main(int argc, char **argv)
{
    S_fill_closed_streams();
    S_keep_memory_private();
    S_seed_chance();
    /* Characters as the terminal has them; numbers stay as JSON, SQL and scripts write them. */
    setlocale(LC_CTYPE, "");
    return cli_main(argc, argv);
}
