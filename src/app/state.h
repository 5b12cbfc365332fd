/* app/state.h -- what must survive a restart of a live run, in one folder that only one process uses at a time: the run counter (order ids begin with
   it, so that none is ever used twice) and what pmm_live_kept_t has. A venue's part is found by what it is (kind, host, subaccount, name), not by its
   place in the configuration: venues may come, go and change places. */
#ifndef PMM_APP_STATE_H
#define PMM_APP_STATE_H
#include "pmm/live.h"
#include "pmm/settings.h"
#include "pmm/status.h"

#define PMM_APP_VENUE_KEY_MAX (2 * PMM_PARAM_TEXT_MAX + 64)
#define PMM_APP_KNOWN_MAX 32             /* venues remembered: those in use and those seen last */
#define PMM_APP_VALUES_MAX 4096

typedef struct pmm_app_known { char key[PMM_APP_VENUE_KEY_MAX]; int64_t fills_until_ns; } pmm_app_known_t;
typedef struct pmm_app_value { uint32_t known; char market[PMM_ID_MAX]; int32_t yes_e4; } pmm_app_value_t;

typedef struct pmm_app_state {
  char folder[4096];
  int lock;                              /* of the folder; held while open */
  uint64_t run_id;                       /* of this run */
  bool killed;
  pmm_risk_day_t day;
  pmm_app_known_t known[PMM_APP_KNOWN_MAX]; uint32_t known_cnt;
  uint32_t venue_cnt;                    /* the first ones are the configuration's, in its order */
  pmm_app_value_t *value; uint32_t value_cnt; /* room for PMM_APP_VALUES_MAX */
  pmm_app_value_t *old; pmm_live_value_t *before; /* room for as many: what pmm_app_state_before told, for as long as the run */
} pmm_app_state_t;
/* folder "": $XDG_STATE_HOME/pmm or ~/.local/state/pmm; made when missing. Takes the next run id and writes it down before it returns. now_ns: wall
   time; ids also rise with it, so that a lost folder repeats none. PMM_STATE (another process has it), PMM_IO, PMM_PARSE (a damaged file, named). */
pmm_status_t pmm_app_state_open(pmm_app_state_t *state, const char *folder, int64_t now_ns, pmm_error_t *err);
/* Brings these venues, found among those known or new, to the front; those that were not in use for longest are forgotten when there are too many. */
void pmm_app_state_venues(pmm_app_state_t *state, const pmm_venue_params_t *venue, uint32_t cnt);
void pmm_app_state_before(pmm_app_state_t *state, pmm_live_kept_t *out);      /* for the run that begins; out->value is the state's. Once */
void pmm_app_state_take(pmm_app_state_t *state, const pmm_live_kept_t *kept);  /* from the run */
/* Writes it down: a new file in place of the old. durable: on the disk when this returns. */
pmm_status_t pmm_app_state_save(const pmm_app_state_t *state, bool durable, pmm_error_t *err);
void pmm_app_state_close(pmm_app_state_t *state);

/* learned.c: what strategies learned, in learned.json beside it. It only saves time, so a file that cannot be read is told in why and otherwise
   ignored (cnt 0). open: once the venues are known; list and cnt are for pmm_live_config_t. */
typedef struct pmm_app_learned { void *file; pmm_live_learned_t *list; size_t cnt; } pmm_app_learned_t;
void pmm_app_learned_open(pmm_app_learned_t *learned, const pmm_app_state_t *state, char *why, size_t cap);
pmm_status_t pmm_app_learned_save(const pmm_app_state_t *state, pmm_live_t *live, pmm_error_t *err); /* nothing before there is an engine */
void pmm_app_learned_close(pmm_app_learned_t *learned);

/* A file of the folder, whole or not at all. */
pmm_status_t pmm_app_state_put(const pmm_app_state_t *state, const char *name, const char *text, bool durable, pmm_error_t *err);

/* state_text.c: the file's text, to be freed; NULL: out of memory. read: false when it is no such text, with why;
   then the state is of no use. */
char *pmm_app_state_write(const pmm_app_state_t *state);
bool pmm_app_state_read(pmm_app_state_t *state, const char *text, size_t len, char *why, size_t cap);
void pmm_app_venue_key(const pmm_venue_params_t *venue, uint32_t cnt, uint32_t index, char out[PMM_APP_VENUE_KEY_MAX]);
#endif
