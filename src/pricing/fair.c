/* Prices read from quotes, inventory skew, and the combination of several sources into one probability. */
#include <math.h>

#include "pmm/pricing.h"

static bool is_prob(double p) { return p >= 0 && p <= 1; }

double pmm_mid_update(pmm_mid_state_t *state, const pmm_ladder_t *ladder, int64_t now_ns, int64_t stale_ns) {
  double mid;
  if (pmm_ladder_mid(ladder, &mid) == PMM_OK) {
    *state = (pmm_mid_state_t){.last = mid, .at_ns = now_ns, .has = true};
    return mid;
  }
  return state->has && now_ns - state->at_ns < stale_ns ? state->last : 0.5;
}

pmm_status_t pmm_two_quote_mid(double yes_price, double no_price, double *mid) {
  if (!is_prob(yes_price) || !is_prob(no_price)) return PMM_INVAL;
  *mid = (yes_price + (1 - no_price)) / 2;
  return PMM_OK;
}

pmm_status_t pmm_microprice(double bid, double ask, double bid_qty, double ask_qty, double *price) {
  if (!is_prob(bid) || !is_prob(ask) || bid > ask) return PMM_INVAL;
  if (!(isfinite(bid_qty) && bid_qty >= 0 && isfinite(ask_qty) && ask_qty >= 0)) return PMM_INVAL;
  double const sum = bid_qty + ask_qty;
  if (!(sum > 0) || !isfinite(sum)) return PMM_INVAL;
  *price = bid * (ask_qty / sum) + ask * (bid_qty / sum);
  return PMM_OK;
}

pmm_status_t pmm_flow_imbalance_price(const pmm_ladder_t *ladder, int32_t level_cnt, double k, double *price) {
  if (level_cnt < 1 || !isfinite(k)) return PMM_INVAL;
  double mid;
  pmm_status_t const st = pmm_ladder_mid(ladder, &mid);
  if (st != PMM_OK) return PMM_NOT_READY;
  double const value = mid + k * (ladder->tick_e4 / 1e4) * pmm_ladder_imbalance(ladder, level_cnt);
  if (!isfinite(value)) return PMM_INVAL;
  *price = pmm_clip(value, 0, 1); /* a large k may point outside; a probability may not lie there */
  return PMM_OK;
}

/* p' = clamp(m - alpha q), p_no' = clamp(1 - m + alpha q), both divided by their sum. */
pmm_status_t pmm_skew_linear(double mid, double alpha, double q, double *p) {
  double const shift = alpha * q;
  if (!is_prob(mid) || !isfinite(alpha) || !isfinite(q) || !isfinite(shift)) return PMM_INVAL;
  double const yes = pmm_clip(mid - shift, 0, 1), no = pmm_clip((1 - mid) + shift, 0, 1);
  *p = yes / (yes + no);
  return PMM_OK;
}

pmm_status_t pmm_skew_logit(double mid, double alpha, double q, double *p) {
  double const shift = alpha * q;
  if (!is_prob(mid) || !isfinite(alpha) || !isfinite(q) || !isfinite(shift)) return PMM_INVAL;
  *p = pmm_sigmoid(pmm_logit(mid) - shift);
  return PMM_OK;
}

static bool is_weight(double w) { return isfinite(w) && w >= 0; }

pmm_status_t pmm_consensus(const double *p, const double *w, size_t n, double *out) {
  double sum = 0, weight = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_prob(p[i]) || !is_weight(w[i])) return PMM_INVAL;
    sum += w[i] * pmm_logit(p[i]);
    weight += w[i];
  }
  if (!(weight > 0) || !isfinite(weight) || !isfinite(sum)) return PMM_INVAL;
  *out = pmm_sigmoid(sum / weight);
  return PMM_OK;
}

pmm_status_t pmm_weights_inverse_variance(const double *variance, size_t n, double *w) {
  for (size_t i = 0; i < n; i++)
    if (!(isfinite(variance[i]) && variance[i] > 0 && isfinite(1 / variance[i]))) return PMM_INVAL;
  for (size_t i = 0; i < n; i++) w[i] = 1 / variance[i];
  return PMM_OK;
}

static bool is_fresh(const pmm_fair_t *fair, int64_t now_ns, int64_t stale_ns) {
  /* Written with a subtraction on the known side, so that PMM_TIME_NONE and "never stale" cannot overflow. */
  if (fair->expires_ns <= now_ns || fair->as_of_ns == PMM_TIME_NONE) return false;
  return stale_ns == PMM_NS_MAX || fair->as_of_ns >= now_ns || now_ns - fair->as_of_ns <= stale_ns;
}

pmm_status_t pmm_fair_consensus(const pmm_fair_t *fair, size_t n, int64_t now_ns, int64_t stale_ns, double *p) {
  double sum = 0, weight = 0;
  for (size_t i = 0; i < n; i++) {
    if (!is_prob(fair[i].p) || !is_weight(fair[i].weight)) return PMM_INVAL;
    if (!is_fresh(&fair[i], now_ns, stale_ns)) continue;
    sum += fair[i].weight * pmm_logit(fair[i].p);
    weight += fair[i].weight;
  }
  if (!(weight > 0)) return PMM_NOT_READY;
  if (!isfinite(weight) || !isfinite(sum)) return PMM_INVAL;
  *p = pmm_sigmoid(sum / weight);
  return PMM_OK;
}
