/* help: the help of a pane, made from the table of keys and the columns of its table. */
#ifndef TD_HELP_H
#define TD_HELP_H

#include "drill.h"
#include "keys.h"

/* `steps`: the plan has steps, so that it is said where they are run. */
void help_of_pane(struct buf *out, enum table_id id, bool steps);
void help_of_level(struct buf *out, const struct level *level);
void help_of_reader(struct buf *out, bool guides);

#endif
