/*
 * verb_table: everything the program can be told to do, and every option, from its parts (rows.h).
 *
 * Help, completion, manual page, command line and console read it; so nothing is written twice.
 * The order is the order of the help.
 */
#include "rows.h"

/* clang-format off */
const struct verb_option common_options[] = {
    {"database", "CONNINFO", "the database: a URL, key=value words, or its bare name", 'd'},
    {"redis", "URL", "Redis: redis://[user[:password]@]host[:port][/db], rediss:// (TLS), unix://path or https:// (Upstash)", 'r'},
    {"plan", "PLAN", "the plan: a name of 'plan list', or a path", 'p'},
    {"deck", "FILE", "the deck that names all three; else $TENANTDECK_DECK, else ~/.config/tenantdeck/deck.conf", 0},
    {"env-file", "FILE", "reads the services' environment names from a .env file", 0},
    {"operator", NULL, "the console may change things; without it, it only looks", 0},
    {"json", NULL, "answers in JSON, errors too", 0},
    {"yes", NULL, "answers y to a question about something that can be taken back", 'y'},
    {"confirm", "[=NAME]", "the database's name, for what cannot be taken back; alone: asks at the terminal", 0},
    {"verbose", NULL, "shows on stderr each statement that is sent, and its time", 'v'},
    {"refresh", "SECONDS", "the pause between two looks at the servers (2)", 0},
    {"ascii", NULL, "draws with ASCII alone", 0},
    {"mono", NULL, "the console uses no colour, as with NO_COLOR set", 0},
    {"theme", "NAME", "the console's looks: default, mono, or contrast (nothing dim, on black)", 0},
    {"mouse", NULL, "the console takes the mouse: tabs, rows, headings and the wheel", 0},
    {"script", "FILE", "the console takes its keys from a file and prints its screens", 0},
    {"size", "COLSxLINES", "the size of that console's screen (80x24)", 0},
    {"version", NULL, "prints the version", 'V'},
    {"help", NULL, "prints the help, of a verb when one is named", 'h'},
};
const size_t common_option_count = ARRAY_LEN(common_options);
/* clang-format on */

static const struct verb_rows *const S_parts[] = {&rows_look, &rows_run, &rows_cache, &rows_change};

size_t verb_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(S_parts); i++)
        count += S_parts[i]->count;
    return count;
}

const struct verb *verb_at(size_t i)
{
    size_t part = 0;
    while (i >= S_parts[part]->count)
        i -= S_parts[part++]->count;
    return &S_parts[part]->rows[i];
}
