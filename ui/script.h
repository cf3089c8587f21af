/*
 * script: plays a console from a file on a virtual screen, and writes down what stands on it.
 *
 * One command a line, # begins a comment: clock ISO-TIME, settle, key NAME..., type TEXT, paste
 * TEXT, wait TEXT, expect TEXT, reject TEXT, resize COLSxLINES, dump NAME, dumps NAME (one dump in
 * each of 80x24, 60x15 and 160x45), styles NAME, click COLUMN LINE, wheel up|down, storm N (that
 * many sizes between 1x1 and 500x200, and back). Nothing in it waits for time to pass: settle and
 * wait turn the loop until what they wait for is there. A command that fails ends the script with
 * its file and line.
 */
#ifndef TD_SCRIPT_H
#define TD_SCRIPT_H

#include "console_state.h"

/* Freezes the clock before anything is asked, when that is the script's first command. */
bool script_begin(const char *path, struct err *err);
bool script_run(struct console *console, const char *path, struct err *err);

#endif
