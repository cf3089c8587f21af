/*
 * redis_trouble: what an error reply of Redis means, in a sentence that names the cause, and what
 * the DBA can do about it. One table; the server's own words always stand beside ours.
 */
#include "redis_parts.h"

#include <string.h>

struct trouble {
    const char *word; /* how the reply begins */
    enum err_kind kind;
    const char *cause, *remedy;
};

/* The first that fits counts: a longer beginning stands before a shorter one. */
static const struct trouble S_troubles[] = {
    {"NOAUTH", ERR_LOST, "Redis wants a password and was given none",
     "give the password in a password-file of the deck, or REDIS_PASSWORD (and REDIS_USERNAME)"},
    {"WRONGPASS", ERR_LOST, "the Redis user or password is wrong, or the user is off",
     "verify the password or token, and that the user is on: ACL LIST"},
    {"ERR AUTH", ERR_LOST, "a password was given, and Redis wants none",
     "leave the password out, or set requirepass or an ACL user there"},
    {"ERR invalid password", ERR_LOST, "the Redis password is wrong",
     "verify the password or token"},
    {"NOPERM", ERR_REFUSED, "the Redis user may not do this",
     "confirm the user's permissions (ACL GETUSER); the ACLs of README.md have what each verb "
     "needs"},
    {"ERR max number of clients", ERR_LOST, "Redis has no connection left",
     "see who is connected (INFO clients, CLIENT LIST), use connection pooling in the services, or "
     "raise maxclients"},
    {"ERR max concurrent connections", ERR_LOST, "Redis has no connection left",
     "see who is connected, use connection pooling in the services, or take a larger plan"},
    {"OOM", ERR_REFUSED, "Redis has reached its memory limit and takes no more writes",
     "review TTLs and key patterns ('tenantdeck cache counts'), set an eviction policy, or raise "
     "maxmemory"},
    {"LOADING", ERR_RETRY, "Redis is reading its data from disk",
     "wait until it is ready: INFO persistence has loading_eta_seconds"},
    {"READONLY", ERR_REFUSED, "this Redis is a replica, and takes no writes",
     "connect to the primary: INFO replication has its address in master_host"},
    {"MISCONF", ERR_REFUSED, "Redis cannot save its data to disk, so it refuses writes",
     "see its log and the disk there; CONFIG GET dir says where it saves"},
    {"NOREPLICAS", ERR_REFUSED, "Redis has fewer replicas than min-replicas-to-write wants",
     "see INFO replication, and bring the replicas back"},
    {"MASTERDOWN", ERR_RETRY, "this replica has lost its primary",
     "connect to the primary, or wait until the replica follows again"},
    {"BUSY", ERR_RETRY, "Redis runs a script and answers nobody else",
     "wait, or stop it with SCRIPT KILL"},
    {"TRYAGAIN", ERR_RETRY, "the cluster moves these keys at the moment", "try again"},
    {"CLUSTERDOWN", ERR_RETRY, "the cluster is not complete, so it serves no keys",
     "CLUSTER INFO and 'tenantdeck nodes' say which slots or nodes are missing"},
    {"CROSSSLOT", ERR_FAILED, "the keys of one command live in different slots of the cluster",
     "send a command for each key"},
    {"MOVED", ERR_RETRY, "the key lives on another node of a cluster",
     "the user needs +cluster|slots to be led there: ACL SETUSER ... +cluster|slots"},
    {"ASK", ERR_RETRY, "the key is on its way to another node of the cluster", "try again"},
    {"EXECABORT", ERR_FAILED, "Redis has thrown a whole transaction away",
     "one of its commands was refused: see the error before"},
    {"ERR SELECT is not allowed in cluster", ERR_REFUSED, "a cluster has only database 0",
     "leave the number out of the address"},
    {"ERR DB index is out of range", ERR_REFUSED, "Redis has no database of this number",
     "CONFIG GET databases says how many there are"},
    {"ERR Command is not available", ERR_REFUSED, "this provider does not offer the command",
     "Upstash lists its commands under 'Redis API compatibility'; name a redis:// address for the "
     "rest"},
    {"ERR unknown command", ERR_REFUSED, "Redis does not know the command",
     "it is older than the command, or the command was renamed or taken out in redis.conf"},
    {"ERR Protocol error", ERR_LOST, "Redis does not understand what is sent to it",
     "perhaps it speaks TLS and was asked without, or the other way round: rediss:// or redis://"},
};

/*
 * "NOPERM ... run the 'cluster|nodes' command": the right that the user lacks, as ACL SETUSER takes
 * it.
 */
static void S_hint_right(const char *message, struct err *err)
{
    const char *word = strstr(message, "run the '"), *key = strstr(message, "keys");
    const char *first = word ? word + strlen("run the '") : NULL;
    size_t len = first ? strcspn(first, "'") : 0;
    if (len && len < 60)
        err_hint(err,
                 "the right '+%.*s' is missing: ACL SETUSER <user> +%.*s, if this user is to have "
                 "it; data/acl/users.acl has a user for each group of verbs",
                 (int)len, first, (int)len, first);
    else if (key)
        err_hint(err,
                 "the key fits none of the user's patterns (~...): ACL GETUSER lists them, ACL "
                 "SETUSER <user> ~pattern adds one, if this user is to have it");
}

void redis_trouble(const char *message, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(S_troubles); i++) {
        const struct trouble *trouble = &S_troubles[i];
        if (!str_starts(message, trouble->word))
            continue;
        err_set(err, trouble->kind, "%s (it says: %s)", trouble->cause, message);
        err_hint(err, "%s", trouble->remedy);
        if (str_starts(message, "NOPERM"))
            S_hint_right(message, err);
        return;
    }
    err_set(err, ERR_FAILED, "Redis says: %s", message);
}
