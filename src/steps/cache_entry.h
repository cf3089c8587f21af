/*
 * cache_entry: one entry of the service's cache: cache:{tenant}:{namespace}:{key}, JSON, with tags.
 *
 * The service writes two shapes, {data, createdAt, expiresAt, version, tags} and, under "generic",
 * {data, timestamp, ttl, version}; lists and whatever another has put there stand as they are. A
 * tag is a set of the keys that carry it; ours lives as long as the longest of them (the service
 * gives it the time of the last, so that a tag can end before what it should invalidate).
 */
#ifndef TD_CACHE_ENTRY_H
#define TD_CACHE_ENTRY_H

#include "keyspace.h"

#include <jansson.h>

enum entry_shape {
    ENTRY_NONE,  /* there is no such key */
    ENTRY_FULL,  /* data, createdAt, expiresAt, version, tags */
    ENTRY_SHORT, /* data, timestamp, ttl */
    ENTRY_PLAIN, /* JSON of another shape */
    ENTRY_TEXT,  /* a string that is no JSON */
    ENTRY_WRONG, /* no string at all */
};

struct cache_entry { /* release it */
    enum entry_shape shape;
    char *key;
    json_t *value;        /* the whole; NULL unless it is JSON */
    json_t *data;         /* borrowed from it; of a plain one it is the whole */
    char *text;           /* of ENTRY_TEXT, as far as it can be shown: cleaned */
    int64_t ttl_ms;       /* PTTL; -1: it has no end */
    int64_t since, until; /* what it says itself, milliseconds; -1 */
};

void cache_entry_release(struct cache_entry *entry);
/* Looks, and changes nothing: no expiry, no counter. */
bool cache_entry_get(struct keyspace *keyspace, const char *key, struct cache_entry *out,
                     struct err *err);
/* The service would take it for a miss, though its key is there. */
bool cache_entry_is_over(const struct cache_entry *entry, int64_t now_ms);

struct cache_order {
    const char *tenant, *name_space, *key;
    json_t *data; /* borrowed */
    int64_t ttl;  /* seconds */
    const char *const *tags;
    size_t tag_count;
};

/* Writes it in the full shape, tags before the entry, and reads it again. */
bool cache_entry_set(struct keyspace *keyspace, const struct cache_order *order, struct err *err);
/* Removes it, and takes it out of its tags. `*was` says whether there was one. */
bool cache_entry_delete(struct keyspace *keyspace, const char *tenant, const char *key, bool *was,
                        struct err *err);

struct tag_result {
    int64_t members;   /* keys that carry the tag */
    int64_t removed;   /* entries that were there, and are gone */
    int64_t again;     /* which somebody has set again meanwhile */
    int64_t strangers; /* keys that are no cache entries of this tenant: never touched */
    json_t *samples;   /* of those; yours, json_decref() */
};

/* All entries that carry a tag; with `dry` it only counts them (removed stays 0). */
bool cache_tag_invalidate(struct keyspace *keyspace, const char *tenant, const char *tag, bool dry,
                          struct tag_result *out, struct err *err);

#endif
