/*
 * sequelize: which migrations of a service have been run, and which are pending.
 *
 * The tool keeps a row with the file's name for each that was run, and takes as pending whatever
 * lies in its folder and has none, in the order of the names. It never looks whether a row's file
 * is still there; here such a row is told apart, since nobody can take that migration back.
 */
#ifndef TD_SEQUELIZE_H
#define TD_SEQUELIZE_H

#include "pg.h"

enum sequelize_state {
    SEQUELIZE_UP,      /* it was run */
    SEQUELIZE_PENDING, /* its file is there, and it was not */
    SEQUELIZE_UNKNOWN, /* it was run, and its file is not there */
    SEQUELIZE_STATES,
};
const char *sequelize_state_name(enum sequelize_state state); /* "up", "pending", "unknown" */

struct sequelize_migration {
    const char *name; /* of the file: "20250721250000-complete-tenant-code-migration.js" */
    enum sequelize_state state;
};

struct sequelize {
    const char *tables; /* where the rows are: "sequelize_meta"; NULL: nowhere, none was ever run */
    bool has_folder;    /* false: none was named, so nobody knows what is pending */
    struct sequelize_migration *list; /* by name */
    size_t count;
    size_t counts[SEQUELIZE_STATES];
};

/* Reads the rows in `schema` and the files in `folder` (NULL: none is known), into the arena. */
bool sequelize_read(struct pg *pg, const char *schema, const char *folder, struct arena *arena,
                    struct sequelize *out, struct err *err);

/* "a.js, b.js and 3 more": the names in one state, at most `most` of them; yours. */
char *sequelize_names_in(const struct sequelize *state, enum sequelize_state which, size_t most);

#endif
