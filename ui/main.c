/*
 * main: makes the process fit to hold passwords, and hands over to the command line.
 */
#include "cli.h"

#include <locale.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* No core file and no debugger of the same user shall get at a password in memory. */
static void S_keep_memory_private(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
    S_keep_memory_private();
    /* Characters as the terminal has them; numbers stay as JSON, SQL and scripts write them. */
    setlocale(LC_CTYPE, "");
    return cli_main(argc, argv);
}
