/* stream.c -- the socket: subscriptions, books by seq, trades, life of markets; private messages are handed on. */
#include "venue/degen/adapter.h"
#include <stdio.h>
#include <string.h>

#define PING_NS (5 * PMM_NS_PER_S)
#define IDLE_NS (20 * PMM_NS_PER_S)    /* the server pings every 15 s */
#define CHANNELS_PUBLIC "\"book\",\"trades\",\"markets\""

/* -- what the driver is told -- */

static pmm_md_t record(pmm__degen_t *a, uint32_t idx, pmm_kind_t kind, int64_t exch_ns, uint64_t seq) {
  return (pmm_md_t){.recv_ns = pmm_net_now(a->net), .exch_ns = exch_ns, .seq = (uint32_t)seq, .market = a->first + idx, .kind = (uint8_t)kind};
}

static void lose_book(pmm__degen_t *a, uint32_t idx) {
  pmm__dmarket_t *const m = &a->market[idx];
  if (!m->synced) return;
  m->synced = false;
  m->probing = false;
  pmm_md_t const md = record(a, idx, PMM_MD_GAP, PMM_TIME_NONE, m->seq);
  a->sink.md(a->sink.ctx, &md, 1);
}

/* Levels behind a CLEAR for a whole book; the last record of a message makes it consistent. */
static void tell_levels(pmm__degen_t *a, uint32_t idx, const pmm_degen_msg_t *msg) {
  bool const whole = msg->kind == PMM_DEGEN_BOOK;
  size_t n = 0;
  pmm_md_t md = record(a, idx, whole ? PMM_MD_CLEAR : PMM_MD_LEVEL, msg->ts_ns, msg->seq);
  md.flags = whole ? PMM_F_SNAPSHOT : 0;
  if (whole) a->md[n++] = md;
  md.kind = PMM_MD_LEVEL;
  for (size_t i = 0; i < msg->level_cnt; i++) {
    md.qty_e6 = a->level[i].qty_e6;
    md.price_e4 = a->level[i].price_e4;
    md.side = a->level[i].side;
    a->md[n++] = md;
  }
  if (n == 0) {
    md.kind = PMM_MD_MARK;
    a->md[n++] = md;
  }
  a->md[n - 1].flags |= PMM_F_LAST;
  a->sink.md(a->sink.ctx, a->md, n);
}

/* -- asking -- */

static bool subscribe(pmm__degen_t *a, const char *op, const char *channels, const char *names) {
  pmm__drequest_t *const r = pmm__d_request(a, PMM__D_SUBSCRIBE);
  char head[256];
  if (!r) return false;
  int const n = snprintf(head, sizeof head, "{\"op\":\"%s\",\"id\":%llu,\"channels\":[%s],\"markets\":[", op, (unsigned long long)r->id, channels);
  size_t const len = (size_t)n + strlen(names) + 2;
  char *const text = len < sizeof a->body ? a->body : NULL;
  if (text) {
    memcpy(text, head, (size_t)n);
    memcpy(text + n, names, strlen(names));
    memcpy(text + len - 2, "]}", 2);
    return pmm__d_send(a, r, len);
  }
  r->kind = PMM__D_FREE;
  return false;
}

/* In portions that fit the buffer. */
static bool subscribe_all(pmm__degen_t *a) {
  uint32_t i = 0;
  while (i < a->market_cnt) {
    size_t len = 0;
    a->names[0] = '\0';
    for (; i < a->market_cnt && len < PMM__D_BODY_MAX / 2; i++)
      len += (size_t)sprintf(a->names + len, "%s\"%s\"", len ? "," : "", a->market[i].market.id); /* sized for all of them */
    if (!subscribe(a, "subscribe", CHANNELS_PUBLIC, a->names)) return false;
  }
  return a->public_only || subscribe(a, "subscribe", "\"orders\",\"fills\"", "");
}

static void ask_book(pmm__degen_t *a, uint32_t idx) {
  char name[PMM_ID_MAX + 2];
  pmm__dmarket_t *const m = &a->market[idx];
  snprintf(name, sizeof name, "\"%s\"", m->market.id);
  m->asked_ns = pmm__d_mono(a);
  if (a->conn) (void)(subscribe(a, "unsubscribe", "\"book\"", name) && subscribe(a, "subscribe", "\"book\"", name));
}

/* -- books -- */

static void on_book(pmm__degen_t *a, const pmm_degen_msg_t *msg) {
  uint32_t const idx = pmm__d_market_find(a, msg->market);
  if (idx == PMM__ORDER_NONE) return;
  pmm__dmarket_t *const m = &a->market[idx];
  if (msg->kind == PMM_DEGEN_BOOK) {
    m->asked_ns = 0;
    m->synced = true;
  } else if (!m->synced || msg->seq <= m->seq) return; /* a snapshot is on its way; or seen before */
  else if (msg->seq != m->seq + 1) {
    pmm__d_notice(a, PMM_WARN, "gap", idx, "%s: seq %llu after %llu", m->market.id, (unsigned long long)msg->seq, (unsigned long long)m->seq);
    lose_book(a, idx);
    ask_book(a, idx);
    return;
  }
  m->seq = msg->seq;
  m->heard_ns = pmm__d_mono(a);
  tell_levels(a, idx, msg);
  if (msg->kind == PMM_DEGEN_BOOK && !a->ready) pmm__d_judge(a);
}

static void on_trade(pmm__degen_t *a, const pmm_degen_trade_t *t) {
  uint32_t const idx = pmm__d_market_find(a, t->market);
  if (idx == PMM__ORDER_NONE) return;
  pmm_md_t md = record(a, idx, PMM_MD_TRADE, t->ts_ns, t->seq);
  md.price_e4 = t->price_e4;
  md.qty_e6 = t->qty_e6;
  md.side = t->taker_side;
  md.flags = PMM_F_LAST;
  a->sink.md(a->sink.ctx, &md, 1);
}

static void on_info(pmm__degen_t *a, const pmm_degen_market_t *info) {
  uint32_t const idx = pmm__d_market_find(a, info->id);
  if (idx == PMM__ORDER_NONE) return;
  pmm_market_t *const m = &a->market[idx].market;
  if (info->tick_e4 != m->grid.tick_e4 && pmm_grid_uniform(&m->grid, info->tick_e4) == PMM_OK) {
    pmm_md_t md = record(a, idx, PMM_MD_TICK, PMM_TIME_NONE, 0);
    md.price_e4 = info->tick_e4;
    md.flags = PMM_F_LAST;
    a->sink.md(a->sink.ctx, &md, 1);
  }
  if (info->life == m->life && info->outcome == m->outcome) return;
  if (pmm_life_move((pmm_life_t)m->life, (pmm_life_t)info->life) != PMM_OK) return; /* an older message overtaken */
  m->life = info->life;
  m->outcome = info->outcome;
  if (m->life == PMM_LIFE_RESOLVED) pmm_outcome_payout((pmm_outcome_t)m->outcome, &m->payout_yes_e6);
  pmm_md_t md = record(a, idx, PMM_MD_STATUS, PMM_TIME_NONE, 0);
  md.aux = info->life;
  md.side = info->outcome;
  md.qty_e6 = m->life == PMM_LIFE_RESOLVED ? m->payout_yes_e6 : 0;
  md.flags = PMM_F_LAST;
  a->sink.md(a->sink.ctx, &md, 1);
}

void pmm__d_told(pmm__degen_t *a, const pmm_degen_msg_t *msg) {
  switch (msg->kind) {
  case PMM_DEGEN_BOOK:
  case PMM_DEGEN_DELTA: on_book(a, msg); break;
  case PMM_DEGEN_TRADE: on_trade(a, &msg->trade); break;
  case PMM_DEGEN_MARKET: on_info(a, &msg->info); break;
  case PMM_DEGEN_ORDER: pmm__d_order_heard(a, &msg->order); break;
  case PMM_DEGEN_FILL: pmm__d_fill_heard(a, &msg->fill); break;
  case PMM_DEGEN_ANSWER: pmm__d_answer(a, msg); break;
  case PMM_DEGEN_OTHER: break;
  }
}

/* -- a silent book: asked for by REST after half the time, not trusted after all of it -- */

static void on_probe(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  pmm__dmarket_t *const m = &a->market[tag];
  pmm_degen_msg_t msg;
  m->probing = false;
  if (!m->synced || r->status != PMM_OK || r->http != 200) return;
  if (pmm_degen_decode(r->body, r->body_len, &msg, a->level, a->scratch, NULL) != PMM_OK || msg.kind != PMM_DEGEN_BOOK) return;
  if (msg.seq <= m->seq) m->heard_ns = r->sent_ns > m->heard_ns ? r->sent_ns : m->heard_ns; /* nothing missed */
}

static void check_books(pmm__degen_t *a) {
  int64_t const now_ns = pmm__d_mono(a);
  char path[PMM_ID_MAX * 3 + 32], name[PMM_ID_MAX * 3];
  for (uint32_t i = 0; i < a->market_cnt; i++) {
    pmm__dmarket_t *const m = &a->market[i];
    int64_t const silent_ns = now_ns - m->heard_ns;
    if (!m->synced && m->asked_ns > 0 && now_ns - m->asked_ns > a->params.request_timeout_ns) ask_book(a, i);
    if (!m->synced || m->market.life == PMM_LIFE_RESOLVED) continue;
    if (silent_ns >= a->params.stale_ns) {
      pmm__d_notice(a, PMM_WARN, "stale", i, "%s: no word of its book for %lld ms", m->market.id, (long long)(silent_ns / PMM_NS_PER_MS));
      lose_book(a, i);
      ask_book(a, i);
    } else if (silent_ns >= a->params.stale_ns / 2 && !m->probing && pmm__d_escape(m->market.id, name, sizeof name)) {
      snprintf(path, sizeof path, "/markets/%s/book?depth=1", name);
      m->probing = pmm__d_http(a, "GET", path, NULL, 0, 1, i, on_probe);
    }
  }
}

/* -- the connection -- */

static pmm_status_t on_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  pmm__degen_t *const a = ctx;
  if (a->public_only) return PMM_OK;
  header[(*cnt)++] = (pmm_header_t){"Authorization", pmm__d_bearer(a)};
  return PMM_OK;
}

static void on_opened(void *ctx, uint32_t conn) {
  pmm__degen_t *const a = ctx;
  a->conn = conn;
  a->answered = a->request_last;
  a->socket_until_s = a->bearer_until_s;
  a->beat_ns = 0;
  a->beat_ok_ns = pmm__d_mono(a);
  pmm__d_notice(a, PMM_NOTE, "connected", PMM_NOTICE_NO_MARKET, "connection %u", conn);
  for (uint32_t i = 0; i < a->market_cnt; i++) a->market[i].asked_ns = pmm__d_mono(a);
  a->subscribed = subscribe_all(a);
  if (!a->subscribed) pmm_ws_reconnect(a->ws, conn, "cannot subscribe");
  a->read_wanted = true; /* what happened meanwhile */
}

static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  pmm__degen_t *const a = ctx;
  pmm_degen_msg_t msg;
  pmm_error_t err;
  (void)recv_ns;
  if (conn != a->conn) return;
  if (pmm_degen_decode(text, len, &msg, a->level, a->scratch, &err) == PMM_OK) pmm__d_told(a, &msg);
  else { /* what it was about is unknown: books and account are read anew */
    pmm__d_notice(a, PMM_WARN, "malformed", PMM_NOTICE_NO_MARKET, "%.200s", err.text);
    pmm_ws_reconnect(a->ws, conn, "malformed message");
  }
}

static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  pmm__degen_t *const a = ctx;
  pmm__d_notice(a, PMM_WARN, "disconnected", PMM_NOTICE_NO_MARKET, "connection %u: %d %d %.100s", conn, code, http, why);
  if (conn == a->conn) {
    a->conn = 0;
    a->subscribed = a->reconciled = false;
    for (uint32_t i = 0; i < a->market_cnt; i++) lose_book(a, i);
    pmm__d_conn_lost(a, conn);
    pmm__d_judge(a);
  }
  if (http == 401 || http == 403) a->bearer[0] = '\0';
  return http == 401 || http == 403 ? 5 * PMM_NS_PER_S : 0;
}

bool pmm__d_stream_open(pmm__degen_t *a) {
  pmm_ws_config_t const config = {.url = a->ws_url, .headers = on_headers, .opened = on_opened, .message = on_message, .closed = on_closed, .ctx = a,
                                  .ping_ns = PING_NS, .idle_ns = IDLE_NS, .backoff_min_ns = 200 * PMM_NS_PER_MS, .backoff_max_ns = 10 * PMM_NS_PER_S, .deflate = a->params.deflate};
  return pmm_ws_open(a->net, &config, &a->ws, NULL) == PMM_OK;
}

/* The switch that cancels our orders when we fall silent is kept from going off; over REST while the socket is down. */
static void on_beat(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  (void)tag;
  if (r->status == PMM_OK && r->http == 200) a->beat_ok_ns = pmm__d_mono(a);
}

static void beat(pmm__degen_t *a) {
  int64_t const now_ns = pmm__d_mono(a), every_ns = a->params.dead_man_ns / 3;
  if (a->public_only || a->params.dead_man_ns <= 0 || now_ns < a->beat_ns) return;
  a->beat_ns = now_ns + (a->conn ? every_ns : pmm_min64(every_ns, PMM_NS_PER_S));
  pmm__drequest_t *const r = a->conn ? pmm__d_request(a, PMM__D_BEAT) : NULL;
  if (r && pmm__d_send(a, r, pmm_degen_heartbeat(a->body, sizeof a->body, r->id, a->params.dead_man_ns / PMM_NS_PER_MS))) return;
  size_t const n = pmm_degen_heartbeat(a->body, sizeof a->body, 0, a->params.dead_man_ns / PMM_NS_PER_MS);
  pmm__d_http(a, "POST", "/heartbeat", a->body, n, 0, 0, on_beat);
}

static void renew_token(pmm__degen_t *a) {
  int64_t const now_s = pmm_net_now(a->net) / PMM_NS_PER_S;
  pmm__drequest_t *r;
  if (!a->conn || a->public_only || a->secret_len == 0 || now_s < a->socket_until_s - PMM__D_TOKEN_S / 5 || !(r = pmm__d_request(a, PMM__D_PING))) return;
  int const n = snprintf(a->body, sizeof a->body, "{\"op\":\"auth\",\"id\":%llu,\"token\":\"%s\"}", (unsigned long long)r->id, pmm__d_bearer(a) + 7);
  if (pmm__d_send(a, r, (size_t)n)) a->socket_until_s = a->bearer_until_s;
}

void pmm__d_stream_tick(pmm__degen_t *a) {
  if (a->conn) check_books(a);
  if (a->phase == PMM__D_RUNS) beat(a);
  renew_token(a);
}
