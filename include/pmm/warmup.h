/* pmm/warmup.h -- the warm-up of strategy `logit` and its measure of toxic flow, apart from the strategy: for calibration
   over recordings. It is the strategy's own code (docs/strategies/logit.md), asked for what it found.

   Memory is one block of pmm_warmup_bytes(); nothing is allocated. O(1) per event. */
#ifndef PMM_WARMUP_H
#define PMM_WARMUP_H
#include "pmm/types.h"

typedef struct pmm_warmup_clock { double dt_sample_s, tau_fast_s, tau_slow_s, h1_s, h2_s; } pmm_warmup_clock_t;
typedef struct pmm_warmup_params {
  pmm_warmup_clock_t clock;      /* kept where too little was seen */
  uint32_t min_samples;          /* returns of the collecting phase, 1 .. 2048 */
  double rate_ref, i_max;        /* of the toxicity S */
} pmm_warmup_params_t;
/* The parameters of a params struct of strategy `logit`. */
void pmm_warmup_params_of(pmm_warmup_params_t *out, const void *logit_params);

/* One return at the chosen clock: J = fast/slow mean of |r|, D = |fast mean of r| / fast mean of |r| in [0, 1],
   S = ln(max(J, 1)) D I, the toxicity without fills of our own; slow = slow mean of |r|. The means start at zero; here that start is
   divided out (the strategy waits min_samples instead), so that J says something from the first samples on. */
typedef struct pmm_warmup_step { double ret, jump, one_way, toxicity, slow; } pmm_warmup_step_t;
typedef void pmm_warmup_fn(void *ctx, const pmm_warmup_step_t *step);

#define PMM_WARMUP_CHANGES_MIN 50
#define PMM_WARMUP_TRADE_GAPS_MIN 20
typedef struct pmm_warmup_found {
  bool observed, chosen, done;           /* observing ended; enough was seen to choose the clock; sigma_base is known */
  uint32_t change_gaps, trade_gaps, samples;
  pmm_warmup_clock_t clock;              /* in force */
  double sigma_base;                     /* 1.4826 MAD of the collected returns; NaN before done */
} pmm_warmup_found_t;

typedef struct pmm_warmup pmm_warmup_t;
size_t pmm_warmup_bytes(void);
/* memory: pmm_warmup_bytes() bytes, 64-byte aligned, owned by the caller. on_step may be NULL; it is called from the end of
   observing on, also after the warm-up is done. PMM_INVAL: a clock or a number that the strategy's table refuses. */
pmm_status_t pmm_warmup_init(pmm_warmup_t **warmup, void *memory, const pmm_warmup_params_t *params, pmm_warmup_fn *on_step, void *ctx);
/* An event of the market at now_ns (never going back). mid: in force after it, NaN for none; left_s: time left, NaN unknown;
   trade_rate: trades per second of the last minute. */
void pmm_warmup_event(pmm_warmup_t *warmup, int64_t now_ns, double left_s, double mid, double trade_rate, bool is_trade);
void pmm_warmup_gap(pmm_warmup_t *warmup); /* the book was lost: no return across the hole */
void pmm_warmup_get(const pmm_warmup_t *warmup, pmm_warmup_found_t *out);
#endif
