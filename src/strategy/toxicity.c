#include "toxicity.h"

#include "quoting.h"

static double gain(double dt_s, double tau_s) { return -pmm_expm1(-dt_s / tau_s); }

void pmm__tox_set_clock(pmm__tox_t *tox, const pmm__tox_clock_t *clock) {
  tox->clock = *clock;
  tox->gain_fast = gain(clock->dt_sample_s, clock->tau_fast_s);
  tox->gain_slow = gain(clock->dt_sample_s, clock->tau_slow_s);
  tox->gain_up = gain(clock->dt_sample_s, tox->terms.tau_up_s);
  tox->gain_down = gain(clock->dt_sample_s, tox->terms.tau_down_s);
}

void pmm__tox_init(pmm__tox_t *tox, const pmm__tox_clock_t *clock, const pmm__tox_terms_t *terms) {
  *tox = (pmm__tox_t){.terms = *terms, .sigma = 1, .next_ns = PMM_NS_MAX};
  pmm__tox_set_clock(tox, clock);
}

double pmm__tox_markout(const pmm__tox_t *tox, int which) {
  return tox->markout[which].sum / fmax(tox->markout[which].weight, 1);
}

static void fade(pmm__tox_mean_t *mean, int64_t now_ns, double tau_s) {
  double const keep = pmm_exp(-(double)(now_ns - mean->at_ns) / 1e9 / tau_s);
  mean->sum *= keep;
  mean->weight *= keep;
  mean->at_ns = now_ns;
}

/* Markouts whose horizon has passed, valued at the x in force until now. */
static void mature(pmm__tox_t *tox, int which, double horizon_s, int64_t now_ns) {
  int64_t const horizon_ns = (int64_t)(horizon_s * 1e9);
  for (; tox->matured_cnt[which] != tox->fill_cnt; tox->matured_cnt[which]++) {
    uint64_t const slot = tox->matured_cnt[which] % PMM__TOX_FILLS;
    if (now_ns - tox->fill[slot].at_ns < horizon_ns) return;
    fade(&tox->markout[which], now_ns, tox->clock.tau_slow_s);
    tox->markout[which].sum += fmax(0, -tox->fill[slot].sign * (tox->x - tox->fill[slot].x));
    tox->markout[which].weight += 1;
  }
}

static double toxicity(const pmm__tox_t *tox, double trade_rate) {
  const pmm__tox_terms_t *const t = &tox->terms;
  if (tox->abs_slow <= 0) return 0; /* the price never moved */
  double const jump = tox->abs_fast / tox->abs_slow;
  double const one_way = tox->abs_fast > 0 ? pmm_clip(fabs(tox->ret_fast) / tox->abs_fast, 0, 1) : 0;
  double const busy = pmm_clip(trade_rate / t->rate_ref, 1, t->i_max);
  double const adverse = (t->w1 * pmm__tox_markout(tox, 0) + t->w2 * pmm__tox_markout(tox, 1)) / tox->abs_slow;
  return (jump > 1 ? pmm_log(jump) : 0) * one_way * busy + t->c_tox * adverse;
}

static void step(pmm__tox_t *tox, double r, double trade_rate) {
  tox->abs_fast += tox->gain_fast * (fabs(r) - tox->abs_fast);
  tox->abs_slow += tox->gain_slow * (fabs(r) - tox->abs_slow);
  tox->ret_fast += tox->gain_fast * (r - tox->ret_fast);
  double const s = toxicity(tox, trade_rate);
  double const raw = s > 0 ? pmm_clip(1 + tox->terms.c_sigma * pmm_pow(s, tox->terms.nu), 1, tox->terms.sigma_max) : 1;
  tox->sigma += (raw > tox->sigma ? tox->gain_up : tox->gain_down) * (raw - tox->sigma);
  tox->sample_cnt++;
}

void pmm__tox_advance(pmm__tox_t *tox, int64_t now_ns, double trade_rate, pmm__tox_take_t *take, void *ctx) {
  if (!tox->has_x) return;
  mature(tox, 0, tox->clock.h1_s, now_ns);
  mature(tox, 1, tox->clock.h2_s, now_ns);
  if (now_ns < tox->next_ns) return;
  int64_t const dt_ns = (int64_t)(tox->clock.dt_sample_s * 1e9);
  if ((now_ns - tox->next_ns) / dt_ns >= PMM__TOX_STEPS) tox->has_sample = false; /* asleep too long to call it quiet */
  if (!tox->has_sample) {
    tox->x_sample = tox->x;
    tox->has_sample = true;
    tox->next_ns = now_ns + dt_ns;
    return;
  }
  for (int which = 0; which < 2; which++) fade(&tox->markout[which], now_ns, tox->clock.tau_slow_s);
  for (; tox->next_ns <= now_ns; tox->next_ns += dt_ns) {
    double const r = tox->x - tox->x_sample;
    tox->x_sample = tox->x;
    step(tox, r, trade_rate);
    if (take) take(ctx, r);
  }
}

void pmm__tox_set_x(pmm__tox_t *tox, int64_t now_ns, double x) {
  tox->x = x;
  if (tox->has_x) return;
  tox->has_x = true; /* the first value also is the first sample */
  tox->has_sample = true;
  tox->x_sample = x;
  tox->next_ns = now_ns + (int64_t)(tox->clock.dt_sample_s * 1e9);
}

void pmm__tox_gap(pmm__tox_t *tox) {
  tox->has_x = tox->has_sample = false;
  tox->next_ns = PMM_NS_MAX;
  tox->matured_cnt[0] = tox->matured_cnt[1] = tox->fill_cnt;
}

void pmm__tox_fill(pmm__tox_t *tox, int64_t now_ns, pmm_side_t our_side) {
  if (!tox->has_x) return; /* no price to measure from */
  for (int which = 0; which < 2; which++)
    if (tox->fill_cnt - tox->matured_cnt[which] == PMM__TOX_FILLS) tox->matured_cnt[which]++;
  uint64_t const slot = tox->fill_cnt++ % PMM__TOX_FILLS;
  tox->fill[slot].at_ns = now_ns;
  tox->fill[slot].x = tox->x;
  tox->fill[slot].sign = pmm_side_sign(our_side);
}
