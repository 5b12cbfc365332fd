/* The warm-up and the toxicity of strategy `logit` over a stream of events without a strategy; pmm/warmup.h. The order of the
   calls is that of observe() in logit.c. */
#include "pmm/warmup.h"

#include "quoting.h"
#include "warmup.h"

struct pmm_warmup {
  pmm__tox_t tox;
  pmm__warm_t warm;
  pmm__tox_clock_t configured;
  double rate_ref, i_max;
  double x, trade_rate;
  double left_fast, left_slow; /* weight that the means' start at zero still has */
  bool has_x, observed, chosen;
  uint32_t change_gaps, trade_gaps;
  pmm_warmup_fn *on_step;
  void *ctx;
};

size_t pmm_warmup_bytes(void) { return (sizeof(pmm_warmup_t) + 63) / 64 * 64; }

static bool is_usable(const pmm_warmup_params_t *p) {
  const pmm_warmup_clock_t *const c = &p->clock;
  bool const is_clock = c->dt_sample_s >= 0.1 && c->tau_fast_s > 0 && c->tau_slow_s > c->tau_fast_s && c->h1_s > 0 && c->h2_s > c->h1_s;
  return is_clock && p->min_samples >= 1 && p->min_samples <= PMM__WARM_SAMPLES_MAX && p->rate_ref > 0 && p->i_max >= 1;
}

pmm_status_t pmm_warmup_init(pmm_warmup_t **out, void *memory, const pmm_warmup_params_t *p, pmm_warmup_fn *on_step, void *ctx) {
  if (!is_usable(p)) return PMM_INVAL;
  pmm_warmup_t *const w = memory;
  w->configured = (pmm__tox_clock_t){p->clock.dt_sample_s, p->clock.tau_fast_s, p->clock.tau_slow_s, p->clock.h1_s, p->clock.h2_s};
  w->rate_ref = p->rate_ref;
  w->i_max = p->i_max;
  w->x = NAN;
  w->trade_rate = 0;
  w->left_fast = w->left_slow = 1;
  w->has_x = w->observed = w->chosen = false;
  w->change_gaps = w->trade_gaps = 0;
  w->on_step = on_step;
  w->ctx = ctx;
  /* Sigma itself is not read here: the terms that make it from S stand at harmless values. */
  pmm__tox_terms_t const terms = {.rate_ref = p->rate_ref, .i_max = p->i_max, .nu = 1, .sigma_max = 1, .tau_up_s = 1, .tau_down_s = 1};
  pmm__tox_init(&w->tox, &w->configured, &terms);
  pmm__warm_init(&w->warm, true, p->min_samples);
  *out = w;
  return PMM_OK;
}

static void tell(void *ctx, double ret) {
  pmm_warmup_t *const w = ctx;
  pmm__warm_take(&w->warm, ret);
  if (!w->on_step) return;
  const pmm__tox_t *const t = &w->tox;
  w->left_fast *= 1 - t->gain_fast;
  w->left_slow *= 1 - t->gain_slow;
  pmm_warmup_step_t step = {.ret = ret, .slow = t->abs_slow / (1 - w->left_slow)};
  if (t->abs_slow > 0) step.jump = t->abs_fast / (1 - w->left_fast) / step.slow;
  if (t->abs_fast > 0) step.one_way = pmm_clip(fabs(t->ret_fast) / t->abs_fast, 0, 1);
  if (step.jump > 1) step.toxicity = pmm_log(step.jump) * step.one_way * pmm_clip(w->trade_rate / w->rate_ref, 1, w->i_max);
  w->on_step(w->ctx, &step);
}

static void choose(pmm_warmup_t *w) {
  w->change_gaps = w->warm.change.cnt;
  w->trade_gaps = w->warm.trade.cnt;
  w->chosen = w->change_gaps >= PMM__WARM_CHANGES_MIN && w->trade_gaps >= PMM__WARM_TRADE_GAPS_MIN;
  w->observed = true;
  pmm__tox_clock_t const clock = pmm__warm_choose(&w->warm, &w->configured);
  pmm__tox_set_clock(&w->tox, &clock);
}

void pmm_warmup_event(pmm_warmup_t *w, int64_t now_ns, double left_s, double mid, double trade_rate, bool is_trade) {
  bool const is_observing = w->warm.phase == PMM__WARM_OBSERVE;
  w->trade_rate = trade_rate;
  if (!is_observing && pmm__tox_is_due(&w->tox, now_ns)) pmm__tox_advance(&w->tox, now_ns, trade_rate, tell, w);
  double const x = isnan(mid) ? NAN : pmm_logit(mid);
  bool const is_new = !isnan(x) && (!w->has_x || x != w->x);
  if (is_new) {
    w->x = x;
    w->has_x = true;
  }
  if (!is_observing) {
    if (w->has_x && (is_new || !w->tox.has_x)) pmm__tox_set_x(&w->tox, now_ns, w->x);
  } else if (pmm__warm_observe(&w->warm, now_ns, left_s, w->has_x ? w->x : NAN, is_trade)) {
    choose(w);
  }
}

void pmm_warmup_gap(pmm_warmup_t *w) {
  pmm__tox_gap(&w->tox);
  w->has_x = w->warm.has_x = false;
}

void pmm_warmup_get(const pmm_warmup_t *w, pmm_warmup_found_t *out) {
  const pmm__tox_clock_t *const c = &w->tox.clock;
  *out = (pmm_warmup_found_t){.observed = w->observed,
                              .chosen = w->chosen,
                              .done = w->warm.phase == PMM__WARM_DONE,
                              .change_gaps = w->observed ? w->change_gaps : w->warm.change.cnt,
                              .trade_gaps = w->observed ? w->trade_gaps : w->warm.trade.cnt,
                              .samples = w->warm.sample_cnt,
                              .clock = {c->dt_sample_s, c->tau_fast_s, c->tau_slow_s, c->h1_s, c->h2_s}};
  out->sigma_base = out->done ? w->warm.sigma_base : NAN;
}
