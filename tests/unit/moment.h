/*
 * moment: a made-up snapshot for the tests of tables and banner: with unknowns, estimates, hostile
 * names and wide characters. The clock is frozen at its moment.
 */
#ifndef TD_MOMENT_H
#define TD_MOMENT_H

#include "snapshot.h"

#define NOW INT64_C(1767262271000) /* 2026-01-01 10:11:11 UTC */
#define AGO(ms) (NOW - INT64_C(ms))
#define EXACT(number, age)                                                                         \
    {                                                                                              \
        .value = (number), .exact = true, .at = AGO(age)                                           \
    }
#define ESTIMATE(number, age)                                                                      \
    {                                                                                              \
        .value = (number), .exact = false, .at = AGO(age)                                          \
    }
#define NOT_COUNTED                                                                                \
    {                                                                                              \
        .value = UNKNOWN, .exact = false, .at = UNKNOWN                                            \
    }

struct snapshot moment(void); /* its rows are static: a test may change the struct, not them */

#endif
