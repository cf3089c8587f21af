/* rows_cache: what has to do with Redis: the groups Cache, and Sessions and caches. Data only. */
#include "rows.h"

/* clang-format off */
#define TENANT_OPTION {"tenant", "T", "only what is this tenant's", 0}
#define NAMESPACE_OPTION {"namespace", "NS", "the namespace (generic)", 0}
#define REVEAL_OPTION {"reveal", NULL, "shows secrets, too", 0}
#define DRY_OPTION {"dry-run", NULL, "says what would be done, and changes nothing", 0}

#define ORIGIN_OPTIONS \
    {"address", "IP", "where the user comes from", 0}, \
    {"agent", "TEXT", "with which browser", 0}

static const struct verb S_rows[] = {
    {
        .name = "cache clear", .args = "", .group = "Cache", .effect = REVERSIBLE, .destroys = "all", .json = true,
        .summary = "removes keys by tenant, type, key, pattern or tag",
        .manual =
            "Removes what is chosen, with UNLINK, in one walk through all keys, and asks for each "
            "key that it removed again, by name: only then it says so. SCAN hands out every key "
            "that is there from the beginning of a walk to its end; a key that was written for "
            "the first time meanwhile may have been missed, and with --prove a second walk looks "
            "for such. A code is compared whole, never as a pattern, so that tenant 'a*' is that "
            "tenant alone. Keys of templates that the plan calls foreign, and job queues "
            "(bull:*), stay, unless --foreign is said. --tag follows the sets "
            "cache_tags:{tenant}:{tag}, and takes members out whose entry is gone. --all empties "
            "the Redis database (FLUSHDB): it asks for its name, and is refused while keys of "
            "others are there.\n\n"
            "With --dry-run it counts and shows some. With --undo-file each key is on the disk, "
            "with its end, before it is removed; 'cache restore' brings them back, and with --tag "
            "the set, where it was emptied.\n\n"
            "What is intended is written down before it is done, then that it was done, then what "
            "was seen: in the journal (tenantdeck.redis_change) where a database with one is "
            "named, else in a file in ~/.local/state/tenantdeck/caches. After a kill the same "
            "command goes on, with the journal from any host; --abandon gives it up.\n\n"
            "The exit status is 1 when keys are there again at the end, written meanwhile.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_clear, .tell = verb_cache_clear_tell,
        .question = "remove these keys",
        .options = {CHOICE_OPTIONS,
                    {"key", "KEY", "this one key", 0},
                    {"tag", "TAG", "the entries with that tag, of --tenant or of all", 0},
                    {"all", NULL, "every key of the Redis database", 0},
                    {"foreign", NULL, "keys of others as well", 0},
                    {"undo-file", "FILE", "keeps in a new file what is removed", 0},
                    {"rate", "N", "removes no more than N keys a second", 0},
                    {"prove", NULL, "walks through all keys once more afterwards", 0},
                    SHARE_OPTION, DRY_OPTION,
                    {"abandon", NULL, "gives up a clear that was cut off", 0}},
    },
    {
        .name = "cache ttl", .args = "", .group = "Cache", .effect = REVERSIBLE, .acts = "set", .json = true,
        .summary = "keys against the policy of how long they may live",
        .manual =
            "Asks every key of the plan's templates for its time to live, and counts those that "
            "never end and those that live longer than the policy: the `ttl` of their template, "
            "or the value of the environment name in its `ttl name`, such as CACHE_TTL_ORG_DATA. "
            "With --drift it reads values as well, and counts those that say another end "
            "(expiresAt) than their key has, by more than a minute.\n\n"
            "With --set such keys get the policy's time. The server compares at that moment, so a "
            "shorter time is never made longer. All of them are looked at anew afterwards. After "
            "a kill the same command goes on, as of a clear; --abandon gives it up.\n\n"
            "The exit status is 1 when keys break the policy, or drift.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_cache_ttl, .tell = verb_cache_ttl_tell,
        .question = "give these keys the policy's time to live",
        .options = {{"set", NULL, "gives keys that break the policy its time", 0},
                    {"drift", NULL, "reads values, and compares what they say", 0},
                    CHOICE_OPTIONS, SHARE_OPTION, DRY_OPTION,
                    {"abandon", NULL, "gives up a --set that was cut off", 0}},
    },
    {
        .name = "cache invalidate", .args = "EVENT CODE [ID]", .min_args = 2, .max_args = 3, .group = "Cache",
        .effect = REVERSIBLE, .json = true,
        .summary = "removes what went stale with a change, for hooks",
        .manual = "EVENT is organization, session or profile, CODE the organization's, ID the very thing where it is "
                  "known. The keys are those of the plan's templates with that event: of an "
                  "organization's update org:{org}:*, say, of a session's sessions:{org}:*, of a "
                  "profile's mentors:{org}:* and mentees:{org}:*. Its tenant is told by the "
                  "mapping, or by --tenant. Keys that can be told by name are removed without a "
                  "walk. Afterwards each that was removed is asked for again.\n\n"
                  "The exit status is 1 when some are there again.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_cache_invalidate,
        .tell = verb_cache_invalidate_tell,
        .question = "remove the keys that went stale",
        .options = {{"tenant", "CODE", "the organization's tenant, where no mapping tells it", 0}, DRY_OPTION},
    },
    {
        .name = "cache warm", .args = "", .group = "Cache", .effect = REVERSIBLE, .json = true,
        .summary = "sets what is asked for most, from the database",
        .manual = "Runs the plan's warming queries and sets what they answer, with the plan's time to live, where no "
                  "key is yet: the step cache-warm, by a worker that is followed until it is over.",
        .needs = NEEDS_DATABASE | NEEDS_REDIS | NEEDS_PLAN, .kinds = ONE_KIND(PLAN_COLUMNS), .run = verb_cache_warm,
        .tell = verb_cache_warm_tell,
        .question = "set the keys of the plan's warming queries",
        .options = {MODE_OPTIONS, WORKER_OPTIONS},
    },
    {
        .name = "cache rekey", .args = "OLD NEW", .min_args = 2, .max_args = 2, .group = "Cache",
        .effect = REVERSIBLE, .json = true,
        .summary = "gives a tenant's keys another code",
        .manual =
            "Every key of the plan's templates whose {tenant} is OLD gets NEW in its place (with "
            "--organizations: {org}). In values that are JSON, tenantId, organizationId and their "
            "like are changed where they say OLD, and no other byte is; in sets, the members that "
            "are such keys. Each key keeps the time it has left. No key is overwritten. Then all "
            "is looked at anew: no key of OLD may be there, and none may say it.\n\n"
            "It is begun only while NEW has no key. So 'cache rekey NEW OLD' takes it back. After "
            "a kill the same command goes on; --abandon gives it up.\n\n"
            "The exit status is 1 when something says the old code still: it was written "
            "meanwhile.",
        .needs = NEEDS_REDIS | NEEDS_PLAN, .kinds = ALL_KINDS, .run = verb_cache_rekey, .tell = verb_cache_rekey_tell,
        .question = "give these keys another code",
        .options = {{"organizations", NULL, "the codes are of organizations, not tenants", 0}, SHARE_OPTION, DRY_OPTION,
                    {"abandon", NULL, "gives up one that was cut off", 0}},
    },
    {
        .name = "cache restore", .args = "FILE", .min_args = 1, .max_args = 1, .group = "Cache",
        .effect = REVERSIBLE, .json = true,
        .summary = "brings back what 'cache clear' has kept in a file",
        .manual = "Reads the file whole, against its checksum, before it does anything. A key that is there again "
                  "stays as it is; one whose time has come meanwhile is left out; all others get "
                  "what time they had left. Each restored key is asked for anew. After a kill the "
                  "same command does the rest.\n\n"
                  "The exit status is 1 when the server refuses some.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_restore, .tell = verb_cache_restore_tell,
        .question = "restore the keys of this file",
        .options = {{"force", NULL, "though they are of another Redis", 0}, DRY_OPTION},
    },
    {
        .name = "session list", .args = "", .group = "Sessions and caches",
        .summary = "who is logged in, by the sessions in Redis",
        .manual = "Lists the sessions of the service (session:{tenant}:{id}), those first that were used last: "
                  "of one tenant with --tenant, of one user with --user. A user is known by what "
                  "the session itself says, so one that has dropped out of its user's set is "
                  "listed, too.\n\n"
                  "To look extends nothing, unlike the service's own list: it reads with MGET and "
                  "PTTL. An id is as good as the login; keep the output to yourself.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_session_list,
        .options = {TENANT_OPTION, {"user", "U", "only those of this user", 0},
                    {"limit", "N", "no more than these (1000)", 0}, TABLE_OPTIONS},
    },
    {
        .name = "session show", .args = "ID", .min_args = 1, .max_args = 1, .group = "Sessions and caches",
        .summary = "one session: whose, since when, until when",
        .manual = "Prints what the session holds. Without --tenant it is looked for in all tenants. Members whose "
                  "name speaks of a password, a token or a secret are masked, and so is what "
                  "looks like a token; --reveal shows them. Nothing is extended.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_session_show,
        .options = {TENANT_OPTION, REVEAL_OPTION},
    },
    {
        .name = "session check", .args = "", .group = "Sessions and caches",
        .summary = "leaks, users over the limit, what has drifted apart",
        .manual = "Reads every session and every set of a user's sessions, and changes none. It fails when a "
                  "session says another tenant than its key (who holds it may see what is another "
                  "tenant's) or has no end. It warns of users with more sessions than the plan's "
                  "[sessions] allows (5), of sets that name sessions that are over or none at "
                  "all, of sessions that stand in no set, and of an expiresAt that is not when "
                  "the key expires.\n\n"
                  "A session that begins or ends while it is read can be told as missing from its "
                  "set. The exit status is 1 when a check fails.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_session_check,
        .options = {TENANT_OPTION, TABLE_OPTIONS},
    },
    {
        .name = "session create", .args = "", .group = "Sessions and caches", .effect = REVERSIBLE, .json = true,
        .summary = "makes a session as the service makes them",
        .manual = "Writes the session, puts its id into the set of its user and begins its log of activity, all in "
                  "one MULTI; in a cluster, whose keys lie apart, one after the other. Its time "
                  "is the plan's for session:{tenant}:..., or 24 hours. Prints the id. Nobody's "
                  "oldest session goes when there are more than the plan allows: that is said "
                  "instead.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_create,
        .question = "make a session",
        .options = {TENANT_OPTION, {"user", "U", "whose it is", 0},
                    {"email", "ADDRESS", "the user's", 0}, {"name", "NAME", "the user's", 0},
                    {"organization", "NAME", "the tenant's, for people", 0},
                    {"roles", "A,B", "what the user is", 0}, {"permissions", "A,B", "what the user may do", 0},
                    {"metadata", "JSON", "an object of the application's own", 0}, ORIGIN_OPTIONS},
    },
    {
        .name = "session touch", .args = "ID", .min_args = 1, .max_args = 1, .group = "Sessions and caches",
        .effect = REVERSIBLE, .json = true,
        .summary = "extends a session, as if its user had used it",
        .manual = "Sets lastAccessedAt to now and gives the session its whole time again, or leaves its end as it is "
                  "where the plan says 'sliding = false'. It never makes one shorter. All else "
                  "that it holds stays, but for members of --metadata; its id goes back into the "
                  "set of its user. When the service writes it at the same moment, it is read "
                  "again (WATCH; in a cluster and behind Upstash a script, which wants +eval). "
                  "One that has ended meanwhile stays ended.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_touch,
        .question = "extend this session",
        .options = {TENANT_OPTION, {"metadata", "JSON", "members that come to those of its metadata", 0}, ORIGIN_OPTIONS},
    },
    {
        .name = "session end", .args = "[ID]", .max_args = 1, .group = "Sessions and caches", .effect = DESTRUCTIVE,
        .json = true,
        .summary = "ends one session, or all of a user",
        .manual = "Removes the session, its place in the set of its user, and its log of activity. With --user and "
                  "--tenant all sessions of that user: those of the set, and those that say they "
                  "are the user's and stand in no set, which the service itself would leave "
                  "alone. It looks again until there is none. What cannot be taken back is only "
                  "that people have to log in anew.\n\n"
                  "The exit status is 1 when the set names a session that says it is somebody "
                  "else's.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_end,
        .question = "end these sessions", .tell = verb_session_end_tell,
        .options = {TENANT_OPTION, {"user", "U", "all sessions of this user", 0}, DRY_OPTION},
    },
    {
        .name = "session sweep", .args = "", .group = "Sessions and caches", .effect = REVERSIBLE, .json = true,
        .summary = "takes sessions that are over out of users' sets",
        .manual = "The service leaves them there until somebody lists that user's sessions. A set that is empty "
                  "afterwards is gone. No session is touched. After a kill the same command does "
                  "the rest.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_session_sweep,
        .question = "take out of the sets what is over", .options = {TENANT_OPTION, DRY_OPTION},
    },
    {
        .name = "cache get", .args = "KEY", .min_args = 1, .max_args = 1, .group = "Sessions and caches",
        .summary = "one entry of the service's cache",
        .manual = "KEY is the whole key, cache:TENANT:NAMESPACE:KEY, or what --tenant and --namespace (generic) "
                  "leave of it. Prints what the entry holds, its tags, and how long it has left; "
                  "secrets are masked as in 'session show'. Unlike the service's own read it "
                  "extends, deletes and counts nothing.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_get,
        .options = {TENANT_OPTION, NAMESPACE_OPTION, REVEAL_OPTION},
    },
    {
        .name = "cache set", .args = "KEY VALUE", .min_args = 2, .max_args = 2, .group = "Sessions and caches",
        .effect = REVERSIBLE, .json = true,
        .summary = "sets an entry, in the service's own shape",
        .manual = "Writes {data, createdAt, expiresAt, version, tags}, and puts the key into the set of each tag; a "
                  "set lives as long as the longest of its entries. VALUE is JSON, or else a "
                  "text; with --text always a text. It lives as long as the plan says, or an "
                  "hour. What stands there is replaced; 'cache delete' takes it back, and the "
                  "service sets its own again.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_set, .question = "set this entry",
        .options = {TENANT_OPTION, NAMESPACE_OPTION, {"ttl", "SECONDS", "how long it lives", 0},
                    {"tags", "A,B", "by which it can be invalidated", 0},
                    {"text", NULL, "VALUE is a text, though it looks like JSON", 0}},
    },
    {
        .name = "cache delete", .args = "KEY", .min_args = 1, .max_args = 1, .group = "Sessions and caches",
        .effect = REVERSIBLE, .json = true,
        .summary = "removes one entry",
        .manual = "Removes the entry, and its key from the tags that it carries. The service makes it anew when it is "
                  "asked for.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_delete,
        .question = "remove this entry", .options = {TENANT_OPTION, NAMESPACE_OPTION},
    },
    {
        .name = "cache tags", .args = "TAG...", .min_args = 1, .max_args = 16, .group = "Sessions and caches",
        .effect = REVERSIBLE, .json = true,
        .summary = "removes all entries that carry a tag",
        .manual = "Of the tenant of --tenant, tag by tag: the entries go, then their keys out of the set "
                  "cache_tags:TENANT:TAG, and it is looked whether they are gone. A key in the "
                  "set that is no cache key of that tenant is never touched, and told.\n\n"
                  "The exit status is 1 when there is such a key.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_tags,
        .question = "remove the entries that carry these tags", .options = {TENANT_OPTION, DRY_OPTION},
    },
    {
        .name = "cache metrics", .args = "", .group = "Sessions and caches",
        .summary = "hits and misses per tenant, the server's load, alarms",
        .manual = "The counters that the service keeps in cache_metrics:{tenant}; its code writes misses as misss, and "
                  "both are counted. Before them the server's memory, connections, hits since it "
                  "was started (reads of ours are among them) and evicted keys, and which of the "
                  "plan's [alarms] ring; of a cluster, each primary's.\n\n"
                  "The exit status is 1 when an alarm rings.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .json = true, .run = verb_cache_metrics,
        .options = {TENANT_OPTION, TABLE_OPTIONS},
    },
    {
        .name = "cache test", .args = "", .group = "Sessions and caches", .effect = REVERSIBLE, .json = true,
        .summary = "whether this Redis does what the service needs of it",
        .manual = "Goes through what the guide's test page does: the connection, sessions (made, read, listed, "
                  "extended, ended), cache entries (set, read, deleted, expired), tags and "
                  "metrics; and that one tenant sees nothing of another's. It works on keys of "
                  "two tenants that exist for it alone (td-test-...), which live for a minute at "
                  "most, and looks at its end that none is left.\n\n"
                  "The exit status is 1 when something fails.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_test,
        .question = "write keys of a test, and remove them",
    },
    {
        .name = "cache bench", .args = "", .group = "Sessions and caches", .effect = REVERSIBLE, .json = true,
        .summary = "how long an answer takes: PING, SET, GET, MGET",
        .manual = "One command at a time, with a millisecond of rest after each, so that the server hardly notices; on "
                  "keys of its own (td-bench-...), which are gone afterwards, or after a minute "
                  "when it is killed. Prints what half of the answers take, what 99 of 100 take, "
                  "and the worst, beside the guide's figures.",
        .needs = NEEDS_REDIS, .kinds = ALL_KINDS, .run = verb_cache_bench,
        .question = "write keys of a bench, and remove them",
        .options = {{"count", "N", "how often each (200)", 0}},
    },
};
/* clang-format on */

const struct verb_rows rows_cache = {S_rows, ARRAY_LEN(S_rows)};
