/*
 * findings: what is known of a check, at length: for the reader, and for a file that somebody takes
 * away.
 *
 * The texts for the reader stay raw, as a struct table_def promises; what goes into a file is
 * clean.
 */
#ifndef TD_FINDINGS_H
#define TD_FINDINGS_H

#include "snapshot.h"

#include <jansson.h>

/* Lines about one check: what was asked, with which SQL, what was found, and what would mend it. */
void findings_detail(const struct snapshot *snapshot, const struct check_view *check,
                     struct buf *out);
/* … and about a group of them. */
void findings_group(const struct snapshot *snapshot, const struct check_group *group,
                    struct buf *out);

/* All checks, the worst first: an array of objects, a line of CSV each, or one under the other. */
json_t *findings_json(const struct snapshot *snapshot);
void findings_csv(const struct snapshot *snapshot, struct buf *out);
void findings_text(const struct snapshot *snapshot, struct buf *out);

#endif
