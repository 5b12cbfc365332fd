/* app/out.h -- what commands share: messages, the clock, a progress bar, files written whole or not at all, the common options. */
#ifndef PMM_APP_OUT_H
#define PMM_APP_OUT_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "pmm/status.h"

/* -- messages -- */
/* pmm_app_error prints "pmm: text" as one line to stderr; text carries no newline. */
void pmm_app_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* pmm_app_usage is the same followed by "try 'pmm COMMAND --help'"; returns PMM_EXIT_USAGE, so that a failing branch
   reads  return pmm_app_usage("tape", "no input"). After getopt_long's '?' pass fmt NULL: getopt has said what is wrong. */
int pmm_app_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* pmm_app_finish flushes stdout and checks it: a full disk or a closed pipe turns status 0 into PMM_EXIT_FAILED with a
   message. main calls it for every command; call it earlier only to be sure of output before going on. */
int pmm_app_finish(int exit_status);

/* -- options that every command with a configuration takes -- */
#define PMM_APP_SETS_MAX 256
typedef struct pmm_app_config_args {
  const char *path;                  /* -c FILE; NULL: none given */
  const char *set[PMM_APP_SETS_MAX]; /* --set key=value, in order; argv's memory */
  size_t set_cnt;
} pmm_app_config_args_t;
/* pmm_app_set_add takes one --set; false with a message when it has no '=' or there are too many. */
bool pmm_app_set_add(pmm_app_config_args_t *args, const char *set);
/* pmm_app_config_load reads args->path, or without one the defaults, with every --set on top; config is a
   pmm_config_t, large: keep it off the stack. false with the message printed: return PMM_EXIT_USAGE. */
struct pmm_config;
bool pmm_app_config_load(const pmm_app_config_args_t *args, struct pmm_config *config);

int64_t pmm_app_wall_ns(void); /* now, in ns since 1970 UTC */

/* -- progress -- */
/* A bar on stderr for work that takes more than two seconds, on a terminal only; at most ten redraws a second. */
typedef struct pmm_progress {
  const char *what;              /* "backtest" */
  int64_t start_ns, drawn_ns;
  bool on, shown;
} pmm_progress_t;
void pmm_progress_start(pmm_progress_t *progress, const char *what);
/* The callback, ctx = the pmm_progress_t; done and total in any unit, total 0 when unknown. */
void pmm_progress_step(void *ctx, uint64_t done, uint64_t total);
void pmm_progress_end(pmm_progress_t *progress); /* wipes the bar; always call it before printing */

/* -- files -- */
/* Writes PATH.tmp, then fsync and rename to PATH: a reader sees the old file or the whole new one. A PATH that exists and
   is no regular file (/dev/stdout, a pipe) is written directly; "-" is stdout. */
typedef struct pmm_out { FILE *file; char *path, *tmp; } pmm_out_t;
pmm_status_t pmm_out_open(pmm_out_t *out, const char *path, pmm_error_t *err);  /* PMM_IO */
pmm_status_t pmm_out_commit(pmm_out_t *out, pmm_error_t *err); /* PMM_IO: nothing stands under PATH that was not there before */
void pmm_out_abort(pmm_out_t *out);                            /* removes PATH.tmp */

#endif
