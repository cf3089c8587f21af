/* verb_cache: see verb_cache.h. */
#include "verb_cache.h"

#include "clock.h"
#include "verb_launch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_MS = 250, SHARE_USUAL = 100, SAMPLE_COLUMNS = 200 };

static volatile sig_atomic_t S_stopped;
static struct sigaction S_before;
static bool S_heeded;

static void S_on_interrupt(int number)
{
    (void)number;
    S_stopped = 1;
}

bool verb_cache_number(const struct verb_call *call, const char *option, int64_t least,
                       int64_t most, int64_t *value, struct err *err)
{
    const char *given = verb_given(call, option);
    if (!given)
        return true;
    if (str_to_int(given, value) && *value >= least && *value <= most)
        return true;
    return err_set(err, ERR_USAGE, "'--%s' wants a number from %lld to %lld, not '%s'", option,
                   (long long)least, (long long)most, given);
}

/* ---- the choice ---- */

static void S_find_organizations(struct verb_cache *cache)
{
    const char *const *codes;
    struct key_choice *choice = &cache->choice;
    int64_t tenant = choice->tenant ? tally_of_tenant(cache->tally, choice->tenant) : MAP_NONE;
    if (tenant == MAP_NONE)
        return;
    size_t count = tally_organizations(cache->tally, (size_t)tenant, &codes);
    for (size_t i = 0; i < count; i++)
        if (tally_of_organization(cache->tally, codes[i]) == tenant)
            map_put(&cache->organizations, codes[i], 0);
    choice->organizations = &cache->organizations;
}

static bool S_read_choice(struct verb_cache *cache, const char *pattern, bool everything,
                          struct err *err)
{
    const struct verb_call *call = cache->call;
    cache->choice = (struct key_choice){
        .plan = call->session->plan,
        .tenant = verb_given(call, "tenant"),
        .organization = verb_given(call, "org"),
        .type = verb_given(call, "type"),
        .namespace = verb_given(call, "namespace"),
        .id = verb_given(call, "id"),
        .pattern = {.text = pattern, .len = pattern ? strlen(pattern) : 0},
        .foreign = verb_given(call, "foreign") != NULL,
        .everything = everything,
    };
    if (call->session->plan)
        cache->tally = tally_new(call->session->plan);
    if (cache->tally)
        S_find_organizations(cache);
    if (!key_choice_begin(&cache->choice, err))
        return false;
    if (key_choice_glob(&cache->choice, &cache->glob_text)) {
        cache->glob = (struct key_glob){cache->glob_text.text, cache->glob_text.len};
        cache->match = &cache->glob;
    }
    return true;
}

bool verb_cache_begin(struct verb_call *call, bool everything, struct verb_cache *cache,
                      struct err *err)
{
    return verb_cache_begin_with(call, verb_given(call, "pattern"), everything, cache, err);
}

bool verb_cache_begin_with(struct verb_call *call, const char *pattern, bool everything,
                           struct verb_cache *cache, struct err *err)
{
    int64_t share = SHARE_USUAL;
    *cache = (struct verb_cache){.call = call};
    if (!verb_cache_number(call, "share", 1, 100, &share, err) ||
        !S_read_choice(cache, pattern, everything, err) ||
        !keyspace_open_for(call->loop, &call->session->redis, &cache->keyspace, err))
        return false;
    cache->share = (int)share;
    keyspace_pace(cache->keyspace, cache->share);
    return true;
}

void verb_cache_end(struct verb_cache *cache)
{
    if (S_heeded)
        sigaction(SIGINT, &S_before, NULL);
    S_heeded = false;
    verb_cache_wipe(cache);
    keyspace_free(cache->keyspace);
    key_choice_end(&cache->choice);
    map_release(&cache->organizations);
    buf_release(&cache->glob_text);
    tally_free(cache->tally);
    *cache = (struct verb_cache){0};
}

const volatile sig_atomic_t *verb_cache_heed(struct verb_cache *cache)
{
    struct sigaction heed = {.sa_handler = S_on_interrupt};
    (void)cache;
    S_stopped = 0;
    S_heeded = sigaction(SIGINT, &heed, &S_before) == 0;
    return &S_stopped;
}

/* ---- what is told meanwhile ---- */

void verb_cache_wipe(struct verb_cache *cache)
{
    if (cache->drawn)
        fputs("\r\033[K", stderr);
    cache->drawn = false;
}

void verb_cache_progress(struct verb_cache *cache, const char *what, double percent, int64_t done)
{
    struct buf line = {0};
    if (cache->call->json || !isatty(STDERR_FILENO) || clock_ms() - cache->drawn_at < PROGRESS_MS)
        return;
    cache->drawn_at = clock_ms();
    buf_format(&line, "\r\033[K%s: %.1f %% of the keys seen, ", what, percent);
    text_count(&line, done);
    fputs(buf_text(&line), stderr);
    fflush(stderr);
    cache->drawn = true;
    buf_release(&line);
}

char *verb_cache_clean(const char *key, size_t len)
{
    struct buf clean = {0};
    text_clean(&clean, key, len);
    return buf_take(&clean);
}

void verb_cache_add_sample(struct buf *out, const char *clean)
{
    size_t fits = text_fit(clean, SAMPLE_COLUMNS);
    buf_add_mem(out, clean, fits);
    buf_add(out, clean[fits] ? "..." : "");
}

void verb_cache_print_samples(const struct verb_call *call, const json_t *samples)
{
    size_t i;
    const json_t *sample;
    json_array_foreach(samples, i, sample)
    {
        struct buf line = {0};
        verb_cache_add_sample(&line, json_string_value(sample));
        fprintf(call->out, "  %s\n", buf_text(&line));
        buf_release(&line);
    }
}
