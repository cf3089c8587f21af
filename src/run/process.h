/*
 * process: a command of somebody else as a child of ours, in the loop.
 *
 * It has a process group of its own, /dev/null as its input, and one pipe for all it says, which
 * the loop reads: a child that talks without end, or that leaves a daemon with the pipe open,
 * stalls nobody. No shell is involved. It waits at a gate until process_go(), so that it can be
 * noted before it does anything; when we die before that, it goes without having begun.
 *
 * Who it is, is told by pid, start time and boot, so that a later process with the same number is
 * never taken for it. Everything it starts carries a mark in the environment, and so is found
 * again even where it has left the group. The same number and start are in the name of its sessions
 * (PGAPPNAME), so that what a server still does for it is found when it is gone.
 */
#ifndef TD_PROCESS_H
#define TD_PROCESS_H

#include "err.h"
#include "loop.h"

#include <sys/types.h>

struct process;

struct process_order {
    const char *const *argv;   /* ended by NULL; argv[0] is looked for in PATH */
    const char *title;         /* what it is, in the name of its sessions; NULL: argv[0] */
    const char *folder;        /* where it runs; NULL: where we are */
    const char *const *hidden; /* names taken out of its environment, ended by NULL; NULL: none */
    const char *const *added;  /* "NAME=value" put in, ended by NULL; NULL: none */
    int64_t timeout_ms;        /* 0: as long as it likes */
};

/*
 * A line of its output, without the newline; `len` counts, it may hold anything. One that is longer
 * than PROCESS_LINE comes in pieces, of which only the last is `whole`.
 */
enum { PROCESS_LINE = 8192 };
typedef void process_line_fn(void *ctx, const char *line, size_t len, bool whole);

/* Forked, and waiting at the gate. NULL on failure. `line` may be NULL. */
struct process *process_new(struct loop *loop, const struct process_order *order,
                            process_line_fn *line, void *ctx, struct err *err);
pid_t process_pid(const struct process *process);
/* Opens the gate; the time it may take begins now. */
void process_go(struct process *process);
/* Ends the group and whatever carries its mark: SIGTERM, and a little later SIGKILL. */
void process_end(struct process *process);

/* Turn the loop until it is. Lines may come until then, and none after. */
bool process_is_over(const struct process *process);

enum process_outcome {
    PROCESS_EXITED,      /* by itself: `status` has its exit code or its signal */
    PROCESS_TIMED_OUT,   /* it was ended because its time was up */
    PROCESS_ENDED,       /* it was ended by process_end() */
    PROCESS_NOT_STARTED, /* the command could not be run: `trouble` says why */
};

struct process_result {
    enum process_outcome outcome;
    int status;          /* as of waitpid() */
    int64_t ms;          /* from the gate to the end */
    const char *trouble; /* NULL but for PROCESS_NOT_STARTED; valid until process_free() */
    const char *left;    /* pids of what it has left running, "812 813"; NULL: nothing */
};
const struct process_result *process_result(const struct process *process); /* once it is over */

/* "exit code 3", "signal 9 (Killed)", …: what became of it, for a sentence; yours. */
char *process_describe(const struct process_result *result);

/* Kills it when it is not over, and waits for that. NULL is fine. */
void process_free(struct process *process);

/*
 * Who starts us may have SIGCHLD ignored; then the kernel would throw the exit codes of children
 * away.
 */
void process_want_exit_codes(void);

/* ---- who a process is, also one that another worker has started ---- */

struct process_identity {
    pid_t pid;
    int64_t start_ticks; /* since the boot */
    char boot_id[37];
    char host[65];
};

bool process_identify(pid_t pid, struct process_identity *out, struct err *err);

/*
 * The processes of this one that are still there: itself, its group, and what carries its mark; how
 * many, and as many pids as `room` holds. 0 after another boot. Where it runs on another host
 * nobody can tell: then it is 0 with `elsewhere` set.
 */
size_t process_family(const struct process_identity *identity, pid_t *pids, size_t room,
                      bool *elsewhere);
/* Ends them all, SIGTERM first, within about `ms` while the loop turns; false while one lives. */
bool process_put_down(struct loop *loop, const struct process_identity *identity, int64_t ms,
                      struct err *err);

#endif
