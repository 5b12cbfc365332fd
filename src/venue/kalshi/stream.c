/* The socket: subscriptions, books by sid and seq, the account's own channels, life of markets. */
#include <stdio.h>
#include "adapter.h"

#define IDLE_NS (25 * PMM_NS_PER_S)      /* the venue pings every 10 s */
#define MESSAGE_MAX ((size_t)8 << 20)
#define SNAPSHOT_WAIT_NS (5 * PMM_NS_PER_S) /* books asked for and not come: asked again, then the connection is given up */
#define GAPS 64

static const char *const channels[K_CHANNELS] = {"orderbook_delta", "trade", "market_lifecycle_v2", "fill", "user_orders"};

static pmm_status_t sign_upgrade(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  pmm__kalshi_t *const a = ctx;
  pmm_status_t const st = pmm_kalshi_signer_sign(a->signer, "GET", a->ws_path, pmm__k_venue_now(a), header);
  if (st == PMM_OK) *cnt = PMM_KALSHI_HEADERS;
  return st;
}

/* -- what is asked for -- */

static size_t names(const pmm__kalshi_t *a, const char **name, bool only_bad) {
  size_t n = 0;
  for (uint32_t i = 0; i < a->market_cnt; i++)
    if (a->market[i].desc.life < PMM_LIFE_RESOLVED && (!only_bad || !pmm_kalshi_books_is_good(a->books, i))) name[n++] = a->market[i].desc.id;
  return n;
}

static bool send(pmm__kalshi_t *a, size_t len) { return len > 0 && pmm_ws_send(a->ws, a->conn, a->command_text, len) == PMM_OK; }

/* One command a channel, so that a refusal names it; its number is the channel's + 1. Life cycles cannot be filtered. */
static void subscribe(pmm__kalshi_t *a) {
  static const char *name[PMM_VENUE_MARKETS_MAX]; /* one loop, one thread; too large for its stack */
  size_t const cnt = names(a, name, false);
  a->command = K_CHANNELS;
  for (int c = 0; c < (a->public_only ? K_FILLS : K_CHANNELS); c++)
    if (!send(a, pmm_kalshi_write_subscribe((uint64_t)c + 1, &channels[c], 1, name, c == K_LIFE ? 0 : cnt, a->params.yes_price,
                                            a->command_text, sizeof a->command_text)))
      pmm_ws_reconnect(a->ws, a->conn, "could not subscribe");
}

static void ask_snapshots(pmm__kalshi_t *a) {
  static const char *name[PMM_VENUE_MARKETS_MAX];
  size_t const cnt = names(a, name, true);
  a->snapshot_asked_ns = pmm_net_mono(a->net);
  if (cnt == 0 || a->sid[K_BOOKS] == 0) return;
  if (!send(a, pmm_kalshi_write_update(++a->command, a->sid[K_BOOKS], PMM_KALSHI_GET_SNAPSHOT, name, cnt, a->command_text, sizeof a->command_text)))
    pmm_ws_reconnect(a->ws, a->conn, "could not ask for snapshots");
}

static void tell_gaps(pmm__kalshi_t *a) {
  pmm_md_t md[GAPS];
  size_t n;
  while ((n = pmm_kalshi_books_gaps(a->books, pmm_net_now(a->net), md, GAPS)) > 0) a->sink.md(a->sink.ctx, md, n);
}

static void judge_books(pmm__kalshi_t *a) {
  bool whole = a->conn != 0;
  for (uint32_t i = 0; i < a->market_cnt && whole; i++)
    whole = pmm_kalshi_books_is_good(a->books, i) || a->market[i].desc.life >= PMM_LIFE_CLOSED;
  a->books_whole = whole;
  pmm__k_judge_ready(a);
}

static void opened(void *ctx, uint32_t conn) {
  pmm__kalshi_t *const a = ctx;
  if (a->conn && a->conn != conn) pmm_kalshi_books_forget(a->books);
  a->conn = conn;
  memset(a->sid, 0, sizeof a->sid);
  a->snapshot_asked_ns = pmm_net_mono(a->net);
  pmm__k_notice(a, PMM_NOTE, "connected", PMM_NOTICE_NO_MARKET, "connection %u", conn);
  subscribe(a);
  a->reconcile_wanted = a->taken_over; /* nothing of what was missed is sent again */
}

static int64_t went(void *ctx, uint32_t conn, int code, int http, const char *why) {
  pmm__kalshi_t *const a = ctx;
  bool const refused = http == 401 || http == 403;
  pmm__k_notice(a, refused ? PMM_ALERT : PMM_WARN, refused ? "refused" : "disconnected", PMM_NOTICE_NO_MARKET,
                "connection %u: code %d, HTTP %d, %s", conn, code, http, why ? why : "");
  if (conn == a->conn || a->conn == 0) {
    a->conn = 0;
    pmm_kalshi_books_forget(a->books);
    tell_gaps(a);
    judge_books(a);
  }
  return refused ? 10 * PMM_NS_PER_S : 0;
}

/* -- what comes -- */

static void take_book(pmm__kalshi_t *a, const pmm_kalshi_frame_t *f) {
  const pmm_md_t *md;
  size_t cnt = 0;
  pmm_status_t const st = pmm_kalshi_books_apply(a->books, f, pmm_net_now(a->net), &md, &cnt);
  if (cnt > 0) a->sink.md(a->sink.ctx, md, cnt);
  if (st == PMM_CORRUPT) {
    pmm__k_notice(a, PMM_WARN, "book", PMM_NOTICE_NO_MARKET, "%.*s: the book does not add up; a snapshot is asked for", (int)f->market.len,
                  f->market.at);
    judge_books(a);
    ask_snapshots(a);
  } else if (f->type == PMM_KALSHI_BOOK && !a->books_whole) {
    judge_books(a);
  }
}

static void take_count(pmm__kalshi_t *a, const pmm_kalshi_frame_t *f) {
  if (pmm_kalshi_books_count(a->books, f) == PMM_OK) return;
  pmm__k_notice(a, PMM_WARN, "gap", PMM_NOTICE_NO_MARKET, "a message of subscription %u is missing before number %llu", f->sid,
                (unsigned long long)f->seq);
  if (f->sid != a->sid[K_BOOKS]) {
    if (f->sid == a->sid[K_LIFE]) a->reconcile_wanted = a->taken_over; /* its page of closed markets mends what was missed */
    return;
  }
  tell_gaps(a);
  judge_books(a);
  ask_snapshots(a);
}

static void take_subscribed(pmm__kalshi_t *a, const pmm_kalshi_frame_t *f) {
  for (int c = 0; c < K_CHANNELS; c++) {
    if (strlen(channels[c]) != f->u.subscribed.channel.len ||
        memcmp(channels[c], f->u.subscribed.channel.at, f->u.subscribed.channel.len) != 0)
      continue;
    a->sid[c] = f->sid;
    if (pmm_kalshi_books_sid(a->books, f->sid, a->params.yes_price) != PMM_OK) pmm_ws_reconnect(a->ws, a->conn, "too many subscriptions");
  }
  judge_books(a);
}

/* Codes: 10 ends a subscription, 25 says that we read too slowly; a refused subscribe carries its number. Others are of no consequence. */
static void take_error(pmm__kalshi_t *a, const pmm_kalshi_frame_t *f) {
  bool const ends = f->u.error.code == 10 || f->u.error.code == 25 || (f->id > 0 && f->id <= K_CHANNELS);
  pmm__k_notice(a, ends ? PMM_ALERT : PMM_WARN, "socket", PMM_NOTICE_NO_MARKET, "error %lld: %.*s", (long long)f->u.error.code,
                (int)pmm_min64(f->u.error.text.len, 120), f->u.error.text.len ? f->u.error.text.at : "");
  if (ends) pmm_ws_reconnect(a->ws, a->conn, "a subscription ended");
}

static void regrid(pmm__kalshi_t *a, uint32_t market, const pmm_grid_t *grid) {
  pmm_kalshi_market_t *const m = &a->market[market];
  if (pmm_kalshi_books_regrid(a->books, market, grid) != PMM_OK) return;
  m->desc.grid = *grid;
  pmm_md_t md = {.recv_ns = pmm_net_now(a->net),
                 .exch_ns = PMM_TIME_NONE,
                 .market = market,
                 .kind = PMM_MD_TICK,
                 .price_e4 = grid->tick_e4,
                 .flags = PMM_F_LAST};
  pmm__k_md(a, &md, 1);
  pmm__k_notice(a, PMM_NOTE, "tick", market, "%s: prices now lie on another grid, its finest step %d e-4", m->desc.id, grid->tick_e4);
}

static void take_life(pmm__kalshi_t *a, const pmm_kalshi_frame_t *f) {
  uint32_t market;
  if (pmm_kalshi_books_find(a->books, f->market, &market) != PMM_OK) return;
  pmm_market_t *const m = &a->market[market].desc;
  if (f->u.life.open_ns != PMM_TIME_NONE) m->open_ns = f->u.life.open_ns;
  if (f->u.life.close_ns != PMM_TIME_NONE) m->close_ns = f->u.life.close_ns; /* the tick closes it */
  if (f->u.life.result != PMM_OUTCOME_UNKNOWN) m->outcome = f->u.life.result;
  if (f->u.life.has_payout) m->payout_yes_e6 = f->u.life.payout_e6;
  else if (f->u.life.result != PMM_OUTCOME_UNKNOWN) (void)pmm_outcome_payout((pmm_outcome_t)f->u.life.result, &m->payout_yes_e6);
  switch ((pmm_kalshi_event_t)f->u.life.event) {
  case PMM_KALSHI_EVENT_ACTIVATED: pmm__k_life(a, market, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0); break;
  case PMM_KALSHI_EVENT_DEACTIVATED: pmm__k_life(a, market, PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0); break;
  case PMM_KALSHI_EVENT_DETERMINED: pmm__k_life(a, market, PMM_LIFE_RESOLVING, PMM_OUTCOME_UNKNOWN, 0); break;
  case PMM_KALSHI_EVENT_SETTLED:
    if (m->outcome != PMM_OUTCOME_UNKNOWN) pmm__k_life(a, market, PMM_LIFE_RESOLVED, (pmm_outcome_t)m->outcome, m->payout_yes_e6);
    break; /* else the page of closed markets tells */
  case PMM_KALSHI_EVENT_STRUCTURE:
    if (f->u.life.has_grid) regrid(a, market, &f->u.life.grid);
    break;
  default: break;
  }
}

static void message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  pmm__kalshi_t *const a = ctx;
  pmm_kalshi_frame_t f;
  pmm_error_t err = {0};
  (void)recv_ns;
  if (conn != a->conn) return;
  if (pmm_kalshi_frame_read(a->codec, text, len, &f, &err) != PMM_OK) {
    pmm__k_notice(a, PMM_ALERT, "malformed", PMM_NOTICE_NO_MARKET, "%.200s", err.text);
    pmm_ws_reconnect(a->ws, conn, "malformed message"); /* what it said is unknown: begin again */
    return;
  }
  if (f.has_seq) take_count(a, &f);
  switch ((pmm_kalshi_type_t)f.type) {
  case PMM_KALSHI_BOOK:
  case PMM_KALSHI_DELTA:
  case PMM_KALSHI_TRADE: take_book(a, &f); break;
  case PMM_KALSHI_FILL: pmm__k_fill(a, &f.u.fill); break;
  case PMM_KALSHI_ORDER: pmm__k_order(a, &f.u.order); break;
  case PMM_KALSHI_LIFECYCLE: take_life(a, &f); break;
  case PMM_KALSHI_EVENT_FEE:
    pmm__k_notice(a, PMM_WARN, "fees", PMM_NOTICE_NO_MARKET, "the fees of event %.*s change; ours are those of the start", (int)pmm_min64(f.u.fee.event.len, PMM_ID_MAX),
                  f.u.fee.event.at);
    break;
  case PMM_KALSHI_SUBSCRIBED: take_subscribed(a, &f); break;
  case PMM_KALSHI_ERROR: take_error(a, &f); break;
  default: break;
  }
}

pmm_status_t pmm__k_stream_open(pmm__kalshi_t *a, pmm_error_t *err) {
  pmm_ws_config_t const config = {.url = a->ws_url,
                                  .headers = a->signer ? sign_upgrade : NULL,
                                  .opened = opened,
                                  .message = message,
                                  .closed = went,
                                  .ctx = a,
                                  .message_max = MESSAGE_MAX,
                                  .idle_ns = IDLE_NS,
                                  .deflate = a->params.deflate};
  return pmm_ws_open(a->net, &config, &a->ws, err);
}

void pmm__k_stream_tick(pmm__kalshi_t *a, int64_t mono_ns) {
  if (a->ready || a->conn == 0 || mono_ns < a->snapshot_asked_ns + SNAPSHOT_WAIT_NS) return;
  for (int c = 0; c < (a->public_only ? K_FILLS : K_CHANNELS); c++)
    if (a->sid[c] == 0) { /* its answer is lost, and with it the number that its messages bear */
      pmm_ws_reconnect(a->ws, a->conn, "a subscription was not answered");
      return;
    }
  judge_books(a);
  if (!a->books_whole) ask_snapshots(a);
}
