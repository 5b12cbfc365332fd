/* flow.c -- records and events into the engine, actions out of it to the adapters or to simulated fills. */
#include <string.h>
#include "live_impl.h"

/* -- into the engine -- */
static void record_md(pmm_live_t *l, const pmm_md_t *md, size_t cnt) {
  if (!l->recorder) return;
  for (size_t i = 0; i < cnt; i++) pmm__recorder_put(l->recorder, &md[i]);
}

static void step_paper(pmm_live_t *l, const pmm_md_t *md) {
  pmm_engine_t *const e = l->setup.engine;
  pmm_engine_apply(e, md);
  pmm__paper_md(l->paper, md->recv_ns, md);
  (void)pmm_engine_react(e, md);
}

static void step_live(pmm_live_t *l, const pmm_md_t *md) {
  pmm_md_t seen;
  pmm__own_md(l->own, md, &seen);
  (void)pmm_engine_on_md(l->setup.engine, &seen); /* counts what makes no sense */
}

static void take_md(pmm_live_t *l, const pmm_md_t *md, size_t cnt);

/* A venue may tell that a market has resolved without ever having told that it closed. */
static bool resolves_open(const pmm_live_t *l, const pmm_md_t *md) {
  if (md->kind != PMM_MD_STATUS || md->aux != PMM_LIFE_RESOLVED || !l->has_setup || md->market >= l->setup.market_cnt) return false;
  uint8_t const life = pmm_engine_market(l->setup.engine, md->market)->life;
  return life == PMM_LIFE_OPEN || life == PMM_LIFE_HALTED;
}

void pmm__live_md(pmm_live_t *l, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    if (!resolves_open(l, &md[i])) continue;
    pmm_md_t closed = md[i];
    closed.aux = PMM_LIFE_CLOSED;
    closed.side = 0;
    closed.qty_e6 = 0;
    take_md(l, md, i);
    take_md(l, &closed, 1);
    md += i;
    cnt -= i;
    i = 0;
  }
  take_md(l, md, cnt);
}

static void take_md(pmm_live_t *l, const pmm_md_t *md, size_t cnt) {
  record_md(l, md, cnt);
  pmm_observer_t const *const o = l->cfg.observer;
  if (!l->has_setup) return;
  for (size_t i = 0, n; i < cnt; i += n) {
    n = l->paper ? 0 : pmm__own_book(l->own, &md[i], cnt - i);
    if (n == 0) {
      if (l->paper) step_paper(l, &md[i]);
      else step_live(l, &md[i]);
      n = 1;
    }
    for (size_t k = i; o && o->record && k < i + n; k++) o->record(o->ctx, &md[k]);
  }
  while (pmm_engine_stirred(l->setup.engine)) {}
  pmm__live_pump(l);
}

void pmm__live_event(pmm_live_t *l, const pmm_event_t *event) {
  if (!l->has_setup) return;
  pmm_observer_t const *const o = l->cfg.observer;
  if (o && o->account && event->md.kind <= PMM_EV_ORDER_STATE) {
    pmm_order_t const *const order = pmm_exec_find(pmm_engine_exec(l->setup.engine), event->order_id);
    o->account(o->ctx, event, order ? order->slot : UINT32_MAX);
  }
  bool const ours = l->own && ((event->md.kind >= PMM_EV_ACK && event->md.kind <= PMM_EV_ORDER_STATE) || event->md.kind == PMM_EV_OPEN_ORDER);
  pmm_order_t const *const was = ours ? pmm_exec_find(pmm_engine_exec(l->setup.engine), event->order_id) : NULL;
  pmm_order_t before;
  if (was) before = *was;
  (void)pmm_engine_on_event(l->setup.engine, event);
  if (ours) pmm__own_event(l->own, was ? &before : NULL, pmm_exec_find(pmm_engine_exec(l->setup.engine), event->order_id));
  while (pmm_engine_stirred(l->setup.engine)) {}
  pmm__live_pump(l);
}

/* -- out of the engine -- */
static void hand_out(pmm_live_t *l, const pmm_action_t *action, uint32_t cnt) {
  for (uint32_t i = 0; i < cnt; i++) {
    pmm__live_venue_t *const v = &l->venue[l->wallet[action[i].market]];
    v->out[v->out_cnt++] = action[i];
  }
}

static void send_out(pmm_live_t *l, pmm__live_venue_t *v) {
  uint32_t const cnt = v->out_cnt;
  v->out_cnt = 0;
  if (cnt == 0) return;
  for (uint32_t i = 0; i < cnt; i++) v->status.orders += v->out[i].kind == PMM_ACT_PLACE;
  if (!l->paper) {
    v->ops->submit(v->adapter, v->out, cnt);
    return;
  }
  int64_t const now = pmm_net_now(l->net);
  for (uint32_t i = 0; i < cnt; i++) pmm__paper_action(l->paper, now, &v->out[i]);
}

#define ROUNDS_MAX 32
#define PAUSE_NS PMM_NS_PER_MS

static void set_timer(pmm_live_t *l) {
  uint32_t left;
  (void)pmm_engine_actions(l->setup.engine, &left);
  int64_t next = left ? pmm_net_now(l->net) + PAUSE_NS : pmm_engine_next_timer(l->setup.engine);
  if (l->paper) next = pmm_min64(next, pmm__paper_next(l->paper));
  if (next == PMM_NS_MAX) {
    pmm_net_timer_stop(l->net, &l->timer);
    return;
  }
  int64_t const at = pmm_net_mono(l->net) + pmm_max64(0, next - pmm_net_now(l->net));
  if (l->timer.heap == 0 || l->timer.at_ns != at) pmm_net_timer_set(l->net, &l->timer, at);
}

/* What the limits of the day raised since last told. */
static void tell_risk(pmm_live_t *l) {
  uint32_t const alerts = pmm_engine_risk(l->setup.engine)->alerts, fresh = alerts & ~l->told_alerts;
  if (alerts == l->told_alerts) return;
  l->told_alerts = alerts; /* a new day takes them back */
  double const limit = (double)l->config->risk.max_daily_loss_e6 / 1e6;
  if (fresh & PMM_ALERT_LOSS_100) pmm__live_note(l, PMM_ALERT, "loss", PMM_NOTICE_NO_MARKET, "the day's loss has reached its limit of $%.2f", limit);
  else if (fresh & (PMM_ALERT_LOSS_50 | PMM_ALERT_LOSS_80))
    pmm__live_note(l, PMM_WARN, "loss", PMM_NOTICE_NO_MARKET, "the day's loss is beyond %d%% of its limit of $%.2f", fresh & PMM_ALERT_LOSS_80 ? 80 : 50, limit);
  if (fresh & PMM_ALERT_KILLED) pmm__live_note(l, PMM_ALERT, "killed", PMM_NOTICE_NO_MARKET, "the kill switch is on: every order is cancelled, and none is placed");
}

/* An adapter may answer an action at once: its event comes from inside submit, and what the engine makes of it goes out in the next round. A strategy and
   an adapter that answer each other without end must not keep the loop from the sockets: after ROUNDS_MAX the rest waits for PAUSE_NS. */
void pmm__live_pump(pmm_live_t *l) {
  if (l->in_engine || !l->has_setup) return;
  l->in_engine = true;
  pmm_engine_t *const e = l->setup.engine;
  pmm_observer_t const *const o = l->cfg.observer;
  uint32_t round = 0;
  for (;; round++) {
    uint32_t cnt;
    const pmm_action_t *const action = pmm_engine_actions(e, &cnt);
    if (cnt == 0) break;
    if (round == ROUNDS_MAX) {
      l->put_off++;
      break;
    }
    if (o && o->actions) o->actions(o->ctx, pmm_engine_now(e), action, cnt);
    hand_out(l, action, cnt);
    pmm_engine_actions_done(e);
    for (uint32_t i = 0; i < l->venue_cnt; i++) send_out(l, &l->venue[i]);
  }
  l->in_engine = false;
  set_timer(l);
  if (pmm_engine_risk(e)->killed != l->told_killed) pmm__live_persist(l, true);
  tell_risk(l);
}

static void on_timer(void *ctx) {
  pmm_live_t *const l = ctx;
  int64_t const now = pmm_net_now(l->net);
  if (l->paper) pmm__paper_run(l->paper, now);
  if (now >= pmm_engine_next_timer(l->setup.engine)) {
    pmm_engine_timer(l->setup.engine, now);
    while (pmm_engine_stirred(l->setup.engine)) {}
  }
  pmm__live_pump(l);
}

void pmm__live_begin(pmm_live_t *l) {
  l->timer = (pmm_timer_t){.fn = on_timer, .ctx = l};
  pmm_engine_timer(l->setup.engine, pmm_net_now(l->net)); /* from now on there is time */
  pmm__live_pump(l);
}

/* -- what adapters tell -- */
static void on_md(void *ctx, const pmm_md_t *md, size_t cnt) {
  pmm__live_venue_t *const v = ctx;
  v->status.records += cnt;
  if (cnt) v->status.last_md_ns = md[cnt - 1].recv_ns;
  pmm__live_md(v->live, md, cnt);
}

static void on_account(void *ctx, const pmm_event_t *event) {
  pmm__live_venue_t *const v = ctx;
  pmm_live_t *const l = v->live;
  if (l->paper || !l->has_setup) return;
  bool const fill = event->md.kind == PMM_EV_FILL;
  if (fill) {
    v->status.fills++;
    int64_t const at = event->md.exch_ns == PMM_TIME_NONE ? event->md.recv_ns : event->md.exch_ns;
    if (v->fills_until_ns == PMM_TIME_NONE || at > v->fills_until_ns) v->fills_until_ns = at;
  }
  pmm__live_event(l, event);
  if (fill) pmm__live_persist(l, false);
}

static void on_report(void *ctx, const pmm_account_report_t *report) { pmm__live_report(ctx, report); }

static void on_ready(void *ctx, bool ready, const char *why) {
  pmm__live_venue_t *const v = ctx;
  bool const changed = v->ready != ready;
  v->ready = v->status.ready = ready;
  snprintf(v->status.why, sizeof v->status.why, "%s", ready || !why ? "" : why);
  if (changed) pmm__live_note(v->live, ready ? PMM_NOTE : PMM_WARN, ready ? "ready" : "not-ready", PMM_NOTICE_NO_MARKET, "%s: %s", v->status.name,
                              ready ? "ready" : why ? why : "not ready");
}

const pmm_venue_sink_t pmm__live_sink = {.discovered = pmm__live_discovered, .failed = pmm__live_failed, .md = on_md, .account = on_account,
                                         .report = on_report, .ready = on_ready, .stopped = pmm__live_stopped};
