/* Digital options: probability that an underlying, or its average over a window, ends above a strike. The price
   is lognormal; `simple` leaves the drift term out, which for minutes to expiry is below a basis point.
   Source: F. Black, M. Scholes, J. Political Economy 81(3), 1973 (the N(d2) term); the average's variance by the
   integral of a Brownian motion over the window, E. Levy, J. Int. Money and Finance 11, 1992. */
#include <float.h>
#include <math.h>

#include "pmm/pricing.h"

static bool is_positive(double x) { return isfinite(x) && x > 0; }

static bool is_usable(const pmm_digital_in_t *in) {
  if (!is_positive(in->spot) || !is_positive(in->strike) || !isfinite(in->time_s)) return false;
  if (in->time_s > 0 && !is_positive(in->volatility)) return false;
  return in->clamp_lo >= 0 && in->clamp_hi <= 1 && in->clamp_lo <= in->clamp_hi;
}

static double settled(double value, const pmm_digital_in_t *in) {
  return value > in->strike || (in->tie_is_yes && value == in->strike) ? 1 : 0;
}

/* ln(spot/strike): where the two are close the difference is taken first, so that the ratio does not round it away. */
static double log_ratio(double spot, double strike) {
  double const r = (spot - strike) / strike;
  return fabs(r) < 0.5 ? pmm_log1p(r) : pmm_log(spot) - pmm_log(strike);
}

static pmm_status_t finish(const pmm_digital_in_t *in, double numerator, double deviation, double *d2, double *p) {
  if (deviation <= 0) return PMM_INVAL; /* volatility so small that it vanished */
  *d2 = pmm_clip(numerator / deviation, -DBL_MAX, DBL_MAX);
  *p = pmm_clip(pmm_norm_cdf(*d2), in->clamp_lo, in->clamp_hi);
  return PMM_OK;
}

static pmm_status_t certain(double value, double *d2, double *p) {
  *d2 = 0;
  *p = value;
  return PMM_OK;
}

pmm_status_t pmm_digital_simple(const pmm_digital_in_t *in, double *d2, double *p) {
  if (!is_usable(in)) return PMM_INVAL;
  if (in->time_s <= 0) return certain(settled(in->spot, in), d2, p);
  return finish(in, log_ratio(in->spot, in->strike), in->volatility * sqrt(in->time_s / PMM_YEAR_S), d2, p);
}

pmm_status_t pmm_digital_exact(const pmm_digital_in_t *in, double *d2, double *p) {
  if (!is_usable(in) || !isfinite(in->drift)) return PMM_INVAL;
  if (in->time_s <= 0) return certain(settled(in->spot, in), d2, p);
  double const years = in->time_s / PMM_YEAR_S;
  double const drift = (in->drift - 0.5 * in->volatility * in->volatility) * years;
  if (!isfinite(drift)) return PMM_INVAL;
  return finish(in, log_ratio(in->spot, in->strike) + drift, in->volatility * sqrt(years), d2, p);
}

/* Inside the window, e = w - T seconds with mean M are gone: the rest must average above K' = (wK - eM)/T, and its
   variance is that of an average over T, sigma^2 T/3. Before the window the average adds w/3 to T - w: T - 2w/3. */
pmm_status_t pmm_digital_average(const pmm_digital_in_t *in, double *d2, double *p) {
  if (!is_usable(in) || !isfinite(in->window_s) || in->window_s < 0) return PMM_INVAL;
  if (in->time_s >= in->window_s && in->time_s > 0)
    return finish(in, log_ratio(in->spot, in->strike),
                  in->volatility * sqrt((in->time_s - 2 * in->window_s / 3) / PMM_YEAR_S), d2, p);
  if (in->window_s == 0) return certain(settled(in->spot, in), d2, p);
  if (!is_positive(in->mean_so_far)) return PMM_INVAL;
  if (in->time_s <= 0) return certain(settled(in->mean_so_far, in), d2, p);
  double const gone_s = in->window_s - in->time_s;
  double const strike = (in->window_s * in->strike - gone_s * in->mean_so_far) / in->time_s;
  if (strike <= 0) return certain(1, d2, p); /* decided: what is gone already carries the average above */
  if (!isfinite(strike)) return PMM_INVAL;
  return finish(in, log_ratio(in->spot, strike), in->volatility * sqrt(in->time_s / 3 / PMM_YEAR_S), d2, p);
}
