/* app/state.h -- what must survive a restart of a live run, in one folder that only one process uses at a time: the run counter (order ids begin with
   it, so that none is ever used twice), the kill switch, until when fills are known. */
#ifndef PMM_APP_STATE_H
#define PMM_APP_STATE_H
#include "pmm/settings.h"
#include "pmm/status.h"
#include "pmm/types.h"

typedef struct pmm_app_state {
  char folder[4096];
  int lock;                /* of the folder; held while open */
  uint64_t run_id;         /* of this run */
  bool killed;
  int64_t fills_until_ns[PMM_VENUES_MAX]; /* by venue of the configuration; PMM_TIME_NONE unknown */
} pmm_app_state_t;
/* folder "": $XDG_STATE_HOME/pmm or ~/.local/state/pmm; made when missing. Takes the next run id and writes it down before it returns. now_ns: wall
   time; ids also rise with it, so that a lost folder repeats none. PMM_STATE (another process has it), PMM_IO, PMM_PARSE (a damaged file, named). */
pmm_status_t pmm_app_state_open(pmm_app_state_t *state, const char *folder, int64_t now_ns, pmm_error_t *err);
/* Writes it down: a new file in place of the old. durable: on the disk when this returns. */
pmm_status_t pmm_app_state_save(const pmm_app_state_t *state, bool durable, pmm_error_t *err);
void pmm_app_state_close(pmm_app_state_t *state);
#endif
