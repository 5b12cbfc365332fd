/* calibrate_write.c -- what was found as text, as JSON and as a configuration fragment. */
#include <jansson.h>
#include <string.h>
#include "calibrate_impl.h"
#include "pmm/clock.h"
#include "pmm/version.h"

#define PRINTS_MIN 100 /* for a rate worth configuring */
#define BINS_SHOWN 8

static const char *const side_names[PMM_CAL_SIDES] = {"both sides", "bids", "asks"};
static const char *const size_names[PMM_CAL_SIZES] = {"under 10", "10 to 100", "100 or more"};
static const char not_enough[] = "not enough events at different distances";

/* The fit that a configuration should rest on: prints where there are any. */
static const pmm_intensity_t *main_fit(const pmm_calibration_t *c) {
  return c->prints[PMM_CAL_BOTH].events ? &c->prints[PMM_CAL_BOTH] : &c->crossings[PMM_CAL_BOTH];
}

static const char *fill_source(const pmm_calibration_t *c) {
  if (c->prints[PMM_CAL_BOTH].events == 0)
    return c->crossings[PMM_CAL_BOTH].events ? "book crossings within a second (the recording has no prints)"
                                             : "nothing: neither prints nor crossings";
  if (c->inferred == c->trades) return "prints inferred from volume and book";
  return c->inferred ? "prints, some of them inferred from volume and book" : "prints";
}

static const char *num(double x, int digits, char *buf, size_t len) {
  if (isnan(x)) snprintf(buf, len, "-");
  else snprintf(buf, len, "%.*f", digits, x);
  return buf;
}

/* -- text -- */
static void write_data(FILE *out, const pmm_calibration_t *c) {
  char from[PMM_TIME_BUF], to[PMM_TIME_BUF];
  pmm_time_print(c->first_ns, 0, from);
  pmm_time_print(c->last_ns, 0, to);
  fprintf(out, "%u markets, %llu records, %llu prints (%llu inferred), %s .. %s\n", c->market_cnt, (unsigned long long)c->records,
          (unsigned long long)c->trades, (unsigned long long)c->inferred, from, to);
  if (c->truncated) fputs("note: a tape ends inside a block; read up to its last whole block\n", out);
}

static void write_warmup(FILE *out, const pmm_calibration_t *c) {
  char buf[32];
  fprintf(out, "\nwarm-up of strategy logit (needs %d price changes and %d trade gaps)\n", PMM_WARMUP_CHANGES_MIN,
          PMM_WARMUP_TRADE_GAPS_MIN);
  if (c->chosen_cnt == 0) fputs("  no market showed enough while it was observed: the configured clock stands\n", out);
  else fprintf(out, "  median of %u of %u markets\n", c->chosen_cnt, c->warmup_cnt);
  fprintf(out, "  dt_sample %.3f s   tau_fast %.3f s   tau_slow %.3f s   h1 %.3f s   h2 %.3f s\n", c->clock.dt_sample_s,
          c->clock.tau_fast_s, c->clock.tau_slow_s, c->clock.h1_s, c->clock.h2_s);
  fprintf(out, "  sigma_base %s log-odds a sample (1.4826 MAD; %u markets finished collecting)\n", num(c->sigma_base, 6, buf, sizeof buf),
          c->done_cnt);
  if (c->done_cnt == 0)
    fputs("  note: no market lived long enough for min_samples returns: logit would not have quoted in this recording\n", out);
}

static void write_volatility(FILE *out, const pmm_calibration_t *c) {
  char a[32], b[32], d[32], e[32];
  fputs("\nvolatility\n", out);
  for (int h = 0; h < PMM_CAL_HORIZONS; h++)
    fprintf(out, "  log-odds, changes over %2.0f s   %10s +- %s per square root of an hour (%llu changes)\n", pmm_cal_horizon_s[h],
            num(c->log_odds[h].value, 4, a, sizeof a), num(c->log_odds[h].se, 4, b, sizeof b), (unsigned long long)c->log_odds[h].returns);
  for (uint32_t i = 0; i < c->under_cnt; i++) {
    const pmm_cal_underlying_t *const u = &c->under[i];
    fprintf(out, "  %s from %s   %s +- %s a year (%llu returns); at the end stdev %s, ewma %s%s\n", u->id, u->source,
            num(u->whole.value, 4, a, sizeof a), num(u->whole.se, 4, b, sizeof b), (unsigned long long)u->whole.returns,
            num(u->stdev, 4, d, sizeof d), num(u->ewma, 4, e, sizeof e), u->kind == PMM_UNDER_TWAP ? "   (an average: too smooth)" : "");
  }
}

static void write_fit(FILE *out, const char *name, const pmm_intensity_t *f) {
  if (f->events == 0) return;
  if (f->status != PMM_OK) {
    fprintf(out, "  %-10s %8llu events: %s\n", name, (unsigned long long)f->events, not_enough);
    return;
  }
  fprintf(out, "  %-10s %8llu events   A %.5f +- %.5f /s   k %.3f +- %.3f /$", name, (unsigned long long)f->events, f->A, f->A_se, f->k,
          f->k_se);
  if (f->dof) fprintf(out, "   chi2 %.1f on %d (p %.3f)%s", f->chi2, f->dof, f->p_value, f->p_value < 0.01 ? ": not exponential" : "");
  fputc('\n', out);
  if (f->dof && f->chi2 > 2 * f->dof)
    fprintf(out, "  %-10s counts scatter more than Poisson's: take the errors times %.1f\n", "", sqrt(f->chi2 / f->dof));
}

static void write_bins(FILE *out, const pmm_intensity_t *f) {
  if (f->status != PMM_OK) return;
  fprintf(out, "  %10s %12s %10s %14s %14s\n", "distance $", "exposure s", "reached", "per second", "fitted");
  for (size_t j = 0; j < f->bin_cnt && j < BINS_SHOWN; j++) {
    const pmm_intensity_bin_t *const b = &f->bin[j];
    if (!(b->exposure_s > 0)) break;
    fprintf(out, "  %10.4f %12.1f %10llu %14.6f %14.6f\n", b->distance, b->exposure_s, (unsigned long long)b->reached,
            (double)b->reached / b->exposure_s, b->expected / b->exposure_s);
  }
}

static void write_intensity(FILE *out, const pmm_calibration_t *c) {
  fprintf(out, "\nfill intensity A exp(-k d), d from the mid, per market and side; from %s\n", fill_source(c));
  for (int side = 0; side < PMM_CAL_SIDES; side++) write_fit(out, side_names[side], &c->prints[side]);
  if (c->prints[PMM_CAL_BOTH].events && c->crossings[PMM_CAL_BOTH].events)
    fputs("  markets without prints, from book crossings within a second:\n", out);
  for (int side = 0; side < PMM_CAL_SIDES; side++) write_fit(out, side_names[side], &c->crossings[side]);
  write_bins(out, main_fit(c));
  if (c->inside)
    fprintf(out, "  %llu prints were nearer to the mid than half a tick and count for no distance\n", (unsigned long long)c->inside);
}

/* The best model wins by more than chance. */
static bool is_clear(const pmm_calibration_t *c) { return c->queue_best >= 0 && c->queue_margin > 2 * c->queue_margin_se; }

static void write_queue(FILE *out, const pmm_calibration_t *c) {
  char se[32];
  if (c->queue_cnt == 0) return;
  fputs("\nqueue model\n", out);
  if (c->live_orders == 0)
    fputs("  not identified: which cancelled quantity stood ahead cannot be seen in totals by price. Give live orders (--fills).\n", out);
  else if (c->queue_best < 0) fprintf(out, "  not identified: two models explain the %u live orders equally well\n", c->live_orders);
  else
    fprintf(out, "  %s explains the %u live orders (%u filled) best; the next loses %.4f +- %s more an order%s\n",
            c->queue[c->queue_best].name, c->live_orders, c->live_filled, c->queue_margin, num(c->queue_margin_se, 4, se, sizeof se),
            is_clear(c) ? "" : ": not clear");
  if (c->queue_strategy[0]) fprintf(out, "  how much it matters to strategy %s:\n", c->queue_strategy);
  fprintf(out, "  %-10s %10s %10s %12s %12s %10s\n", "model", "orders", "fills", "contracts", "P&L $", "loss");
  for (uint32_t i = 0; i < c->queue_cnt; i++) {
    const pmm_cal_queue_row_t *const r = &c->queue[i];
    char loss[32];
    if (r->orders == 0 && isnan(r->loss)) continue;
    if (r->orders == 0) fprintf(out, "  %-10s %10s %10s %12s %12s %10s\n", r->name, "-", "-", "-", "-", num(r->loss, 4, loss, sizeof loss));
    else
      fprintf(out, "  %-10s %10llu %10llu %12.2f %12.4f %10s\n", r->name, (unsigned long long)r->orders, (unsigned long long)r->fills,
              r->contracts, r->pnl, num(r->loss, 4, loss, sizeof loss));
  }
}

static void write_markout(FILE *out, const char *side, const char *size, const pmm_cal_markout_t *m) {
  char v[3][32];
  if (m->prints == 0) return;
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) num(m->mean[h] * 100, 3, v[h], sizeof v[h]);
  char share[32];
  fprintf(out, "  %-8s %-12s %10llu %14.2f %9s %9s %9s %9s\n", side, size, (unsigned long long)m->prints, m->contracts, v[0], v[1], v[2],
          num(m->adverse[1] * 100, 1, share, sizeof share));
}

static void write_toxicity(FILE *out, const pmm_calibration_t *c) {
  char a[32], b[32], d[32], e[32];
  fputs("\ntoxicity: what makers gained from prints, cents a contract\n", out);
  if (c->markout_all.prints == 0) fputs("  the recording has no prints\n", out);
  else fprintf(out, "  %-8s %-12s %10s %14s %9s %9s %9s %9s\n", "taker", "size", "prints", "contracts", "1 s", "10 s", "60 s", "adverse%");
  for (int side = 0; side < 2; side++)
    for (int size = 0; size < PMM_CAL_SIZES; size++)
      write_markout(out, side == PMM_BID ? "buys" : "sells", size_names[size], &c->markout[side][size]);
  write_markout(out, "all", "", &c->markout_all);
  fprintf(out, "  J (fast/slow movement) mean %s, D (one-sidedness) mean %s over %llu samples; S p50 %s", num(c->mean_jump, 3, a, sizeof a),
          num(c->mean_one_way, 3, b, sizeof b), (unsigned long long)c->steps, num(c->toxicity_p50, 3, d, sizeof d));
  fprintf(out, ", p90 %s, p99 %s\n", num(c->toxicity_p90, 3, a, sizeof a), num(c->toxicity_p99, 3, b, sizeof b));
  fprintf(out, "  adverse markout %s (10 s), %s (60 s) log-odds; Z of the average print %s\n", num(c->adverse_10s, 5, a, sizeof a),
          num(c->adverse_60s, 5, b, sizeof b), num(c->z, 3, d, sizeof d));
  if (isnan(c->c_tox)) fputs("  no grounds for c_tox and sigma_max: too few prints or samples\n", out);
  else fprintf(out, "  suggested c_tox %s, sigma_max %s\n", num(c->c_tox, 3, a, sizeof a), num(c->sigma_max, 3, e, sizeof e));
}

static void write_latency(FILE *out, const pmm_calibration_t *c) {
  fprintf(out, "\nlatency: receive minus exchange time, ms\n  %-28s %10s %9s %10s %10s %10s %10s\n", "source", "messages", "negative",
          "min", "p50", "p90", "p99");
  for (uint32_t i = 0; i < c->latency_cnt; i++) {
    const pmm_cal_latency_t *const l = &c->latency[i];
    char v[4][32];
    if (l->messages == 0) {
      fprintf(out, "  %-28.28s the recording has one clock only\n", l->name);
      continue;
    }
    fprintf(out, "  %-28.28s %10llu %9llu %10s %10s %10s %10s%s\n", l->name, (unsigned long long)l->messages,
            (unsigned long long)l->negative, num(l->min_ms, 3, v[0], sizeof v[0]), num(l->p50_ms, 3, v[1], sizeof v[1]),
            num(l->p90_ms, 3, v[2], sizeof v[2]), num(l->p99_ms, 3, v[3], sizeof v[3]), l->usable ? "" : "   not usable");
  }
  fputs("  includes the offset of the two clocks; the way of an order to the venue is not in a recording\n", out);
}

void pmm_calibrate_write(FILE *out, const pmm_calibration_t *c) {
  write_data(out, c);
  write_warmup(out, c);
  write_volatility(out, c);
  write_intensity(out, c);
  write_toxicity(out, c);
  write_latency(out, c);
  write_queue(out, c);
}

/* -- JSON -- */
static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }
static json_t *count(uint64_t x) { return json_integer((json_int_t)x); }

static json_t *clock_json(const pmm_warmup_clock_t *k) {
  return json_pack("{s:f,s:f,s:f,s:f,s:f}", "dt_sample", k->dt_sample_s, "tau_fast", k->tau_fast_s, "tau_slow", k->tau_slow_s, "h1",
                   k->h1_s, "h2", k->h2_s);
}

static json_t *warmup_json(const pmm_calibration_t *c) {
  json_t *const markets = json_array();
  for (uint32_t i = 0; i < c->warmup_cnt; i++) {
    const pmm_warmup_found_t *const f = &c->warmup[i].found;
    json_array_append_new(markets, json_pack("{s:s,s:b,s:b,s:b,s:i,s:i,s:i,s:o,s:o}", "market", c->warmup[i].market, "observed",
                                             f->observed, "chosen", f->chosen, "done", f->done, "change_gaps", (int)f->change_gaps,
                                             "trade_gaps", (int)f->trade_gaps, "samples", (int)f->samples, "clock", clock_json(&f->clock),
                                             "sigma_base", number(f->sigma_base)));
  }
  return json_pack("{s:o,s:o,s:i,s:i,s:o}", "clock", clock_json(&c->clock), "sigma_base", number(c->sigma_base), "chosen",
                   (int)c->chosen_cnt, "done", (int)c->done_cnt, "markets", markets);
}

static json_t *one_volatility_json(const pmm_cal_volatility_t *v) {
  return json_pack("{s:o,s:o,s:o}", "value", number(v->value), "se", number(v->se), "returns", count(v->returns));
}

static json_t *volatility_json(const pmm_calibration_t *c) {
  json_t *const odds = json_object(), *const under = json_array();
  static const char *const key[PMM_CAL_HORIZONS] = {"1s", "10s", "60s"};
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) json_object_set_new(odds, key[h], one_volatility_json(&c->log_odds[h]));
  for (uint32_t i = 0; i < c->under_cnt; i++) {
    const pmm_cal_underlying_t *const u = &c->under[i];
    json_array_append_new(under,
                          json_pack("{s:s,s:s,s:b,s:o,s:o,s:o}", "id", u->id, "source", u->source, "average", u->kind == PMM_UNDER_TWAP,
                                    "annual", one_volatility_json(&u->whole), "stdev", number(u->stdev), "ewma", number(u->ewma)));
  }
  return json_pack("{s:o,s:o}", "log_odds_per_sqrt_hour", odds, "underlyings", under);
}

static json_t *fit_json(const pmm_intensity_t *f) {
  json_t *const bins = json_array();
  for (size_t j = 0; j < f->bin_cnt; j++)
    json_array_append_new(bins,
                          json_pack("{s:f,s:f,s:o,s:o}", "distance", f->bin[j].distance, "exposure_s", f->bin[j].exposure_s, "reached",
                                    count(f->bin[j].reached), "expected", f->status == PMM_OK ? number(f->bin[j].expected) : json_null()));
  return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:o}", "status", pmm_status_to_string(f->status), "events", count(f->events),
                   "A", number(f->A), "A_se", number(f->A_se), "k", number(f->k), "k_se", number(f->k_se), "correlation",
                   number(f->correlation), "chi2", number(f->chi2), "dof", f->dof, "p_value", number(f->p_value), "bins", bins);
}

static json_t *fits_json(const pmm_intensity_t fit[PMM_CAL_SIDES]) {
  return json_pack("{s:o,s:o,s:o}", "both", fit_json(&fit[PMM_CAL_BOTH]), "bids", fit_json(&fit[PMM_CAL_BID]), "asks",
                   fit_json(&fit[PMM_CAL_ASK]));
}

static json_t *triple(const double v[PMM_CAL_HORIZONS]) {
  return json_pack("{s:o,s:o,s:o}", "1s", number(v[0]), "10s", number(v[1]), "60s", number(v[2]));
}

static json_t *markout_json(const char *side, const char *size, const pmm_cal_markout_t *m) {
  return json_pack("{s:s,s:s,s:o,s:f,s:o,s:o,s:o}", "taker", side, "size", size, "prints", count(m->prints), "contracts", m->contracts,
                   "mean", triple(m->mean), "se", triple(m->se), "adverse", triple(m->adverse));
}

static json_t *toxicity_json(const pmm_calibration_t *c) {
  json_t *const markouts = json_array();
  for (int side = 0; side < 2; side++)
    for (int size = 0; size < PMM_CAL_SIZES; size++)
      json_array_append_new(markouts, markout_json(side == PMM_BID ? "buy" : "sell", size_names[size], &c->markout[side][size]));
  json_array_append_new(markouts, markout_json("all", "all", &c->markout_all));
  json_t *const o = json_pack("{s:o,s:o,s:o,s:o,s:o}", "markouts", markouts, "samples", count(c->steps), "mean_jump", number(c->mean_jump),
                              "mean_one_way", number(c->mean_one_way), "mean_abs_return", number(c->mean_abs_return));
  json_object_set_new(
      o, "S", json_pack("{s:o,s:o,s:o}", "p50", number(c->toxicity_p50), "p90", number(c->toxicity_p90), "p99", number(c->toxicity_p99)));
  json_object_set_new(o, "adverse_10s", number(c->adverse_10s));
  json_object_set_new(o, "adverse_60s", number(c->adverse_60s));
  json_object_set_new(o, "Z", number(c->z));
  json_object_set_new(o, "c_tox", number(c->c_tox));
  json_object_set_new(o, "sigma_max", number(c->sigma_max));
  return o;
}

static json_t *queue_json(const pmm_calibration_t *c) {
  json_t *const models = json_array();
  for (uint32_t i = 0; i < c->queue_cnt; i++) {
    const pmm_cal_queue_row_t *const r = &c->queue[i];
    if (r->orders == 0 && isnan(r->loss)) continue;
    json_array_append_new(models,
                          json_pack("{s:s,s:o,s:o,s:f,s:f,s:o,s:i}", "model", r->name, "orders", count(r->orders), "fills", count(r->fills),
                                    "contracts", r->contracts, "pnl", r->pnl, "loss", number(r->loss), "both_filled", (int)r->both_filled));
  }
  return json_pack("{s:b,s:o,s:i,s:i,s:o,s:o,s:s,s:o}", "identified", is_clear(c), "best",
                   c->queue_best >= 0 ? json_string(c->queue[c->queue_best].name) : json_null(), "live_orders", (int)c->live_orders,
                   "live_filled", (int)c->live_filled, "margin", number(c->queue_margin), "margin_se", number(c->queue_margin_se),
                   "strategy", c->queue_strategy, "models", models);
}

static json_t *latency_json(const pmm_calibration_t *c) {
  json_t *const list = json_array();
  for (uint32_t i = 0; i < c->latency_cnt; i++) {
    const pmm_cal_latency_t *const l = &c->latency[i];
    json_array_append_new(list,
                          json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "source", l->name, "messages", count(l->messages), "negative",
                                    count(l->negative), "min_ms", number(l->min_ms), "p50_ms", number(l->p50_ms), "p90_ms",
                                    number(l->p90_ms), "p99_ms", number(l->p99_ms), "max_ms", number(l->max_ms), "usable", l->usable));
  }
  return list;
}

void pmm_calibrate_write_json(FILE *out, const pmm_calibration_t *c) {
  json_t *const o = json_pack("{s:i,s:o,s:o,s:o,s:I,s:I,s:b}", "markets", (int)c->market_cnt, "records", count(c->records), "prints",
                              count(c->trades), "inferred", count(c->inferred), "first_ns", (json_int_t)c->first_ns, "last_ns",
                              (json_int_t)c->last_ns, "truncated", c->truncated);
  json_object_set_new(o, "warmup", warmup_json(c));
  json_object_set_new(o, "volatility", volatility_json(c));
  json_object_set_new(o, "intensity",
                      json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "source", fill_source(c), "prints", fits_json(c->prints), "crossings",
                                fits_json(c->crossings), "inside", count(c->inside), "trade_rate", number(c->trade_rate), "mean_pq",
                                number(c->mean_pq)));
  json_object_set_new(o, "toxicity", toxicity_json(c));
  json_object_set_new(o, "latency", latency_json(c));
  json_object_set_new(o, "queue", queue_json(c));
  json_dumpf(o, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
  fputc('\n', out);
  json_decref(o);
}

/* -- fragment -- */
static void write_lines(FILE *out, const char *text) {
  for (const char *at = text; *at;) {
    size_t const len = strcspn(at, "\n");
    fprintf(out, "# %.*s\n", (int)len, at);
    at += len + (at[len] == '\n');
  }
}

static void write_logit(FILE *out, const pmm_calibration_t *c) {
  const pmm_intensity_t *const f = main_fit(c);
  fputs("params:\n", out);
  if (c->chosen_cnt) fprintf(out, "  # warm-up: median of %u of %u markets\n", c->chosen_cnt, c->warmup_cnt);
  else fputs("  # warm-up: no market showed 50 price changes and 20 trade gaps while observed; the configured clock\n", out);
  fprintf(out, "  dt_sample: %.3fs\n  tau_fast: %.3fs\n  tau_slow: %.3fs\n  h1: %.3fs\n  h2: %.3fs\n", c->clock.dt_sample_s,
          c->clock.tau_fast_s, c->clock.tau_slow_s, c->clock.h1_s, c->clock.h2_s);
  if (c->trades >= PRINTS_MIN && c->trade_rate > 1e-9)
    fprintf(out, "  # %llu prints in the time both sides of the book were there\n  rate_ref: %.6f\n", (unsigned long long)c->trades,
            c->trade_rate);
  if (f->status == PMM_OK && c->mean_pq > 0) {
    double const kappa = f->k * c->mean_pq / 2; /* the trade rate of kappa = kappa0 (1 + rate/rate_ref) is rate_ref on average */
    fprintf(out,
            "  # k %.3f +- %.3f per dollar, mean p(1-p) %.4f: k per log-odds, halved as the average trade rate doubles kappa0\n  kappa0: "
            "%.6f\n",
            f->k, f->k_se, c->mean_pq, kappa);
  }
  if (!isnan(c->c_tox))
    fprintf(out, "  # %llu samples: S p90 %.4f, p99 %.4f; Z of the average print %.4f\n  c_tox: %.3f\n  sigma_max: %.3f\n",
            (unsigned long long)c->steps, c->toxicity_p90, c->toxicity_p99, c->z, c->c_tox, c->sigma_max);
}

static void write_digital(FILE *out, const pmm_calibration_t *c) {
  for (uint32_t i = 0; i < c->under_cnt; i++) {
    const pmm_cal_underlying_t *const u = &c->under[i];
    if (u->kind == PMM_UNDER_TWAP || !(u->whole.value > 0)) continue;
    fprintf(out, "params:\n  # %s from %s: +- %.4f, %llu returns\n  volatility: %.6f\n", u->id, u->source, u->whole.se,
            (unsigned long long)u->whole.returns, fmin(u->whole.value, 100));
    return;
  }
  fputs("# no underlying with 20 returns: volatility is left to the running estimate\n", out);
}

static void write_exchange(FILE *out, const pmm_calibration_t *c) {
  if (is_clear(c)) {
    const pmm_cal_queue_row_t *const r = &c->queue[c->queue_best];
    static const char *const names[] = {
        [PMM_QUEUE_FRONT] = "front", [PMM_QUEUE_BACK] = "back", [PMM_QUEUE_PROPORTIONAL] = "proportional", [PMM_QUEUE_POWER] = "power"};
    fprintf(out, "exchange:\n  # %u live orders; the next model loses %.4f +- %.4f more an order\n  queue: %s\n", c->live_orders,
            c->queue_margin, c->queue_margin_se, names[r->model]);
    if (r->model == PMM_QUEUE_POWER) fprintf(out, "  queue_power: %.2f\n", r->power);
    return;
  }
  fprintf(out, "# queue model: not identified %s\n", c->live_orders ? "by the live orders given" : "without live orders");
  for (uint32_t i = 0; i < c->queue_cnt; i++)
    if (c->queue[i].orders)
      fprintf(out, "#   %-10s %llu fills, P&L $%.4f\n", c->queue[i].name, (unsigned long long)c->queue[i].fills, c->queue[i].pnl);
}

static void write_delays(FILE *out, const pmm_calibration_t *c) {
  const pmm_cal_latency_t *const l = c->latency_cnt ? &c->latency[0] : NULL;
  if (!l || !l->usable) {
    fputs("# latency: the recording's clocks do not allow it\n", out);
    return;
  }
  fprintf(out,
          "latency:\n  # of %llu market messages: p50 %.3f, p90 %.3f, p99 %.3f ms; an order is taken to travel as long as data do\n  "
          "order: %.3fms\n  response: %.3fms\n",
          (unsigned long long)l->messages, l->p50_ms, l->p90_ms, l->p99_ms, l->p50_ms, l->p50_ms);
}

void pmm_calibrate_write_fragment(FILE *out, const pmm_calibration_t *c, const char *strategy, const char *provenance) {
  char from[PMM_TIME_BUF], to[PMM_TIME_BUF];
  const pmm_intensity_t *const f = main_fit(c);
  pmm_time_print(c->first_ns, 3, from);
  pmm_time_print(c->last_ns, 3, to);
  fprintf(out, "# pmm calibrate, version %s\n", PMM_VERSION);
  write_lines(out, provenance);
  fprintf(out, "# data: %s .. %s, %llu records of %u markets, %llu prints (%llu inferred)\n", from, to, (unsigned long long)c->records,
          c->market_cnt, (unsigned long long)c->trades, (unsigned long long)c->inferred);
  fprintf(out, "# fill intensity A exp(-k d), from %s:\n", fill_source(c));
  if (f->status == PMM_OK)
    fprintf(out, "#   A %.6f +- %.6f per second, k %.4f +- %.4f per dollar, correlation %.3f, %llu events, chi2 %.1f on %d\n", f->A,
            f->A_se, f->k, f->k_se, f->correlation, (unsigned long long)f->events, f->dof ? f->chi2 : 0, f->dof);
  else fprintf(out, "#   %s (%llu events)\n", not_enough, (unsigned long long)f->events);
  if (!isnan(c->log_odds[1].value))
    fprintf(out, "# log-odds volatility per square root of an hour, changes over 10 s: %.4f +- %.4f\n", c->log_odds[1].value,
            c->log_odds[1].se);
  if (!isnan(c->sigma_base)) fprintf(out, "# sigma_base %.6f log-odds a sample, %u markets\n", c->sigma_base, c->done_cnt);
  fprintf(out, "strategy: %s\n", strategy);
  if (strcmp(strategy, "logit") == 0) write_logit(out, c);
  if (strcmp(strategy, "digital") == 0) write_digital(out, c);
  write_exchange(out, c);
  write_delays(out, c);
}
