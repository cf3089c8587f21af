/*
 * failpoint: places where a test may kill the worker, to see that a resume is exact.
 *
 * Compiled in only with --enable-failpoints. TENANTDECK_FAILPOINT names one, as STEP:POINT:COUNT
 * ("fill:K5:3"): when that point of that step is passed the third time, the process kills itself.
 *
 *     K1 before an intent is written      K5 a commit was sent, its answer not read
 *     K2 intent written, nothing done     K6 committed, nothing told of it
 *     K3 inside of the transaction        K7 all done, before the step is marked so
 *     K4 before the commit
 */
#ifndef TD_FAILPOINT_H
#define TD_FAILPOINT_H

#include <stdint.h>

/*
 * TENANTDECK_HURRY divides how long a run waits for a server that is gone: nobody tests for
 * minutes.
 */
#ifdef TD_FAILPOINTS
int64_t failpoint_hurry(int64_t ms);
#define FAILPOINT_HURRY(ms) failpoint_hurry(ms)
#else
#define FAILPOINT_HURRY(ms) ((int64_t)(ms))
#endif

#ifdef TD_FAILPOINTS
void failpoint_step(const char *step); /* the step that is under way */
void failpoint_pass(const char *point);
#define FAILPOINT(point) failpoint_pass(point)
#define FAILPOINT_STEP(step) failpoint_step(step)
#else
#define FAILPOINT(point) ((void)0)
#define FAILPOINT_STEP(step) ((void)0)
#endif

#endif
