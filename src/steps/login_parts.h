/*
 * login_parts: the keys around a session, as logins.c, which begins and ends it, and login_touch.c,
 * which uses it, write them. For these two alone.
 */
#ifndef TD_LOGIN_PARTS_H
#define TD_LOGIN_PARTS_H

#include "keyspace.h"
#include "together.h"

/* What it was used for goes to its log, which lives as long as the session; 0: without an end. */
void login_add_activity(struct together *together, const char *tenant, const char *id,
                        const char *what, int64_t now_ms, int64_t ttl_ms);
/*
 * A set lives as long as the longest of its sessions: `ttl_ms`, or what it has when that is more.
 */
bool login_add_to_set(struct keyspace *keyspace, struct together *together, const char *key,
                      const char *id, int64_t ttl_ms, struct err *err);

#endif
