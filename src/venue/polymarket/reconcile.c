/* What the account holds, read at the start and every so often: balance, positions, open orders, trades, in this order and page by page. What
   differs from what we know is looked into; orders in our markets that nobody knows are cancelled. */
#include <stdio.h>
#include "adapter.h"

#define PAGES_MAX 200
#define POSITIONS_PAGE 500
#define TRADES_MARGIN_S 120           /* trades are read again from so long before the newest known */
#define STRAYS_MAX PMM_POLY_CANCELS_MAX

static pmm_poly_word_t stray[STRAYS_MAX]; /* of the page at work; single-threaded */

static void step_failed(pmm__poly_t *p) {
  p->round.active = false;
  if (p->round.takeover) pmm__later(p, pmm__again_from_start);
  else p->reconcile_ns = pmm_net_mono(p->net) + 2 * PMM_NS_PER_S;
}

static void ask(pmm__poly_t *p, const pmm__send_t *send) {
  if (++p->round.pages > PAGES_MAX || !pmm__send(p, send)) step_failed(p);
}

/* -- the steps -- */
static void ask_balance(pmm__poly_t *p) {
  char query[96];
  snprintf(query, sizeof query, "?asset_type=COLLATERAL&signature_type=%d", p->signature_type);
  ask(p, &(pmm__send_t){.call = PMM__CALL_BALANCE, .auth = PMM__SIGNED, .method = "GET", .base = p->rest, .path = "/balance-allowance", .query = query, .retries = 2});
}

static void ask_positions(pmm__poly_t *p) {
  char query[160];
  snprintf(query, sizeof query, "?user=%s&sizeThreshold=0&limit=%d&offset=%u", p->funder_text, POSITIONS_PAGE, p->round.offset);
  ask(p, &(pmm__send_t){.call = PMM__CALL_POSITIONS, .method = "GET", .base = p->data, .path = "/positions", .query = query, .retries = 2});
}

static void encode_cursor(const char *cursor, char out[PMM_POLY_CURSOR_MAX * 3]) {
  size_t at = 0;
  for (const char *c = *cursor ? cursor : "MA=="; *c; c++) {
    if (*c == '=' || *c == '+' || *c == '/') at += (size_t)snprintf(out + at, 4, "%%%02X", (unsigned char)*c);
    else out[at++] = *c;
  }
  out[at] = '\0';
}

static void ask_orders(pmm__poly_t *p, pmm__call_t call) {
  char query[PMM_POLY_CURSOR_MAX * 3 + 32], cursor[PMM_POLY_CURSOR_MAX * 3];
  encode_cursor(p->round.cursor, cursor);
  snprintf(query, sizeof query, "?next_cursor=%s", cursor);
  ask(p, &(pmm__send_t){.call = call, .auth = PMM__SIGNED, .method = "GET", .base = p->rest, .path = "/data/orders", .query = query, .retries = 2});
}

static void ask_trades(pmm__poly_t *p) {
  char query[PMM_POLY_CURSOR_MAX * 3 + 64], cursor[PMM_POLY_CURSOR_MAX * 3];
  encode_cursor(p->round.cursor, cursor);
  snprintf(query, sizeof query, "?after=%lld&next_cursor=%s", (long long)pmm_max64(p->last_trade_s - TRADES_MARGIN_S, 0), cursor);
  ask(p, &(pmm__send_t){.call = PMM__CALL_TRADES, .auth = PMM__SIGNED, .method = "GET", .base = p->rest, .path = "/data/trades", .query = query, .retries = 2});
}

void pmm__reconcile_begin(pmm__poly_t *p, bool takeover) {
  pmm_error_t err;
  if (p->round.active) return;
  if (p->socket_cnt == 0 && pmm__sockets_open(p, &err) != PMM_OK) { /* before the first reading, so that nothing falls between */
    p->sink.failed(p->sink.ctx, &err, false);
    return;
  }
  p->round = (pmm__round_t){.active = true, .takeover = takeover, .serial = p->round.serial + 1, .begun_seq = p->request_seq, .fills_at = p->fills_told,
                            .in_flight = pmm__orders_in_flight(p)};
  p->reconcile_ns = 0;
  for (uint32_t i = 0; i < p->market_cnt; i++) {
    pmm__market_t *const m = &p->market[i];
    m->yes_e6 = m->no_e6 = m->yes_cost_e6 = m->no_cost_e6 = 0;
  }
  ask_balance(p);
}

/* -- balance, positions -- */
static void take_balance(pmm__poly_t *p, const pmm_json_node_t *root) {
  int64_t allowance_e6;
  pmm_error_t err;
  if (!root || pmm_poly_read_balance(root, &p->round.cash_e6, &allowance_e6, &err) != PMM_OK) {
    step_failed(p);
    return;
  }
  if (p->round.takeover && allowance_e6 >= 0 && allowance_e6 < p->round.cash_e6)
    pmm__poly_note(p, PMM_WARN, "allowance", PMM_NOTICE_NO_MARKET, "the exchange may spend %lld.%02lld dollars only", (long long)(allowance_e6 / PMM_ONE_E6), (long long)(allowance_e6 % PMM_ONE_E6 / 10000));
  ask_positions(p);
}

static void add_cost(int64_t *sum, int64_t cost) { *sum = *sum < 0 || cost < 0 ? -1 : *sum + cost; }

static void take_position(pmm__poly_t *p, const pmm_poly_position_t *position) {
  if (position->market == PMM_POLY_NONE) return;
  pmm__market_t *const m = &p->market[position->market];
  if (position->no) {
    m->no_e6 += position->qty_e6;
    add_cost(&m->no_cost_e6, position->cost_e6);
  } else {
    m->yes_e6 += position->qty_e6;
    add_cost(&m->yes_cost_e6, position->cost_e6);
  }
  int64_t const pairs_e6 = position->mergeable ? pmm_min64(m->yes_e6, m->no_e6) : 0;
  if (pairs_e6 == 0 || pairs_e6 == m->pairs_e6) return;
  m->pairs_e6 = pairs_e6;
  pmm__poly_note(p, PMM_NOTE, "mergeable", position->market, "%s: %lld.%06lld pairs can be merged into collateral", m->listing.market.id, (long long)(pairs_e6 / PMM_ONE_E6),
            (long long)(pairs_e6 % PMM_ONE_E6));
}

static void take_positions(pmm__poly_t *p, const pmm_json_node_t *root) {
  const pmm_json_node_t *data;
  char next[PMM_POLY_CURSOR_MAX];
  pmm_error_t err;
  uint32_t cnt = 0;
  if (!root || pmm_poly_read_page(root, &data, next, &err) != PMM_OK) {
    step_failed(p);
    return;
  }
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e), cnt++) {
    pmm_poly_position_t position;
    if (pmm_poly_read_position(e, p->tokens, &position, &err) != PMM_OK) {
      pmm__poly_note(p, PMM_WARN, "positions", PMM_NOTICE_NO_MARKET, "%s", err.text);
      step_failed(p);
      return;
    }
    take_position(p, &position);
  }
  if (cnt == POSITIONS_PAGE) {
    p->round.offset += POSITIONS_PAGE;
    ask_positions(p);
  } else ask_orders(p, PMM__CALL_ORDERS);
}

/* -- open orders -- */
static uint8_t route_of(const pmm_poly_user_order_t *o) {
  if (o->side == PMM_POLY_BUY) return o->no ? PMM_BUY_NO : PMM_BUY_YES;
  return o->no ? PMM_SELL_NO : PMM_SELL_YES;
}

/* Under an alias made of its hash: the number it had in an earlier run cannot be told from it. */
static void adopt(pmm__poly_t *p, const pmm_poly_user_order_t *told) {
  uint64_t alias;
  memcpy(&alias, told->id.b, sizeof alias);
  pmm__order_t *const o = pmm__poly_order_add(p, alias | PMM_ORDER_ALIAS, told->market, &told->id);
  if (!o) return;
  o->route = route_of(told);
  o->price_e4 = told->no ? PMM_ONE_E4 - told->price_e4 : told->price_e4;
  o->qty_e6 = told->size_e6;
  o->filled_e6 = o->matched_e6 = told->matched_e6;
  o->state = PMM__ORDER_LIVE;
  o->sent_ns = pmm_net_mono(p->net);
  o->mark = p->round.serial;
}

/* True when nobody knows it and it must go. */
static bool take_order(pmm__poly_t *p, const pmm_poly_user_order_t *told) {
  pmm__order_t *const o = pmm__order_by_word(p, &told->id);
  if (told->market == PMM_POLY_NONE || told->state != PMM_POLY_ORDER_LIVE) return false;
  if (!o) {
    if (!p->round.takeover || p->params.open_orders == PMM_OPEN_CANCEL) return true;
    adopt(p, told);
    return false;
  }
  o->mark = p->round.serial;
  if (o->state == PMM__ORDER_DONE || o->closed) return pmm_net_mono(p->net) - o->done_ns > 30 * PMM_NS_PER_S; /* not just a list behind the times */
  bool const behind = told->matched_e6 > o->filled_e6;
  pmm_poly_user_order_t heard = *told;
  heard.event = PMM_POLY_UPDATE;
  pmm__orders_heard(p, &heard);
  if (behind) p->round.in_flight++;
  return false;
}

static void cancel_strays(pmm__poly_t *p, uint32_t cnt) {
  if (cnt == 0) return;
  p->round.strays += cnt;
  pmm__poly_note(p, PMM_WARN, "strays", PMM_NOTICE_NO_MARKET, "%u open orders of no order of ours: cancelled", cnt);
  size_t const len = pmm_poly_body_cancels(stray, cnt, p->body, sizeof p->body);
  (void)pmm__send(p, &(pmm__send_t){.call = PMM__CALL_CANCEL, .auth = PMM__SIGNED, .method = "DELETE", .base = p->rest, .path = "/orders", .body = p->body, .body_len = len});
}

/* Orders that should rest and are not listed, and were sent before the reading began: each is asked about. */
static void look_for_missing(pmm__poly_t *p) {
  for (uint32_t i = 0; i < PMM_VENUE_ORDERS_MAX; i++) {
    pmm__order_t *const o = &p->order[i];
    if (o->state != PMM__ORDER_LIVE || o->closed || o->mark == p->round.serial || o->sent_seq > p->round.begun_seq) continue;
    pmm__order_look(p, o, 0);
    p->round.in_flight++;
  }
}

static uint32_t read_orders(pmm__poly_t *p, const pmm_json_node_t *data, bool *bad) {
  uint32_t cnt = 0;
  pmm_error_t err;
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e)) {
    pmm_poly_user_order_t told;
    if (pmm_poly_read_order(p->codec, e, &told, &err) != PMM_OK) {
      pmm__poly_note(p, PMM_WARN, "orders", PMM_NOTICE_NO_MARKET, "%s", err.text);
      *bad = true;
    } else if (take_order(p, &told) && cnt < STRAYS_MAX) stray[cnt++] = told.id;
  }
  return cnt;
}

static void take_orders(pmm__poly_t *p, const pmm_json_node_t *root) {
  const pmm_json_node_t *data;
  pmm_error_t err;
  bool bad = false;
  if (!root || pmm_poly_read_page(root, &data, p->round.cursor, &err) != PMM_OK) {
    step_failed(p);
    return;
  }
  uint32_t const cnt = read_orders(p, data, &bad);
  cancel_strays(p, cnt);
  if (bad) {
    step_failed(p);
  } else if (p->round.cursor[0] != '\0') {
    ask_orders(p, PMM__CALL_ORDERS);
  } else if (p->round.takeover && p->round.strays > 0) { /* until the venue lists none: only then is the balance free */
    p->round.active = false;
    pmm__later(p, pmm__again_from_start);
  } else {
    look_for_missing(p);
    ask_trades(p);
  }
}

/* -- trades, and the end -- */
static uint64_t doubt(const pmm__poly_t *p) { return p->round.in_flight + (p->fills_told - p->round.fills_at) + pmm__orders_in_flight(p) + (p->request_seq - p->round.begun_seq - p->round.pages); }

static void report(pmm__poly_t *p) {
  static pmm_holding_report_t holding[PMM_VENUE_MARKETS_MAX];
  static pmm_order_report_t order[PMM_VENUE_ORDERS_MAX];
  pmm_account_report_t r = {.takeover = p->round.takeover, .at_ns = pmm_net_now(p->net), .cash_e6 = p->round.cash_e6, .locked_e6 = -1, .holding = holding, .order = order,
                            .in_flight = p->round.takeover ? 0 : doubt(p)};
  for (uint32_t i = 0; i < p->market_cnt; i++) {
    const pmm__market_t *const m = &p->market[i];
    if (m->yes_e6 != 0 || m->no_e6 != 0) holding[r.holding_cnt++] = (pmm_holding_report_t){p->first + i, m->yes_e6, m->no_e6, m->yes_cost_e6, m->no_cost_e6};
  }
  for (uint32_t i = 0; r.takeover && i < PMM_VENUE_ORDERS_MAX; i++) {
    const pmm__order_t *const o = &p->order[i];
    if (o->state == PMM__ORDER_LIVE)
      order[r.order_cnt++] = (pmm_order_report_t){.order_id = o->order_id, .market = p->first + o->market, .route = o->route, .price_e4 = o->price_e4,
                                                  .open_e6 = o->qty_e6 - o->filled_e6, .filled_e6 = o->filled_e6, .placed_ns = pmm_net_now(p->net)};
  }
  p->sink.report(p->sink.ctx, &r);
}

static void finish(pmm__poly_t *p) {
  bool const takeover = p->round.takeover;
  if (takeover) { /* before the report: the driver may answer it with orders */
    p->took_over = true;
    p->stage = p->stage == PMM__STARTING ? PMM__RUNNING : p->stage;
  }
  report(p);
  p->round.active = false;
  p->retry_cnt = 0;
  if (p->reconcile_ns == 0) p->reconcile_ns = pmm_net_mono(p->net) + p->params.reconcile_ns;
  if (!takeover) return;
  pmm__heartbeat(p);
  pmm__check_ready(p);
}

static void take_trades(pmm__poly_t *p, const pmm_json_node_t *root) {
  const pmm_json_node_t *data;
  pmm_error_t err;
  if (!root || pmm_poly_read_page(root, &data, p->round.cursor, &err) != PMM_OK) {
    step_failed(p);
    return;
  }
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e)) {
    pmm_poly_user_trade_t trade;
    if (pmm_poly_read_trade(p->codec, e, &trade, &err) == PMM_OK) pmm__trade_heard(p, &trade, !p->round.takeover);
    else pmm__poly_note(p, PMM_WARN, "trades", PMM_NOTICE_NO_MARKET, "%s", err.text);
  }
  if (p->round.cursor[0] != '\0') ask_trades(p);
  else finish(p);
}

/* -- after the stop: is anything left? -- */
static void take_left(pmm__poly_t *p, const pmm_json_node_t *root) {
  const pmm_json_node_t *data;
  pmm_error_t err;
  p->stop_looking = false;
  if (!root || pmm_poly_read_page(root, &data, p->round.cursor, &err) != PMM_OK) return; /* asked again at the next beat */
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e)) {
    pmm_poly_user_order_t told;
    if (pmm_poly_read_order(p->codec, e, &told, &err) == PMM_OK && told.market != PMM_POLY_NONE && told.state == PMM_POLY_ORDER_LIVE) p->round.strays++;
  }
  if (p->round.cursor[0] != '\0') {
    p->stop_looking = true;
    ask_orders(p, PMM__CALL_LEFT);
  } else if (p->round.strays == 0 && p->queue_cnt == 0) pmm__tell_stopped(p, 0);
  else pmm__cancel_everything(p);
}

void pmm__reconcile_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  if (request->call == PMM__CALL_LEFT) {
    take_left(p, root);
    return;
  }
  if (!p->round.active) return;
  if (!root && p->round.takeover) pmm__poly_note(p, PMM_WARN, "takeover", PMM_NOTICE_NO_MARKET, "HTTP %d %s", response->http, response->why ? response->why : "");
  if (request->call == PMM__CALL_BALANCE) take_balance(p, root);
  else if (request->call == PMM__CALL_POSITIONS) take_positions(p, root);
  else if (request->call == PMM__CALL_ORDERS) take_orders(p, root);
  else take_trades(p, root);
}
