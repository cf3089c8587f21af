/* failpoint: see failpoint.h. Nothing of it is in a program that was not configured for it. */
#include "failpoint.h"

#ifdef TD_FAILPOINTS

#include "base.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *S_step = "";
static int S_passed;

void failpoint_step(const char *step)
{
    S_step = step;
}

int64_t failpoint_hurry(int64_t ms)
{
    int64_t by;
    return str_to_int(getenv("TENANTDECK_HURRY"), &by) && by > 0 ? ms / by : ms;
}

void failpoint_pass(const char *point)
{
    const char *wanted = getenv("TENANTDECK_FAILPOINT");
    char step[64], name[8];
    int count;
    if (!wanted || sscanf(wanted, "%63[^:]:%7[^:]:%d", step, name, &count) != 3)
        return;
    if (strcmp(step, S_step) == 0 && strcmp(name, point) == 0 && ++S_passed == count)
        raise(SIGKILL);
}

#else

typedef int failpoint_is_not_compiled_in;

#endif
