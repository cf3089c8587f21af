/* verify_redis: what validate says about the keys in Redis. */
#ifndef TD_VERIFY_REDIS_H
#define TD_VERIFY_REDIS_H

#include "run.h"

/*
 * Findings of group 'cache' about the session's Redis, which must be named. Reads only: SCAN and
 * PTTL. A Redis that cannot be asked is a finding as well, and no failure.
 */
bool verify_redis(struct run *run, struct err *err);

#endif
