/*
 * rollback_text: the guide of a rollback in words, numbered, for whoever reads it out on the
 * telephone.
 */
#ifndef TD_ROLLBACK_TEXT_H
#define TD_ROLLBACK_TEXT_H

#include "guide.h"
#include "verb.h"

/* What needs no look at the tables, then what they were asked (guide_count_losses, guide_check). */
void rollback_print_plan(struct verb_call *call, const struct guide *guide);
void rollback_print_losses(struct verb_call *call, const struct guide *guide);
void rollback_print_checks(struct verb_call *call, const struct guide *guide);
/* What somebody can choose, each as an option of the command line. */
void rollback_print_choices(struct verb_call *call, const struct guide *guide,
                            const char *const *alone, size_t alone_count);
json_t *rollback_to_json(const struct guide *guide); /* yours */

#endif
