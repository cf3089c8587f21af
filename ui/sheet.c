/* sheet: see sheet.h. */
#include "sheet.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum { KEEPS_MS = 10 * 60 * 1000, QUESTION_LINES = 4 };

/* ---- opening and closing ---- */

static void S_show_side(struct sheet *sheet)
{
    const struct buf *text = &sheet->texts[sheet->side];
    char *title = str_format("%s%s", sheet->title, sheet->side == SHEET_SQL ? ": SQL" : "");
    reader_open(&sheet->reader, title);
    sheet->reader.verbatim = sheet->side == SHEET_SQL;
    if (text->len)
        reader_add(&sheet->reader, text->text, text->len);
    if (sheet->ended[sheet->side])
        reader_end(&sheet->reader);
    else
        reader_remark(&sheet->reader, MOOD_ACTIVE, "still coming");
    free(title);
}

void sheet_open(struct sheet *sheet, const struct sheet_plan *plan)
{
    sheet_close(sheet);
    char *shown = plan->name ? text_cleaned(plan->name) : NULL;
    *sheet = (struct sheet){
        .open = true,
        .ready = !plan->has_text,
        .title = str_dup(plan->title),
        .question = text_cleaned(plan->question),
        .name = str_dup(plan->name),
        .label = shown ? str_format("type %s: ", shown) : str_dup("y/N: "),
        .has_text = plan->has_text,
        .has_sql = plan->has_sql,
        .opened_at = clock_wall(),
    };
    free(shown);
    prompt_open(&sheet->prompt, sheet->label, "", NULL);
    S_show_side(sheet);
}

void sheet_close(struct sheet *sheet)
{
    free(sheet->title);
    free(sheet->question);
    free(sheet->name);
    for (size_t i = 0; i < SHEET_SIDES; i++)
        buf_release(&sheet->texts[i]);
    prompt_close(&sheet->prompt);
    free(sheet->label);
    reader_close(&sheet->reader);
    *sheet = (struct sheet){0};
}

/* ---- its text ---- */

void sheet_add(struct sheet *sheet, enum sheet_side side, const char *raw, size_t length)
{
    buf_add_mem(&sheet->texts[side], raw, length);
    if (side == sheet->side)
        reader_add(&sheet->reader, raw, length);
}

void sheet_end(struct sheet *sheet, enum sheet_side side)
{
    sheet->ended[side] = true;
    if (side != sheet->side)
        return;
    reader_end(&sheet->reader);
    reader_remark(&sheet->reader, MOOD_PLAIN, "");
}

void sheet_ready(struct sheet *sheet, const char *warns)
{
    char *clean = text_cleaned(warns), *question = sheet->question;
    sheet->ready = true;
    if (*clean) {
        sheet->question = str_format("%s: %s", clean, question);
        free(question);
    }
    free(clean);
}

void sheet_fail(struct sheet *sheet, const char *remark)
{
    sheet->has_sql = false;
    sheet->failed = true;
    free(sheet->question);
    sheet->question = str_dup("This cannot be answered; the text says why.");
    reader_remark(&sheet->reader, MOOD_BAD, remark);
}

void sheet_turn(struct sheet *sheet)
{
    sheet->side = sheet->side == SHEET_OUTLINE ? SHEET_SQL : SHEET_OUTLINE;
    S_show_side(sheet);
}

/* ---- the answer ---- */

static bool S_is_old(const struct sheet *sheet)
{
    int64_t age = clock_wall() - sheet->opened_at;
    return age < 0 || age > KEEPS_MS;
}

static enum sheet_news S_judge(const struct sheet *sheet, const char **why)
{
    const char *text = buf_text(&sheet->prompt.text);
    if (S_is_old(sheet))
        *why = "the question is more than ten minutes old; ask again";
    else if (sheet->name && !*text)
        *why = "no name was typed";
    else if (sheet->name && !str_is(text, sheet->name))
        *why = "what was typed is not the name, letter for letter";
    else if (!sheet->name && !str_is(text, "y") && !str_is(text, "Y") && !str_is(text, "yes"))
        *why = "the answer was not y";
    else
        return SHEET_YES;
    return SHEET_NO;
}

enum sheet_news sheet_key(struct sheet *sheet, int key, bool by_hand, const char **why)
{
    bool leaves = key == K_ESC || key == K_CTRL('c') || key == K_CTRL('g');
    *why = sheet->name ? "no name was typed" : "the answer was not y";
    if (leaves)
        return SHEET_NO;
    sheet->dropped = !sheet->hears;
    if (sheet->dropped)
        return SHEET_STAYS;
    *why = "the answer came all at once, as pasted text does; it has to be typed";
    if (!by_hand)
        return SHEET_NO;
    switch (prompt_key(&sheet->prompt, key)) {
    case PROMPT_DONE:
        return S_judge(sheet, why);
    case PROMPT_LEFT: /* back over the label */
        *why = sheet->name ? "no name was typed" : "the answer was not y";
        return SHEET_NO;
    default:
        return SHEET_STAYS;
    }
}

/* ---- drawing ---- */

static void S_draw_prompt(const struct sheet *sheet, int y)
{
    const struct style dim = {.mood = MOOD_DIM};
    if (sheet->hears) {
        prompt_draw(&sheet->prompt, y);
        if (sheet->dropped || !sheet->prompt.text.len)
            screen_put(y, (int)text_width(sheet->label) + 2, screen_cols(),
                       sheet->dropped ? "what was typed before this question was dropped"
                       : sheet->name  ? "letter by letter, then Enter"
                                      : "y, then Enter; anything else is a No",
                       dim);
    } else if (!sheet->ready && !sheet->failed) {
        screen_put(y, 0, screen_cols(), "what it would do is being looked up", dim);
    }
}

void sheet_draw(struct sheet *sheet, struct box body, enum layout_frame frame, int end,
                bool answering, int *bar)
{
    int asked = wrap_height(sheet->question, screen_cols(), QUESTION_LINES);
    *bar = -1;
    if (sheet->has_text) {
        *bar = end - 2;
        body.height = *bar - asked - body.y;
        reader_draw(&sheet->reader, body, frame);
    }
    wrap_sentence(sheet->question, sheet->name ? MOOD_BAD : MOOD_WARN, QUESTION_LINES,
                  sheet->has_text ? *bar : end - 1);
    if (answering)
        S_draw_prompt(sheet, end - 1);
}

bool sheet_was_shown(struct sheet *sheet)
{
    if (!sheet->open || !sheet->ready || sheet->shown)
        return false;
    return sheet->shown = true;
}

void sheet_hear(struct sheet *sheet)
{
    sheet->hears = sheet->shown;
}

void sheet_look_away(struct sheet *sheet)
{
    sheet->shown = sheet->hears = false;
}
