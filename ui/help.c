/* help: see help.h. */
#include "help.h"

static void S_tell_columns(struct buf *out, const struct table_def *def)
{
    size_t widest = 0;
    for (size_t i = 0; i < def->column_count; i++) {
        size_t width = text_width(def->columns[i].heading);
        widest = width > widest ? width : widest;
    }
    buf_add(out, "\nColumns\n\n");
    for (size_t i = 0; i < def->column_count; i++) {
        buf_add(out, "  ");
        text_pad(out, def->columns[i].heading, widest, TEXT_LEFT, false);
        buf_format(out, "  %s\n", def->columns[i].note);
    }
    if (def->estimate_note)
        buf_format(out, "  ~ before a figure: %s%s\n", def->estimate_note,
                   def->exact_note ? "; C counts exactly" : "");
}

/* Whoever asks for help may not know yet what there is to ask for. */
static void S_tell_way(struct buf *out, enum table_id id)
{
    buf_add(out, id == TABLE_STEPS
                     ? "M runs all of them, after a question that says what each does; b guides "
                       "through taking them back.\n"
                     : "To migrate: 1 leads to the steps, where M runs all of them and b guides "
                       "through taking them back; 4 has what was found.\n");
}

static void S_tell_place(struct buf *out, const struct table_def *def, unsigned place, bool steps)
{
    buf_format(out, "%s\n", def->note);
    if (steps)
        S_tell_way(out, (enum table_id)(def - table_defs));
    buf_add(out, "\nKeys\n\n");
    keys_tell(out, place);
    buf_add(out, "\nWhen something is asked\n\n");
    keys_tell(out, IN_SHEET);
    S_tell_columns(out, def);
    buf_add(out,
            "\nA filter may name columns: 'rows>1000 table:session' (: contains, = != < > <= >= "
            "compare; "
            "Tab completes a name). A narrow window leaves out columns: > brings them in, Enter "
            "shows all of a row. The console only "
            "looks at the servers, unless it was opened with --operator. :help lists the "
            "verbs, :help VERB tells about one.\n");
}

void help_of_pane(struct buf *out, enum table_id id, bool steps)
{
    S_tell_place(out, &table_defs[id], 1U << id, steps);
}

void help_of_level(struct buf *out, const struct level *level)
{
    S_tell_place(out, level->pane.def, level->kind == DRILL_KEYS ? IN_KEYS : IN_HOLDINGS, false);
}

void help_of_reader(struct buf *out, bool guides)
{
    buf_add(out, guides ? "What a rollback would take back, and what would be lost.\n\n"
                        : "A text to scroll in.\n\n");
    keys_tell(out, guides ? IN_READER | IN_GUIDE : IN_READER);
}
