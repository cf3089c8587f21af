/*
 * pg_error: what an error of PostgreSQL means for us, and what a DBA can do about it. Tables only.
 */
#include "pg.h"

#include <string.h>

/* What the SQLSTATE of an error means for whoever asked. The first match counts. */
static const struct {
    const char *prefix;
    enum err_kind kind;
} S_states[] = {
    {"55P03", ERR_RETRY},   /* lock not available */
    {"40P01", ERR_RETRY},   /* deadlock */
    {"40001", ERR_RETRY},   /* serialization */
    {"53300", ERR_RETRY},   /* too many connections */
    {"57P01", ERR_LOST},    /* terminated by an administrator */
    {"57P02", ERR_LOST},    /* crash shutdown */
    {"57P03", ERR_LOST},    /* the server is starting or stopping */
    {"08", ERR_LOST},       /* connection exceptions */
    {"42501", ERR_REFUSED}, /* insufficient privilege */
    {"28", ERR_LOST},       /* wrong password, no pg_hba.conf entry */
    {"3D000", ERR_LOST},    /* no such database */
};

enum err_kind pg_kind_of(const char *sqlstate)
{
    for (size_t i = 0; i < ARRAY_LEN(S_states); i++)
        if (str_starts(sqlstate, S_states[i].prefix))
            return S_states[i].kind;
    return ERR_FAILED;
}

/* What to do about a connection that could not be had, by what the server or libpq says. */
void pg_hint_connect(struct err *err)
{
    static const struct {
        const char *says, *hint;
    } remedies[] = {
        {"Connection refused",
         "is PostgreSQL running there, and is the port right? pg_isready tells"},
        {"No such file or directory",
         "is PostgreSQL running here? give -d with host and port when it is elsewhere"},
        {"password authentication failed",
         "check user and password; a passfile or a service file keeps them off the command line"},
        {"no password supplied",
         "the server wants a password: use a passfile, PGPASSWORD, or a terminal to be asked at"},
        {"does not exist", "check the name; psql -l lists the databases, \\du the roles"},
        {"no pg_hba.conf entry",
         "the server does not let this user in from this host: see its pg_hba.conf"},
        {"too many", "the server has no connection left: close some, or raise max_connections"},
        {"certificate", "check sslmode and sslrootcert of the connection"},
        {"starting up", "the server is starting: try again in a moment"},
        {"shutting down", "the server is being stopped: try again when it is back"},
    };
    for (size_t i = 0; i < ARRAY_LEN(remedies) && !*err->hint; i++)
        if (strstr(err->text, remedies[i].says))
            err_hint(err, "%s", remedies[i].hint);
}
