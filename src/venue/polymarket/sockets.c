/* The market and user channels. There are no sequence numbers and no replay, so a book is trusted as long as its connection lives, the best
   prices told with each change agree with it, it is not crossed for long, and something was heard of it lately; else it is read by REST. */
#include <stdio.h>
#include "adapter.h"

#define PING_NS (10 * PMM_NS_PER_S)
#define PONG_LATE_NS (30 * PMM_NS_PER_S)
#define CROSSED_MAX_NS PMM_NS_PER_S
#define FIRST_BOOK_NS (5 * PMM_NS_PER_S) /* after subscribing; then it is asked for */
#define PROBES_PER_BEAT 4
#define MISMATCHES_MAX 2

void pmm__md_gap(pmm__poly_t *p, uint32_t market) {
  pmm__market_t *const m = &p->market[market];
  if (!m->known) return;
  m->known = false;
  pmm_md_t const md = {.recv_ns = pmm_net_now(p->net), .exch_ns = m->last_ns, .market = p->first + market, .kind = PMM_MD_GAP, .flags = PMM_F_LAST, .seq = ++p->seq};
  p->sink.md(p->sink.ctx, &md, 1);
}

/* -- ticks -- */
/* Orders off a new grid would rest where the driver no longer sees them, so all of the market's are cancelled; quoting again is the driver's. */
static void set_tick(pmm__poly_t *p, uint32_t market, int32_t tick_e4) {
  pmm__market_t *const m = &p->market[market];
  pmm_grid_t grid;
  pmm_error_t err;
  if (tick_e4 == m->listing.market.grid.tick_e4 || pmm_grid_uniform(&grid, tick_e4) != PMM_OK || pmm_ladder_regrid(&m->ladder, grid.tick_cnt, NULL) != PMM_OK) return;
  m->listing.market.grid = grid;
  pmm_poly_prepared_t *const store = p->prepared[m->listing.version == 3];
  if (store && pmm_poly_prepared_market(store, market, m->listing.market.token_yes, m->listing.market.token_no, m->listing.neg_risk, tick_e4, &err) != PMM_OK)
    pmm__poly_note(p, PMM_ALERT, "tick", market, "%s", err.text);
  pmm_md_t const md = {.recv_ns = pmm_net_now(p->net), .exch_ns = m->last_ns, .price_e4 = tick_e4, .market = p->first + market, .kind = PMM_MD_TICK, .flags = PMM_F_LAST, .seq = ++p->seq};
  pmm__poly_note(p, PMM_NOTE, "tick", market, "%s: the tick is now %d.%04d", m->listing.market.id, tick_e4 / PMM_ONE_E4, tick_e4 % PMM_ONE_E4);
  if (!p->public_only) pmm__orders_cancel_market(p, market);
  p->sink.md(p->sink.ctx, &md, 1);
}

/* A level between the steps of our grid: its tick got finer and the message that says so has not come, or was lost. */
static bool is_on(const pmm_grid_t *grid, int32_t price_e4) { return pmm_grid_index(grid, price_e4) * grid->tick_e4 == price_e4; }

static void fit_tick(pmm__poly_t *p, uint32_t market, int32_t price_e4) {
  if (__builtin_expect(!is_on(&p->market[market].listing.market.grid, price_e4), 0)) set_tick(p, market, price_e4 % 10 == 0 ? 10 : 1);
}

/* -- books -- */
static void probe(pmm__poly_t *p, uint32_t market) {
  pmm__market_t *const m = &p->market[market];
  char query[128];
  if (m->probing) return;
  snprintf(query, sizeof query, "?token_id=%s", m->listing.market.token_yes);
  m->probing = pmm__send(p, &(pmm__send_t){.call = PMM__CALL_BOOK, .method = "GET", .base = p->rest, .path = "/book", .query = query, .arg = market}) != NULL;
}

static void apply(pmm__poly_t *p, const pmm_md_t *md) {
  pmm__market_t *const m = &p->market[md->market - p->first];
  if (md->kind == PMM_MD_LEVEL) (void)pmm_ladder_set(&m->ladder, (pmm_side_t)md->side, pmm_grid_index(&m->listing.market.grid, md->price_e4), md->qty_e6); /* on the grid: fit_tick */
}

static void fit_all(pmm__poly_t *p, const pmm_poly_msg_t *msg) {
  for (uint32_t i = 0; i < msg->md_cnt; i++)
    if (msg->md[i].kind == PMM_MD_LEVEL) fit_tick(p, msg->md[i].market - p->first, msg->md[i].price_e4);
}

static void load(pmm__market_t *m, const pmm_poly_msg_t *msg) {
  const pmm_grid_t *const grid = &m->listing.market.grid;
  pmm_ladder_clear(&m->ladder);
  for (uint32_t i = 0; i < msg->md_cnt; i++) {
    const pmm_md_t *const md = &msg->md[i];
    if (md->kind == PMM_MD_LEVEL && is_on(grid, md->price_e4)) pmm_ladder_put(&m->ladder, (pmm_side_t)md->side, pmm_grid_index(grid, md->price_e4), md->qty_e6);
  }
  pmm_ladder_settle(&m->ladder);
}

static void watch_crossed(pmm__market_t *m, int64_t now) {
  if (pmm_ladder_state(&m->ladder) < PMM_BOOK_LOCKED) m->crossed_ns = 0;
  else if (m->crossed_ns == 0) m->crossed_ns = now;
}

static void take_book(pmm__poly_t *p, const pmm_poly_msg_t *msg, int64_t now) {
  pmm__market_t *const m = &p->market[msg->market];
  m->heard_ns = now;
  /* The other token's book of the same moment, or an older one that was late. */
  if (m->known && msg->exch_ns != PMM_TIME_NONE && m->book_ns != PMM_TIME_NONE && msg->exch_ns <= m->book_ns) return;
  if (msg->tick_e4 != 0) set_tick(p, msg->market, msg->tick_e4);
  fit_all(p, msg);
  load(m, msg);
  bool const first = !m->known;
  m->known = true;
  m->mismatches = 0;
  m->book_ns = m->last_ns = msg->exch_ns;
  watch_crossed(m, now);
  p->sink.md(p->sink.ctx, msg->md, msg->md_cnt);
  if (first) pmm__check_ready(p);
}

static void check_best(pmm__poly_t *p, pmm__market_t *m, const pmm_poly_msg_t *msg) {
  bool const same = pmm_ladder_best_e4(&m->ladder, PMM_BID) == msg->best_e4[PMM_BID] && pmm_ladder_best_e4(&m->ladder, PMM_ASK) == msg->best_e4[PMM_ASK];
  m->mismatches = same ? 0 : (uint8_t)(m->mismatches + 1);
  if (m->mismatches < MISMATCHES_MAX) return;
  m->mismatches = 0;
  probe(p, msg->market);
}

static void take_change(pmm__poly_t *p, const pmm_poly_msg_t *msg, int64_t now) {
  pmm__market_t *const m = &p->market[msg->market];
  m->heard_ns = now;
  if (!m->known) return; /* before the first book there is nothing to change */
  fit_all(p, msg);
  for (uint32_t i = 0; i < msg->md_cnt; i++) apply(p, &msg->md[i]);
  if (msg->exch_ns > m->last_ns) m->last_ns = msg->exch_ns;
  watch_crossed(m, now);
  p->sink.md(p->sink.ctx, msg->md, msg->md_cnt);
  if (msg->told_best) check_best(p, m, msg);
}

static bool same_book(const pmm__poly_t *p, const pmm__market_t *m, const pmm_poly_msg_t *msg) {
  int32_t cnt[2] = {0, 0};
  (void)p;
  for (uint32_t i = 0; i < msg->md_cnt; i++) {
    const pmm_md_t *const md = &msg->md[i];
    if (md->kind != PMM_MD_LEVEL) continue;
    if (!is_on(&m->listing.market.grid, md->price_e4)) return false;
    if (pmm_ladder_qty(&m->ladder, (pmm_side_t)md->side, pmm_grid_index(&m->listing.market.grid, md->price_e4)) != md->qty_e6) return false;
    cnt[md->side]++;
  }
  return cnt[0] == m->ladder.level_cnt[0] && cnt[1] == m->ladder.level_cnt[1];
}

void pmm__book_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  pmm__market_t *const m = &p->market[request->arg];
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  pmm_poly_msg_t msg;
  int64_t const now = pmm_net_mono(p->net);
  m->probing = false;
  if (!root || pmm_poly_read_book(p->codec, root, pmm_net_now(p->net), &msg, NULL) != PMM_OK || msg.market != request->arg) return;
  if (m->known && same_book(p, m, &msg)) {
    m->heard_ns = now;
    return;
  }
  if (m->known && msg.exch_ns != PMM_TIME_NONE && msg.exch_ns < m->last_ns) return; /* older than what the socket has told since */
  if (m->known) pmm__poly_note(p, PMM_WARN, "book", request->arg, "%s: the book was read again", m->listing.market.id);
  if (p->socket[1 + request->arg / (PMM__SOCKET_TOKENS / 2)].conn == 0) return; /* it could not be kept up to date */
  m->book_ns = PMM_TIME_NONE;
  take_book(p, &msg, now);
}

/* -- messages -- */
static void take_message(pmm__poly_t *p, const pmm_poly_msg_t *msg, int64_t now) {
  switch ((pmm_poly_kind_t)msg->kind) {
  case PMM_POLY_BOOK: take_book(p, msg, now); return;
  case PMM_POLY_CHANGE: take_change(p, msg, now); return;
  case PMM_POLY_PRINT:
    p->market[msg->market].heard_ns = now;
    if (msg->md_cnt > 0) p->sink.md(p->sink.ctx, msg->md, msg->md_cnt);
    return;
  case PMM_POLY_TICK: set_tick(p, msg->market, msg->md[0].price_e4); return;
  case PMM_POLY_BBO: p->market[msg->market].heard_ns = now; return;
  case PMM_POLY_RESOLVED:
    p->market[msg->market].listing.market.life = PMM_LIFE_RESOLVED;
    p->sink.md(p->sink.ctx, msg->md, msg->md_cnt);
    return;
  case PMM_POLY_ORDER: pmm__orders_heard(p, &msg->order); return;
  case PMM_POLY_TRADE: pmm__trade_heard(p, &msg->trade, true); return;
  case PMM_POLY_NEW_MARKET:
  case PMM_POLY_OTHER: return;
  }
}

static void bad_message(pmm__poly_t *p, const pmm__socket_t *s, const pmm_error_t *err) {
  pmm__poly_note(p, PMM_WARN, "message", PMM_NOTICE_NO_MARKET, "%s", err->text);
  if (s->user) p->reconcile_ns = pmm_net_mono(p->net); /* whatever it said, REST knows */
  else
    for (uint32_t i = 0; i < s->cnt && i < PROBES_PER_BEAT; i++) probe(p, s->first + i);
}

static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  pmm__socket_t *const s = ctx;
  pmm__poly_t *const p = s->p;
  const char *message;
  size_t message_len, at = 0;
  pmm_error_t err;
  pmm_status_t st = PMM_END;
  (void)conn;
  s->pong_ns = recv_ns;
  if (len == 4 && memcmp(text, "PONG", 4) == 0) return;
  pmm__poly_enter(p);
  int64_t const wall = pmm_net_now(p->net) - (pmm_net_mono(p->net) - recv_ns);
  while (!p->closing && (st = pmm_poly_frame_next(text, len, &at, &message, &message_len)) == PMM_OK) {
    pmm_poly_msg_t msg;
    st = pmm_poly_decode(p->codec, message, message_len, wall, ++p->seq, &msg, &err);
    if (st == PMM_OK) take_message(p, &msg, recv_ns);
    else bad_message(p, s, &err);
  }
  if (!p->closing && st == PMM_PARSE) {
    pmm_error_set(&err, st, "polymarket: a frame is no JSON");
    bad_message(p, s, &err);
  }
  pmm__poly_leave(p);
}

/* -- connections -- */
static size_t subscription(pmm__poly_t *p, const pmm__socket_t *s) {
  const char *list[PMM__SOCKET_TOKENS];
  size_t cnt = 0;
  if (s->user) {
    for (uint32_t i = 0; i < p->market_cnt && p->market_cnt <= PMM__SOCKET_TOKENS; i++) list[cnt++] = p->market[i].listing.condition;
    return pmm_poly_body_subscribe_user(p->credentials, list, cnt, p->body, sizeof p->body); /* none named: all of the account */
  }
  for (uint32_t i = 0; i < s->cnt; i++) {
    list[cnt++] = p->market[s->first + i].listing.market.token_yes;
    list[cnt++] = p->market[s->first + i].listing.market.token_no;
  }
  return pmm_poly_body_subscribe_market(list, cnt, p->body, sizeof p->body);
}

static void on_opened(void *ctx, uint32_t conn) {
  pmm__socket_t *const s = ctx;
  pmm__poly_t *const p = s->p;
  size_t const len = subscription(p, s);
  int64_t const now = pmm_net_mono(p->net);
  pmm__poly_enter(p);
  s->conn = conn;
  s->pong_ns = now;
  s->ping_ns = now + PING_NS;
  for (uint32_t i = 0; i < s->cnt; i++) p->market[s->first + i].heard_ns = now;
  if (len == 0 || pmm_ws_send(s->ws, conn, p->body, len) != PMM_OK) pmm_ws_reconnect(s->ws, conn, "the subscription could not be sent");
  explicit_bzero(p->body, len);
  pmm__poly_note(p, PMM_NOTE, "connected", PMM_NOTICE_NO_MARKET, "%s channel", s->user ? "user" : "market");
  if (s->user && p->took_over) p->reconcile_ns = now; /* what happened while it was away */
  pmm__check_ready(p);
  pmm__poly_leave(p);
}

static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  pmm__socket_t *const s = ctx;
  pmm__poly_t *const p = s->p;
  (void)conn;
  s->conn = 0;
  if (p->closing) return 0;
  pmm__poly_enter(p);
  pmm__poly_note(p, PMM_WARN, "disconnected", PMM_NOTICE_NO_MARKET, "%s channel: %d %d %s", s->user ? "user" : "market", code, http, why ? why : "");
  for (uint32_t i = 0; i < s->cnt; i++) pmm__md_gap(p, s->first + i);
  pmm__check_ready(p);
  pmm__poly_leave(p);
  return 0;
}

static pmm_status_t open_one(pmm__poly_t *p, pmm__socket_t *s, pmm_error_t *err) {
  char url[PMM__URL_MAX + 16];
  snprintf(url, sizeof url, "%s%s", p->ws, s->user ? "/ws/user" : "/ws/market");
  pmm_ws_config_t const config = {.url = url, .opened = on_opened, .message = on_message, .closed = on_closed, .ctx = s, .idle_ns = PONG_LATE_NS, .deflate = p->params.deflate};
  return pmm_ws_open(p->net, &config, &s->ws, err);
}

pmm_status_t pmm__sockets_open(pmm__poly_t *p, pmm_error_t *err) {
  uint32_t const per = PMM__SOCKET_TOKENS / 2;
  p->socket[0] = (pmm__socket_t){.p = p, .user = true};
  p->socket_cnt = 1;
  for (uint32_t first = 0; first < p->market_cnt; first += per)
    p->socket[p->socket_cnt++] = (pmm__socket_t){.p = p, .first = first, .cnt = p->market_cnt - first < per ? p->market_cnt - first : per};
  for (uint32_t i = p->public_only; i < p->socket_cnt; i++) {
    pmm_status_t const st = open_one(p, &p->socket[i], err);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

void pmm__sockets_close(pmm__poly_t *p) {
  for (uint32_t i = 0; i < p->socket_cnt; i++) {
    pmm_ws_close(p->socket[i].ws);
    p->socket[i].ws = NULL;
    p->socket[i].conn = 0;
  }
}

bool pmm__sockets_ready(const pmm__poly_t *p, const char **why) {
  for (uint32_t i = p->public_only; i < p->socket_cnt; i++)
    if (p->socket[i].conn == 0) {
      *why = i == 0 ? "the user channel is not connected" : "a market channel is not connected";
      return false;
    }
  for (uint32_t i = 0; i < p->market_cnt; i++)
    if (!p->market[i].known && p->market[i].listing.market.life == PMM_LIFE_OPEN) {
      *why = "not every book is known";
      return false;
    }
  return p->socket_cnt > 0;
}

/* -- time -- */
static void beat_socket(pmm__socket_t *s, int64_t now) {
  if (s->conn == 0) return;
  if (now - s->pong_ns > PONG_LATE_NS) {
    pmm_ws_reconnect(s->ws, s->conn, "no PONG");
    return;
  }
  if (now < s->ping_ns) return;
  s->ping_ns = now + PING_NS;
  (void)pmm_ws_send(s->ws, s->conn, "PING", 4);
}

/* 1: asked for; -1: given up. */
static int beat_market(pmm__poly_t *p, uint32_t market, int64_t now) {
  pmm__market_t *const m = &p->market[market];
  if (m->listing.market.life != PMM_LIFE_OPEN || p->socket[1 + market / (PMM__SOCKET_TOKENS / 2)].conn == 0) return 0;
  int64_t const silent = now - m->heard_ns;
  bool const crossed = m->known && m->crossed_ns != 0 && now - m->crossed_ns > CROSSED_MAX_NS;
  if (m->known && silent > 2 * p->params.stale_ns) { /* the probe did not help */
    pmm__poly_note(p, PMM_WARN, "stale", market, "%s: no word for %.0f s and no answer to a probe", m->listing.market.id, (double)silent * 1e-9);
    pmm__md_gap(p, market);
    pmm__check_ready(p);
  }
  if (crossed) m->crossed_ns = now; /* once a second */
  if (!crossed && silent <= (m->known ? p->params.stale_ns : FIRST_BOOK_NS)) return 0;
  if (m->probing) return 0;
  probe(p, market);
  return 1;
}

void pmm__sockets_beat(pmm__poly_t *p, int64_t now_ns) {
  int probes = 0;
  for (uint32_t i = 0; i < p->socket_cnt; i++) beat_socket(&p->socket[i], now_ns);
  for (uint32_t i = 0; i < p->market_cnt && probes < PROBES_PER_BEAT; i++) probes += beat_market(p, i, now_ns);
}
