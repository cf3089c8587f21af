/* verb_checks: how a verb that checks something shows what it has found; verbs.h has it. */
#include "verbs.h"

#include "tables.h"
#include "verb_help.h"

#include <string.h>

static void S_count_verdicts(const struct snapshot *snapshot, size_t counts[static 4])
{
    for (size_t i = 0; i < snapshot->check_count; i++)
        counts[snapshot->checks[i].verdict]++;
}

/* A table would cut the sentences, and they are what a person came for. */
static void S_print_check(const struct verb_call *call, const struct check_view *check,
                          bool details)
{
    struct buf text = {0};
    text_clean(&text, check->group, strlen(check->group));
    buf_add(&text, "  ");
    text_clean(&text, check->subject, strlen(check->subject));
    fprintf(call->out, "%-7s %s", verdict_name(check->verdict), buf_text(&text));
    if (check->count != UNKNOWN)
        fprintf(call->out, " (%lld)", (long long)check->count);
    buf_clear(&text);
    text_clean(&text, check->message, strlen(check->message));
    fprintf(call->out, "\n%8s", "");
    help_wrap(call->out, buf_text(&text), 8, 8, call->width);
    buf_clear(&text);
    if (check->detail && (details || check->verdict == VERDICT_FAIL))
        text_clean_lines(&text, check->detail, strlen(check->detail));
    for (const char *line = buf_text(&text); *line; line += strspn(line, "\n")) {
        fprintf(call->out, "%8s%.*s\n", "", (int)strcspn(line, "\n"), line);
        line += strcspn(line, "\n");
    }
    buf_release(&text);
}

static void S_print_checks(const struct verb_call *call, const struct snapshot *snapshot,
                           const struct arrange_by *by, const size_t counts[static 4], bool details)
{
    struct arrangement rows;
    table_arrange(&table_defs[TABLE_VALIDATION], snapshot, by, &rows);
    for (size_t i = 0; i < rows.count; i++)
        if (snapshot->checks[rows.rows[i]].verdict != VERDICT_PASS)
            S_print_check(call, &snapshot->checks[rows.rows[i]], details);
    fprintf(call->out, "%s%zu checks: %zu pass, %zu warn, %zu fail, %zu unknown\n",
            counts[VERDICT_PASS] < snapshot->check_count ? "\n" : "", snapshot->check_count,
            counts[VERDICT_PASS], counts[VERDICT_WARN], counts[VERDICT_FAIL],
            counts[VERDICT_UNKNOWN]);
    arrangement_release(&rows);
}

static void S_answer_checks(struct verb_call *call, const struct snapshot *snapshot,
                            const struct arrange_by *by, const size_t counts[static 4])
{
    json_t *summary = json_object();
    for (enum verdict v = VERDICT_PASS; v <= VERDICT_UNKNOWN; v++)
        json_object_set_new(summary, verdict_name(v), json_integer((json_int_t)counts[v]));
    verb_answer(call, json_pack("{s:o, s:o}", "summary", summary, "checks",
                                table_json(&table_defs[TABLE_VALIDATION], snapshot, by)));
}

void verb_show_checks(struct verb_call *call, const struct snapshot *snapshot, bool details)
{
    const struct table_def *def = &table_defs[TABLE_VALIDATION];
    struct arrange_by by = verb_arrange(call, def);
    size_t counts[4] = {0};
    S_count_verdicts(snapshot, counts);
    if (call->json)
        S_answer_checks(call, snapshot, &by, counts);
    else
        S_print_checks(call, snapshot, &by, counts, details);
    call->findings = counts[VERDICT_FAIL] > 0;
}
