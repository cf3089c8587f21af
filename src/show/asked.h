/* asked: in words, what people have asked of a run and what has not come about yet. */
#ifndef TD_ASKED_H
#define TD_ASKED_H

#include "snapshot.h"

#include <jansson.h>

/* "pause asked for by anna@bastion1 4s ago, comes at the next border"; names stay raw. */
void asked_words(const struct asked_view *asked, int64_t now, struct buf *out);
/* What the run is about to do: "aborting", "stopping", "pausing"; NULL: nothing of it. */
const char *asked_doing(const struct run_view *run);
json_t *asked_json(const struct run_view *run); /* an array; yours */

#endif
