/*
 * drill: what stands below the row of a pane, level by level: what a tenant has, and its keys one
 * by one.
 *
 * A level is a pane over a snapshot of its own. What a tenant has is taken from the console's
 * snapshot each time there is a new one; keys are listed by the verb `cache keys`, in a child, when
 * the level is opened and when somebody asks anew, and stay as they were found until then, with
 * their age.
 */
#ifndef TD_DRILL_H
#define TD_DRILL_H

#include "command.h"
#include "loop.h"
#include "pane.h"

enum drill_kind { DRILL_HOLDINGS, DRILL_KEYS };

struct drill_choice {
    const char *tenant, *type; /* NULL: any; `type` is the name of a template */
    bool unclaimed;            /* keys that fit no template */
};

struct level {
    enum drill_kind kind;
    struct pane pane;
    struct snapshot *snapshot;
    char *tenant, *type;
    bool unclaimed;
    char *title; /* "Cache: sessions", raw */
    struct command command;
    struct child *child; /* that lists the keys; NULL */
    struct buf answer;
    struct loop *loop;
    void (*changed)(void *ctx);
    void *ctx;
};

enum { DRILL_DEPTH = 2 };

struct drill {
    struct level *levels[DRILL_DEPTH]; /* each its own piece: a child speaks to it */
    size_t depth;
};

/* What a level needs of the console; `changed` is called when its rows are others. */
struct drill_ground {
    struct loop *loop;
    struct session *session;
    const struct snapshot *snapshot; /* the console's */
    void (*changed)(void *ctx);
    void *ctx;
};

/* Opens one level more, below the row that it is called after in the pane `from`. */
void drill_open(struct drill *drill, enum drill_kind kind, const char *from,
                const struct drill_choice *choice, const struct drill_ground *ground);
bool drill_back(struct drill *drill); /* to the level above; false: there was none */
void drill_release(struct drill *drill);

struct level *drill_top(const struct drill *drill); /* NULL: nobody is below the pane */
/* The console has a new snapshot. */
void drill_refresh(struct drill *drill, const struct snapshot *snapshot);
/* Lists the keys anew; the rows stay until the new ones are there. */
void drill_list_again(struct drill *drill);
/* The rows are put in order again, after sort or filter have changed. */
void drill_arrange(struct drill *drill);

/* Why the rows are old, or said instead of rows; NULL: neither. */
const char *drill_trouble(const struct level *level);

#endif
