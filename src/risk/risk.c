/* src/risk/risk.c -- the checks, the loss account, the token bucket. */
#include <math.h>
#include "pmm/risk.h"

#define DAY_NONE INT64_MIN

void pmm_risk_init(pmm_risk_t *risk, const pmm_risk_params_t *params) {
  *risk = (pmm_risk_t){.params = *params, .day = DAY_NONE, .tokens = (double)params->max_order_burst, .tokens_ns = PMM_TIME_NONE};
}

/* -- days -- */
static int64_t day_of(int64_t now_ns) { return now_ns / PMM_NS_PER_DAY - (now_ns % PMM_NS_PER_DAY < 0); }

/* Counters start again at UTC midnight; the streak and the kill switch outlive the day. */
static void roll_day(pmm_risk_t *r, int64_t now_ns) {
  int64_t const day = day_of(now_ns);
  if (day <= r->day) return; /* a clock set back does not give a second budget */
  r->day = day;
  r->day_open = false;
  r->earlier_e6 = 0;
  r->trades_today = 0;
  r->alerts = r->killed ? PMM_ALERT_KILLED : PMM_ALERT_NONE;
}

static int64_t loss(const pmm_risk_t *r, int64_t equity_e6) { return (r->day_open ? r->day_start_equity_e6 - equity_e6 : 0) - r->earlier_e6; }

/* -- rate budget -- */
static double tokens_at(const pmm_risk_t *r, int64_t now_ns) {
  if (r->tokens_ns == PMM_TIME_NONE || now_ns <= r->tokens_ns) return r->tokens;
  double const gained = (double)(now_ns - r->tokens_ns) * 1e-9 * r->params.max_order_rate;
  return fmin((double)r->params.max_order_burst, r->tokens + gained);
}

static bool take_token(pmm_risk_t *r, int64_t now_ns, double reserve) {
  if (r->params.max_order_rate == 0) return true;
  r->tokens = tokens_at(r, now_ns);
  if (r->tokens_ns == PMM_TIME_NONE || now_ns > r->tokens_ns) r->tokens_ns = now_ns;
  if (r->tokens - reserve < 1) return false;
  r->tokens -= 1;
  return true;
}

bool pmm_risk_allow_cancel(pmm_risk_t *risk, int64_t now_ns) { return take_token(risk, now_ns, 0); }

double pmm_risk_rate_left(const pmm_risk_t *risk, int64_t now_ns) {
  return risk->params.max_order_rate == 0 ? INFINITY : tokens_at(risk, now_ns);
}

/* -- checks of one order: each true when it refuses -- */
static bool off_band(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  if (isnan(o->fair)) return false;
  double const given_away = pmm_side_sign(o->side) * ((double)o->price_e4 / PMM_ONE_E4 - o->fair);
  return given_away > r->params.price_band + 1e-9; /* fair is a double; a price on the band passes */
}

static bool crosses_own(const pmm_risk_order_t *o) {
  if (o->side == PMM_BID) return o->own_best_ask_e4 && o->price_e4 >= o->own_best_ask_e4;
  return o->own_best_bid_e4 && o->price_e4 <= o->own_best_bid_e4;
}

static bool too_tight(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  int32_t const bid = o->side == PMM_BID ? o->price_e4 : o->own_best_bid_e4;
  int32_t const ask = o->side == PMM_BID ? o->own_best_ask_e4 : o->price_e4;
  return bid && ask && (double)(ask - bid) / PMM_ONE_E4 < r->params.min_spread - 1e-9;
}

static bool past_net(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  int64_t const net = o->yes_e6 - o->no_e6;
  int64_t const worst = o->side == PMM_BID ? net + o->open_bid_e6 + o->qty_e6 : -net + o->open_ask_e6 + o->qty_e6;
  return worst > r->params.max_net_e6;
}

/* A sell of holdings costs nothing and cannot raise the gross. */
static bool past_gross(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  return o->cost_e6 > 0 && o->yes_e6 + o->no_e6 + o->open_buy_e6 + o->qty_e6 > r->params.max_gross_e6;
}

static bool past_side(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  return o->cost_e6 > 0 && o->open_notional_side_e6 + o->cost_e6 > r->params.max_open_notional_side_e6;
}

static bool too_hot(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  return o->cost_e6 > 0 && (double)(o->at_risk_e6 + o->cost_e6) > r->params.max_heat * (double)o->equity_e6;
}

static bool lost_too_much(const pmm_risk_t *r, const pmm_risk_order_t *o) {
  return r->params.max_daily_loss_e6 && loss(r, o->equity_e6) >= r->params.max_daily_loss_e6;
}

static pmm_risk_reason_t first_refusal(pmm_risk_t *r, const pmm_risk_order_t *o) {
  const pmm_risk_params_t *const p = &r->params;
  if (r->killed) return PMM_RISK_KILLED;
  if (o->qty_e6 > p->max_order_size_e6) return PMM_RISK_ORDER_SIZE;
  if (off_band(r, o)) return PMM_RISK_PRICE_BAND;
  if (crosses_own(o)) return PMM_RISK_SELF_CROSS;
  if (p->min_spread > 0 && too_tight(r, o)) return PMM_RISK_SPREAD;
  if (!o->reduces) {
    if (past_net(r, o)) return PMM_RISK_NET;
    if (past_gross(r, o)) return PMM_RISK_GROSS;
    if (past_side(r, o)) return PMM_RISK_SIDE_NOTIONAL;
    if (too_hot(r, o)) return PMM_RISK_HEAT;
  }
  if (lost_too_much(r, o)) return PMM_RISK_DAILY_LOSS;
  if (p->max_trades_per_day && r->trades_today >= p->max_trades_per_day) return PMM_RISK_TRADES;
  if (o->cost_e6 > 0 && o->cost_e6 > o->free_cash_e6) return PMM_RISK_CASH;
  if (!o->reduces && o->cost_e6 > 0 && o->cash_floor_e6 > 0 && o->free_cash_e6 - o->cost_e6 < o->cash_floor_e6) return PMM_RISK_CASH_FLOOR;
  return PMM_RISK_NONE;
}

pmm_risk_reason_t pmm_risk_check(pmm_risk_t *risk, const pmm_risk_order_t *order) {
  roll_day(risk, order->now_ns);
  pmm_risk_reason_t reason = first_refusal(risk, order);
  if (reason == PMM_RISK_NONE && !take_token(risk, order->now_ns, (double)risk->params.cancel_reserve)) reason = PMM_RISK_RATE;
  if (reason != PMM_RISK_NONE) risk->refused[reason]++;
  return reason;
}

/* -- fills and losses -- */
double pmm_risk_size_factor(const pmm_risk_t *risk) {
  return risk->params.loss_streak && risk->streak >= risk->params.loss_streak ? risk->params.loss_streak_cut : 1;
}

void pmm_risk_on_fill(pmm_risk_t *risk, int64_t now_ns, int64_t realized_e6) {
  roll_day(risk, now_ns);
  risk->trades_today++;
  if (realized_e6 < 0) risk->streak++;
  if (realized_e6 > 0) risk->streak = 0;
}

static uint32_t loss_alerts(int64_t lost_e6, int64_t limit_e6) {
  uint32_t alerts = PMM_ALERT_NONE;
  if (limit_e6 == 0 || lost_e6 <= 0) return alerts;
  if (lost_e6 >= limit_e6 - limit_e6 / 2) alerts |= PMM_ALERT_LOSS_50;
  if (lost_e6 >= limit_e6 - limit_e6 / 5) alerts |= PMM_ALERT_LOSS_80;
  if (lost_e6 >= limit_e6) alerts |= PMM_ALERT_LOSS_100;
  return alerts;
}

uint32_t pmm_risk_on_equity(pmm_risk_t *risk, int64_t now_ns, int64_t equity_e6) {
  roll_day(risk, now_ns);
  if (!risk->day_open) {
    risk->day_start_equity_e6 = equity_e6;
    risk->day_open = true;
  }
  uint32_t const before = risk->alerts;
  risk->alerts |= loss_alerts(loss(risk, equity_e6), risk->params.max_daily_loss_e6);
  if ((risk->alerts & ~before) & PMM_ALERT_LOSS_100) pmm_risk_kill(risk);
  return risk->alerts & ~before;
}

void pmm_risk_on_deposit(pmm_risk_t *risk, int64_t amount_e6) {
  if (risk->day_open) risk->day_start_equity_e6 += amount_e6;
}

/* -- over a restart -- */
void pmm_risk_day(const pmm_risk_t *risk, int64_t equity_e6, pmm_risk_day_t *out) {
  *out = (pmm_risk_day_t){.day = risk->day == DAY_NONE ? 0 : risk->day, .result_e6 = -loss(risk, equity_e6), .trades = risk->trades_today, .streak = risk->streak};
}

void pmm_risk_resume(pmm_risk_t *risk, int64_t now_ns, const pmm_risk_day_t *before) {
  risk->day = day_of(now_ns);
  risk->streak = before->streak;
  if (before->day < risk->day) return;
  risk->earlier_e6 = before->result_e6;
  risk->trades_today = before->trades;
}

void pmm_risk_kill(pmm_risk_t *risk) {
  risk->killed = true;
  risk->alerts |= PMM_ALERT_KILLED;
}

void pmm_risk_reset(pmm_risk_t *risk) {
  risk->killed = false;
  risk->day_open = false;
  risk->earlier_e6 = 0;
  risk->alerts = PMM_ALERT_NONE;
}
