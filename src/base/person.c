/* person: see person.h. */
#include "person.h"

#include "base.h"

#include <pwd.h>
#include <unistd.h>

char *person_here(void)
{
    char host[256] = "?";
    const struct passwd *user = getpwuid(geteuid());
    gethostname(host, sizeof(host) - 1);
    return user ? str_format("%s@%s", user->pw_name, host)
                : str_format("uid %ld@%s", (long)geteuid(), host);
}
