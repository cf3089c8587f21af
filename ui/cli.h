/*
 * cli: the face for a shell: reads the command line, runs one verb or opens the console, and turns
 * what came of it into words, JSON and an exit status. Holds no knowledge of any verb but `demo`,
 * which brings its own servers.
 */
#ifndef TD_CLI_H
#define TD_CLI_H

/* The whole program; returns its exit status. */
int cli_main(int argc, char **argv);

#endif
