/* asked: see asked.h. */
#include "asked.h"

#include "clock.h"
#include "table.h"

static const struct asked_look {
    const char *verb, *doing, *when;
} S_looks[] = {
    {"abort", "aborting", "is being cancelled"},
    {"stop", "stopping", "comes at the next border"},
    {"pause", "pausing", "comes at the next border"},
    {"hold", NULL, "waits there until 'resume'"},
};

static const struct asked_look *S_find(const char *verb)
{
    for (size_t i = 0; i < ARRAY_LEN(S_looks); i++)
        if (str_is(S_looks[i].verb, verb))
            return &S_looks[i];
    return NULL;
}

/* Whole seconds, so that a line which changes with each look can be read. */
static void S_add_age(int64_t age_ms, struct buf *out)
{
    char span[16];
    clock_format_span(age_ms, span);
    if (age_ms < 10000)
        buf_format(out, "%llds ago", (long long)(age_ms > 0 ? age_ms / 1000 : 0));
    else
        buf_format(out, "%s ago", span);
}

void asked_words(const struct asked_view *asked, int64_t now, struct buf *out)
{
    const struct asked_look *look = S_find(asked->verb);
    buf_format(out, "%s%s%s asked for by %s ", asked->verb, asked->step ? " before " : "",
               asked->step ? asked->step : "", asked->who);
    S_add_age(now - asked->at, out);
    if (!asked->heard)
        buf_add(out, ", not heard yet");
    else if (look)
        buf_format(out, ", %s", look->when);
}

const char *asked_doing(const struct run_view *run)
{
    const struct asked_look *look = run->asked_count ? S_find(run->asked[0].verb) : NULL;
    return look ? look->doing : NULL;
}

json_t *asked_json(const struct run_view *run)
{
    json_t *all = json_array();
    for (size_t i = 0; i < run->asked_count; i++) {
        const struct asked_view *asked = &run->asked[i];
        char at[21];
        clock_format_iso(asked->at, at);
        json_array_append_new(
            all, json_pack("{s:s, s:o, s:o, s:s, s:b}", "verb", asked->verb, "step",
                           asked->step ? table_text_json(asked->step) : json_null(), "who",
                           table_text_json(asked->who), "at", at, "heard", (int)asked->heard));
    }
    return all;
}
