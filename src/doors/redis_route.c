/*
 * redis_route: which argument of a command is the key that decides where a cluster keeps it.
 *
 * Most commands have it first. The table has those that have it elsewhere, that any node answers
 * alike, and that speak of a whole server, so that one node would answer for all.
 */
#include "redis_parts.h"

#include <strings.h>

static const struct {
    const char *command;
    enum redis_route route;
    int key;
} S_routes[] = {
    {"PING", ROUTE_ANYWHERE, 0},    {"ECHO", ROUTE_ANYWHERE, 0},    {"TIME", ROUTE_ANYWHERE, 0},
    {"CLUSTER", ROUTE_ANYWHERE, 0}, {"COMMAND", ROUTE_ANYWHERE, 0}, {"ACL", ROUTE_ANYWHERE, 0},
    {"MEMORY", ROUTE_KEY, 2},       {"OBJECT", ROUTE_KEY, 2},       {"XINFO", ROUTE_KEY, 2},
    {"DEBUG", ROUTE_WHOLE, 0},      {"EVAL", ROUTE_KEY, 3},         {"EVALSHA", ROUTE_KEY, 3},
    {"SCAN", ROUTE_WHOLE, 0},       {"KEYS", ROUTE_WHOLE, 0},       {"DBSIZE", ROUTE_WHOLE, 0},
    {"INFO", ROUTE_WHOLE, 0},       {"FLUSHDB", ROUTE_WHOLE, 0},    {"FLUSHALL", ROUTE_WHOLE, 0},
    {"RANDOMKEY", ROUTE_WHOLE, 0},  {"CONFIG", ROUTE_WHOLE, 0},     {"CLIENT", ROUTE_WHOLE, 0},
    {"SLOWLOG", ROUTE_WHOLE, 0},    {"LATENCY", ROUTE_WHOLE, 0},    {"MULTI", ROUTE_WHOLE, 0},
    {"EXEC", ROUTE_WHOLE, 0},       {"DISCARD", ROUTE_WHOLE, 0},    {"WAIT", ROUTE_WHOLE, 0},
};

enum redis_route redis_route(int argc, const char *const *argv, int *key)
{
    *key = 1;
    for (size_t i = 0; i < ARRAY_LEN(S_routes); i++)
        if (strcasecmp(argv[0], S_routes[i].command) == 0) {
            *key = S_routes[i].key;
            return S_routes[i].route == ROUTE_KEY && *key >= argc ? ROUTE_WHOLE : S_routes[i].route;
        }
    return argc > 1 ? ROUTE_KEY : ROUTE_WHOLE;
}
