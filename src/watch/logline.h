/*
 * logline: how grave a line of somebody's log is, by the words that PostgreSQL (stderr, csvlog,
 * jsonlog) and most others write.
 */
#ifndef TD_LOGLINE_H
#define TD_LOGLINE_H

#include "snapshot.h"

/* False: the line says nothing of it; then it belongs to the line before. */
bool logline_severity(const char *line, size_t length, enum severity *out);

/* The severity of a name ("warn"); false: it is none. */
bool logline_level(const char *name, enum severity *out);

#endif
