/*
 * plan_file: a plan that a test writes into a directory of its own, and what it begins with.
 */
#ifndef TD_TEST_PLAN_FILE_H
#define TD_TEST_PLAN_FILE_H

#include "plan.h"

/* Where a case says no more than its point, this stands before it: lines 1 to 12. */
#define SITE_HEAD                                                                                  \
    "[plan]\n"                                                                                     \
    "name = site\n"                                                                                \
    "kind = columns\n"                                                                             \
    "[mapping]\n"                                                                                  \
    "file = codes.csv\n"                                                                           \
    "key = organization_id\n"                                                                      \
    "default = 1 org tenant\n"                                                                     \
    "users = people.id org\n"                                                                      \
    "[column \"tenant_code\"]\n"                                                                   \
    "type = varchar(20)\n"                                                                         \
    "[column \"organization_code\"]\n"                                                             \
    "type = text\n"
/* Lines 13 and 14 after SITE_HEAD. */
#define SITE_TABLE "[table \"t\"]\nfrom = own org\n"
/* Lines 15 and 16 after SITE_TABLE. */
#define SITE_OUTSIDE "[outside \"seed\"]\ncommand = npm run seed\n"
#define SITE_CACHE "[plan]\nname = c\nkind = cache\n"

extern struct plan_place {
    char directory[64];
    char path[96];    /* of the plan */
    char mapping[96]; /* of codes.csv beside it */
} plan_place;

/* For cmocka_run_group_tests(). */
int plan_file_setup(void **state);
int plan_file_teardown(void **state);

void plan_file_write(const char *path, const char *text);
/* Writes the plan, and reads it; the test fails when it is refused. */
struct plan *plan_file_read(const char *text);

#endif
