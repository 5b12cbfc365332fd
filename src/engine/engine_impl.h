/* engine_impl.h -- the engine's inside, shared by its files. Hot fields of a market come first. */
#ifndef PMM_ENGINE_IMPL_H
#define PMM_ENGINE_IMPL_H
#include "pmm/engine.h"
#include "pmm/hash.h"

#define PMM__MARKOUT_RING 32768 /* fills whose markouts are still open, a power of two */
#define PMM__OWN_MAX 64         /* own orders shown in a view */

typedef struct pmm__group { /* an underlying: its sources merged */
  double price;             /* median of fresh sources */
  bool has;
  int64_t at_ns;            /* of the last update */
  double venue_mean; int64_t venue_mean_ns; /* the venue's own settlement mean so far, PMM_TIME_NONE without one */
  double integral;          /* of price over time since the first update, dollars x seconds */
  int64_t next_window_ns;   /* earliest start of a settlement window still ahead */
  uint32_t first_source;    /* chain of sources through pmm__source.next */
  uint32_t first_market;    /* chain of its markets that have not resolved, through pmm__book.next_in_group */
  bool heard;               /* a strategy listens to it, or is woken by it */
  pmm_vol_t vol;
} pmm__group_t;

typedef struct pmm__source {
  double price;
  int64_t at_ns;            /* receive time of the last price, PMM_TIME_NONE before */
  uint32_t group, next;
  uint8_t kind;
} pmm__source_t;

/* The public side of a market: the same for every engine that looks at it. */
typedef struct pmm__book {
  pmm_ladder_t ladder;
  int32_t mid_twice_ticks, mid_tick_e4; /* bid plus ask as of the last message that left a mid; no mid yet: tick 0 */
  int64_t mid_ns;           /* when that was */
  uint64_t messages;        /* while open */
  uint64_t crossed, locked;
  pmm_market_t desc;
  pmm_market_t quote; bool coarse; /* desc with the coarser step that quotes are to stand on, if so */
  uint32_t wake;            /* union of all slots' wishes, and PMM__LISTENS */
  uint32_t flows;           /* slots that look at trades' statistics */
  bool calm;                /* is_calm() */
  bool ready;               /* seen and without a gap, as of the last message: there is a book to quote on */
  bool seen;                /* a message about its book has come: before that there is nothing to quote on */
  bool gap;                 /* book not to be trusted */
  uint8_t phase;            /* pmm_phase_t: which requests the venue takes */
  uint32_t pending;         /* wake bits of the message that has not ended yet */
  int64_t opened_ns;        /* since when it trades, PMM_TIME_NONE when it does not */
  pmm_flow_t flow;
  uint32_t group, next_in_group;
  int64_t window_ns;        /* start of its settlement window, PMM_NS_MAX without one */
  double window_integral;   /* the group's integral at that time */
  bool in_window;
  uint32_t exposure;        /* index of its event group */
} pmm__book_t;
#define PMM__LISTENS (UINT32_C(1) << 31) /* in pmm__book.wake: a strategy hears of every message */

/* Books and feeds, with the engines that look at them. */
typedef struct pmm__core {
  int64_t due_ns;           /* the earliest internal_due_ns of the engines */
  uint64_t md_events;
  pmm__book_t *book; uint32_t market_cnt;
  pmm_engine_t *first, *last; /* chain through pmm_engine.next */
  pmm_engine_t *stirred;    /* chain through pmm_engine.next_stirred */
  pmm__group_t *group; uint32_t group_cnt;
  pmm__source_t *source; uint32_t source_cnt;
  int64_t now_ns;           /* of the last record */
  pmm_engine_params_t params;
  uint64_t bad, trades, gaps;
} pmm__core_t;

/* One engine's side of a market. */
typedef struct pmm__market {
  pmm__book_t *book;
  uint32_t slot_cnt;
  uint32_t slot[PMM_SLOTS_PER_MARKET_MAX];
  uint32_t wake;            /* union of its slots' wishes */
  int64_t quiet_ns;         /* until then news of the book is already noted by its only slot; INT64_MIN: not so */
  bool listens;             /* one of them has an on_event */
  bool resolve_pending;     /* resolved, but orders of ours are not yet accounted for */
  bool resolved;
  pmm_fair_t external; bool has_external;
  int64_t found_e6;         /* what one YES counts as until its book has a mid: contracts were here before the run; 0 none were */
} pmm__market_t;

/* What a slot's holdings were worth at the last marking, and the mid that said so. */
typedef struct pmm__mark { int64_t unrealized_e6; int32_t twice_ticks, tick_e4; uint32_t at; bool listed, stale; } pmm__mark_t;

/* What a slot's last decision looked at, where it looks at nothing but the best prices and its own position: as long as these
   stand and nothing was left to do, the next decision is the same one. */
typedef struct pmm__memo { bool valid; int32_t bid, ask; double factor; } pmm__memo_t;

typedef struct pmm__slot {
  pmm_slot_config_t cfg;
  void *state;              /* of a group: its leader's */
  uint32_t leader, next_leg; /* a group's slots, from its leader on; UINT32_MAX: no group, or the last */
  int64_t refresh_ns, next_refresh_ns, last_decision_ns;
  int64_t due_ns; uint32_t heap_pos;
  uint32_t throttled;       /* wake bits held back by min_requote_ns */
  pmm__memo_t memo;
  pmm__mark_t mark;
  pmm_quotes_t quotes;
  pmm_position_t pos;       /* as the ledger has it, refreshed when it changes */
  pmm_exec_open_t open;     /* likewise */
  int64_t flatten_e6;       /* what buying the opposite of its net position cost at the last marking */
  int64_t accrued_ns;
  pmm_slot_stats_t st;
} pmm__slot_t;

typedef struct pmm__markout { int64_t at_ns, qty_e6; double price; uint32_t slot; int8_t sign; } pmm__markout_t;

struct pmm_engine {
  int64_t now_ns;
  int64_t house_ns;         /* when unanswered requests are looked for next */
  int64_t internal_due_ns;  /* when markouts or equity marks want attention */
  bool stirred;             /* actions, or another time for the next timer: in the core's chain */
  bool muted;               /* inside a call after which the caller looks anyway */
  pmm__core_t *core;
  pmm_engine_t *next, *next_stirred;
  uint32_t index;           /* among those that share the core */
  pmm__market_t *market; uint32_t market_cnt;
  pmm__slot_t *slot; uint32_t slot_cnt;
  int64_t *exposure_e6;     /* by event group: net YES */
  uint32_t *heap;           /* slots by due_ns */
  pmm_engine_params_t params;
  pmm_ledger_t *ledger;
  pmm_exec_t *exec;
  pmm_risk_t risk;
  pmm_actions_t actions;
  pmm_ahead_fn ahead; void *ahead_ctx;
  pmm_own_order_t own[PMM__OWN_MAX];
  pmm_fair_t fair[PMM_FAIRS_MAX];
  pmm__markout_t *markout; uint64_t markout_head, markout_tail[PMM_MARKOUT_CNT];
  int64_t next_equity_ns, next_sharpe_ns, sharpe_equity_e6;
  double ret_mean, ret_m2, ret_m3, ret_m4; uint64_t ret_cnt; /* moments of the returns */
  int64_t equity_e6, peak_e6, drawdown_e6;
  int64_t flatten_e6, unrealized_e6; /* sums over slots, as of their last marking */
  uint32_t *held, held_cnt; /* slots that hold contracts */
  bool paused, flatten;      /* by operator */
  uint64_t path_hash;       /* of every action and account event, in order */
  uint64_t other_events, bad, decisions;
  bool finished;
};

/* init.c */
/* After a change of the market's terms: what strategies see of them. */
void pmm__show_terms(const pmm__core_t *core, pmm__book_t *b);
/* engine.c */
void pmm__tell(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md);
/* account.c */
/* Pays out once every order of ours in the market is accounted for; their last events may still be on the way. */
void pmm__try_resolve(pmm_engine_t *e, pmm__market_t *m);
/* The market as strategies and exec see it. */
static inline const pmm_market_t *pmm__shown(const pmm__book_t *b) { return b->coarse ? &b->quote : &b->desc; }

/* The last valid mid, in dollars; one half before the first. */
static inline double pmm__last_mid(const pmm__book_t *b) {
  return b->mid_tick_e4 ? (double)b->mid_twice_ticks * b->mid_tick_e4 / (2.0 * PMM_ONE_E4) : 0.5;
}

static inline bool pmm__price_only(const pmm__book_t *b) { return (b->desc.data & (PMM_DATA_PRICE | PMM_DATA_DEPTH | PMM_DATA_TOP)) == PMM_DATA_PRICE; }

static inline void pmm__stir(pmm_engine_t *e) {
  if (e->stirred || e->muted) return;
  e->stirred = true;
  e->next_stirred = e->core->stirred;
  e->core->stirred = e;
}

/* The engine has heard of everything up to this time. */
static inline void pmm__sync(pmm_engine_t *e, int64_t now_ns) { if (now_ns > e->now_ns) e->now_ns = now_ns; }

/* Nothing is held back for a slot any more. */
static inline void pmm__hear(pmm_engine_t *e, pmm__slot_t *s) {
  s->throttled = 0;
  e->market[s->cfg.market].quiet_ns = INT64_MIN;
}

/* Finds the first of several things with one name; the table lies in the arena. init.c. */
typedef struct pmm__names { uint32_t *first, mask; } pmm__names_t;
size_t pmm__names_bytes(uint32_t cnt);
pmm_status_t pmm__names_init(pmm__names_t *names, pmm_arena_t *arena, uint32_t cnt);
uint32_t pmm__names_first(pmm__names_t *names, const char *name, uint32_t index, const char *(*name_of)(const void *ctx, uint32_t index), const void *ctx);

/* decide.c */
void pmm__decide(pmm_engine_t *e, uint32_t slot, uint32_t wake);
void pmm__wake_market(pmm_engine_t *e, pmm__market_t *m, uint32_t wake);
void pmm__slot_due(pmm_engine_t *e, uint32_t slot);
void pmm__resume_market(pmm_engine_t *e, pmm__market_t *m);
void pmm__heap_fix(pmm_engine_t *e, uint32_t slot, int64_t due_ns);
void pmm__cancel_market(pmm_engine_t *e, pmm__market_t *m);
void pmm__run_timers(pmm_engine_t *e);
/* feeds.c */
void pmm__feed(pmm__core_t *core, const pmm_md_t *md);
void pmm__under_view(const pmm_engine_t *e, const pmm__book_t *b, pmm_under_view_t *out);
pmm_status_t pmm__feeds_init(pmm__core_t *core, pmm_arena_t *arena, const pmm_engine_config_t *config);
/* figures.c */
void pmm__accrue(pmm_engine_t *e, pmm__slot_t *s);
void pmm__refresh(pmm_engine_t *e, uint32_t slot);
void pmm__note_fill(pmm_engine_t *e, const pmm_exec_effect_t *fx);
void pmm__undo_fill(pmm_engine_t *e, const pmm_exec_effect_t *fx);
void pmm__internal_due(pmm_engine_t *e);
void pmm__mark_equity(pmm_engine_t *e);
int64_t pmm__at_risk(const pmm_engine_t *e);
double pmm__yes_value(const pmm__market_t *m);
int64_t pmm__yes_value_e6(const pmm__market_t *m);

#endif
