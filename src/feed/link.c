/* Connections to one host: subscriptions within the feed's rate, keep-alive, silence, rotation, and what closes and errors ask for. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include "feed/adapter.h"

#define PROMOTE_NS (10 * PMM_NS_PER_S)   /* a fresh connection that has some news replaces the old after so long, else when it has all */
#define REGAIN_NS (60 * PMM_NS_PER_S)    /* between two reconnects for the sake of a gap */
#define LATER_NS (10 * PMM_NS_PER_S)     /* floor when asked to come back later; as much again at random */
#define AUTH_TRIES_MAX 7                 /* the ninth closes the connection */
#define NEVER (-1)

void pmm__feed_tell(pmm__link_t *l, pmm__trouble_t trouble, pmm_severity_t severity, const char *code, const char *text) {
  pmm_net_t *const net = l->feeds->net;
  int64_t const now_ns = pmm_net_mono(net);
  if (l->told_ns[trouble] != PMM_TIME_NONE && now_ns - l->told_ns[trouble] < PMM__NOTICE_NS) {
    l->untold[trouble]++;
    return;
  }
  char more[48] = "";
  if (l->untold[trouble]) snprintf(more, sizeof more, " (and %llu before)", (unsigned long long)l->untold[trouble]);
  pmm_notice(&l->feeds->sink.notices, pmm_net_now(net), severity, l->name, code, PMM_NOTICE_NO_MARKET, "%s%s", text, more);
  l->told_ns[trouble] = now_ns;
  l->untold[trouble] = 0;
}

static void note(pmm__link_t *l, pmm_severity_t severity, const char *code, const char *text) {
  pmm_notice(&l->feeds->sink.notices, pmm_net_now(l->feeds->net), severity, l->name, code, PMM_NOTICE_NO_MARKET, "%s", text);
}

static pmm__slot_t *slot_of(pmm__link_t *l, uint32_t conn) {
  for (int i = 0; i < 2; i++)
    if (l->slot[i].conn == conn) return &l->slot[i];
  return NULL;
}

/* A free slot, else the one that is not open, else the older one. */
static pmm__slot_t *take_slot(pmm__link_t *l, uint32_t conn) {
  pmm__slot_t *s = slot_of(l, 0);
  if (!s) s = !l->slot[0].open || (l->slot[1].open && l->slot[0].conn < l->slot[1].conn) ? &l->slot[0] : &l->slot[1];
  pmm_feed_codec_t *const codec = s->codec;
  *s = (pmm__slot_t){.conn = conn, .codec = codec, .auth_ns = PMM_NS_MAX};
  pmm_feed_codec_reset(codec);
  return s;
}

static bool any_open(const pmm__link_t *l) { return l->slot[0].open || l->slot[1].open; }

/* -- sending -- */

static bool send_out(pmm__link_t *l, pmm__slot_t *s, size_t len) {
  pmm_status_t const st = pmm_ws_send(l->ws, s->conn, l->feeds->out, len);
  OPENSSL_cleanse(l->feeds->out, len);
  if (st != PMM_OK) pmm__feed_tell(l, PMM__SEND, PMM_WARN, "send", pmm_status_to_string(st));
  return st == PMM_OK;
}

/* The frames of a fresh connection, as far as the rate and the answer to a credential allow; the next beat goes on. */
static void say_hello(pmm__link_t *l, pmm__slot_t *s, int64_t mono_ns) {
  char *const out = l->feeds->out;
  while (s->open && !s->waits) {
    size_t len;
    bool wait;
    pmm_status_t const st = pmm_feed_hello(s->codec, s->hello, out, PMM_FEED_OUT_MAX, &len, &wait);
    if (st == PMM_END || st != PMM_OK) return;
    if (!pmm_bucket_take(&l->bucket, 1, PMM_BUCKET_NORMAL, mono_ns)) {
      OPENSSL_cleanse(out, len);
      return;
    }
    if (!send_out(l, s, len)) return;
    s->hello++;
    s->waits = wait;
  }
}

static void ping(pmm__link_t *l, pmm__slot_t *s, int64_t mono_ns) {
  size_t len;
  if (l->rules->ping_ns == 0 || mono_ns - s->ping_ns < l->rules->ping_ns) return;
  if (!pmm_bucket_take(&l->bucket, 1, PMM_BUCKET_NORMAL, mono_ns)) return;
  s->ping_ns = mono_ns;
  if (pmm_feed_ping(s->codec, l->feeds->out, PMM_FEED_OUT_MAX, &len) == PMM_OK) send_out(l, s, len);
}

/* -- what comes -- */

static void stop(pmm__link_t *l, const char *why) {
  note(l, PMM_ALERT, "stopped", why);
  l->stopped = true;
  pmm_ws_t *const ws = l->ws;
  l->ws = NULL;
  l->slot[0].open = l->slot[1].open = false;
  pmm__on_connected(l->feeds, l, false, pmm_net_mono(l->feeds->net));
  pmm_ws_close(ws);
}

/* Again after 1, 2, 4 ... s; and not for ever. */
static void authenticate_later(pmm__link_t *l, pmm__slot_t *s) {
  if (s->auth_tries >= AUTH_TRIES_MAX) {
    pmm_ws_reconnect(l->ws, s->conn, "no authentication");
    return;
  }
  s->auth_ns = pmm_net_mono(l->feeds->net) + (PMM_NS_PER_S << s->auth_tries++);
}

static void on_error(pmm__link_t *l, pmm__slot_t *s, const pmm_feed_frame_t *f) {
  if (f->advice == PMM_ADVICE_STOP) {
    stop(l, f->text);
    return;
  }
  pmm__feed_tell(l, PMM__REFUSED, PMM_ALERT, "refused", f->text);
  if (f->advice == PMM_ADVICE_AUTH) authenticate_later(l, s);
  if (f->advice == PMM_ADVICE_RETRY || f->advice == PMM_ADVICE_LATER) pmm_ws_reconnect(l->ws, s->conn, "refused");
}

/* Numbers of a connection with a hole: what was lost is not sent again, but a new connection begins with a picture or a back-fill. */
static void on_gap(pmm__link_t *l, pmm__slot_t *s, const pmm_feed_frame_t *f, int64_t mono_ns) {
  char text[64];
  snprintf(text, sizeof text, "%u messages missing", f->missed);
  pmm__feed_tell(l, PMM__GAP, PMM_WARN, "gap", text);
  pmm__on_gap(l->feeds, l);
  bool const reseeds = l->source == PMM_FEED_COINBASE_ADVANCED || l->source == PMM_FEED_POLYBOLT;
  if (!reseeds || (l->regained_ns != PMM_TIME_NONE && mono_ns - l->regained_ns < REGAIN_NS)) return;
  l->regained_ns = mono_ns;
  pmm_ws_reconnect(l->ws, s->conn, "messages missing");
}

static bool is_price(const pmm_feed_tick_t *t) { return t->kind != PMM_TICK_BEAT && !(t->flags & PMM_TICK_HISTORY); }

static void on_data(pmm__link_t *l, pmm__slot_t *s, const pmm_feed_frame_t *f, int64_t mono_ns) {
  for (size_t i = 0; i < f->tick_cnt; i++) {
    if (is_price(&f->tick[i])) {
      s->price_ns = mono_ns;
      s->seen |= UINT64_C(1) << f->tick[i].stream;
    }
    pmm__on_tick(l->feeds, l, &f->tick[i], mono_ns);
  }
  pmm__after_frame(l->feeds, l, mono_ns);
}

static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  pmm__link_t *const l = ctx;
  pmm__slot_t *const s = slot_of(l, conn);
  pmm_feed_frame_t f;
  pmm_error_t err;
  if (!s || !s->open) return;
  l->messages++;
  if (pmm_feed_decode(s->codec, text, len, &f, &err) != PMM_OK) {
    l->parse_errors++;
    pmm__feed_tell(l, PMM__BAD_FRAME, PMM_WARN, "malformed", err.text);
    return;
  }
  if (f.tick_cnt) on_data(l, s, &f, recv_ns);
  if (f.gap && !l->stopped) on_gap(l, s, &f, recv_ns);
  if (l->stopped) return;
  switch ((pmm_feed_frame_kind_t)f.kind) {
  case PMM_FRAME_ERROR: on_error(l, s, &f); break;
  case PMM_FRAME_AUTHED:
    s->waits = false;
    s->authed = true;
    s->auth_ns = PMM_NS_MAX;
    say_hello(l, s, recv_ns);
    break;
  case PMM_FRAME_GOAWAY:
    note(l, PMM_WARN, "shutdown", "the server is about to close");
    pmm_ws_reconnect(l->ws, conn, "server shutdown");
    break;
  default: break;
  }
}

static void on_opened(void *ctx, uint32_t conn) {
  pmm__link_t *const l = ctx;
  int64_t const mono_ns = pmm_net_mono(l->feeds->net);
  bool const first = !any_open(l);
  pmm__slot_t *const s = take_slot(l, conn);
  s->open = true;
  s->opened_ns = s->price_ns = s->ping_ns = mono_ns;
  l->connections++;
  note(l, PMM_NOTE, "connected", first ? "connected" : "connected beside the old one");
  if (first) pmm__on_connected(l->feeds, l, true, mono_ns);
  say_hello(l, s, mono_ns);
}

static int64_t pause_of(pmm__link_t *l, pmm_feed_advice_t advice) {
  uint64_t const dice = pmm_net_random(l->feeds->net);
  switch (advice) {
  case PMM_ADVICE_STOP: return NEVER;
  case PMM_ADVICE_LATER: return LATER_NS + (int64_t)(dice % LATER_NS);
  case PMM_ADVICE_SOON: return 1 + (int64_t)(dice % (10 * PMM_NS_PER_S));
  default: return 0; /* full jitter, the net's own */
  }
}

static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  pmm__link_t *const l = ctx;
  pmm__slot_t *const s = slot_of(l, conn);
  pmm_feed_advice_t const advice = pmm_feed_on_close(l->source, code, http);
  char text[128];
  snprintf(text, sizeof text, "code %d%s%.0d %s", code, http ? ", HTTP " : "", http, why ? why : "");
  bool const was_open = s && s->open;
  if (s) s->conn = 0, s->open = false;
  if (was_open && !any_open(l)) pmm__on_connected(l->feeds, l, false, pmm_net_mono(l->feeds->net));
  if (advice == PMM_ADVICE_STOP) {
    note(l, PMM_ALERT, "stopped", text);
    l->stopped = true;
  } else note(l, any_open(l) ? PMM_NOTE : PMM_WARN, "lost", text);
  return pause_of(l, advice);
}

static pmm_status_t headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) { return pmm__login_headers(ctx, header, cnt); }

/* -- time -- */

/* A fresh connection replaces the old when it has news of every stream, or of some after a while. */
static void promote(pmm__link_t *l, int64_t mono_ns) {
  if (!l->slot[0].open || !l->slot[1].open) return;
  pmm__slot_t *const fresh = l->slot[0].conn > l->slot[1].conn ? &l->slot[0] : &l->slot[1];
  bool const all = (fresh->seen & l->price_mask) == l->price_mask;
  if (all || (fresh->seen && mono_ns - fresh->opened_ns >= PROMOTE_NS)) pmm_ws_promote(l->ws, fresh->conn);
}

static void beat_slot(pmm__link_t *l, pmm__slot_t *s, int64_t mono_ns) {
  if (s->auth_ns <= mono_ns) {
    s->auth_ns = PMM_NS_MAX;
    s->hello = 0;
    s->waits = false;
  }
  say_hello(l, s, mono_ns);
  ping(l, s, mono_ns);
  if (l->rules->price_idle_ns && mono_ns - s->price_ns > l->rules->price_idle_ns) {
    note(l, PMM_WARN, "silent", "open, and no price: reconnecting");
    s->price_ns = mono_ns;
    pmm_ws_reconnect(l->ws, s->conn, "no prices");
  }
}

void pmm__link_beat(pmm__link_t *l, int64_t mono_ns) {
  if (l->stopped || !l->ws) return;
  promote(l, mono_ns);
  for (int i = 0; i < 2; i++)
    if (l->slot[i].open) beat_slot(l, &l->slot[i], mono_ns);
}

/* -- life -- */

static pmm_status_t open_codecs(pmm__link_t *l, pmm_error_t *err) {
  pmm_feed_codec_config_t const config = {.feed = (uint8_t)l->source, .stream = l->stream, .stream_cnt = l->stream_cnt, .microseconds = true,
                                          .login = {l->source == PMM_FEED_POLYBOLT ? l->key : NULL, l->secret, l->passphrase}};
  for (int i = 0; i < 2; i++) {
    pmm_status_t const st = pmm_feed_codec_open(&l->slot[i].codec, &config, err);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

pmm_status_t pmm__feed_link_open(pmm__link_t *l, pmm_error_t *err) {
  char url[PMM_FEED_OUT_MAX];
  int64_t rotate_ns = l->rules->rotate_ns;
  pmm_status_t st = open_codecs(l, err);
  if (st != PMM_OK) return st;
  if (pmm_feed_url(l->slot[0].codec, l->base, url, sizeof url) != PMM_OK) return pmm_error_set(err, PMM_INVAL, "feed %s: URL too long", l->name);
  for (uint32_t i = 0; i < l->stream_cnt; i++) {
    const pmm_feed_params_t *const p = l->feeds->feed[l->feed_of[i]].params;
    if (p->rotate_ns > 0 && (rotate_ns == 0 || p->rotate_ns < rotate_ns)) rotate_ns = p->rotate_ns;
  }
  l->regained_ns = PMM_TIME_NONE;
  for (int i = 0; i < PMM__TROUBLE_CNT; i++) l->told_ns[i] = PMM_TIME_NONE;
  pmm_bucket_init(&l->bucket, l->rules->message_rate, l->rules->message_cap, 0, 0, pmm_net_mono(l->feeds->net));
  pmm_ws_config_t const config = {.url = url, .headers = headers, .opened = on_opened, .message = on_message, .closed = on_closed, .ctx = l,
                                  .message_max = l->rules->message_max, .idle_ns = l->rules->idle_ns, .rotate_ns = rotate_ns, .deflate = l->rules->deflate};
  return pmm_ws_open(l->feeds->net, &config, &l->ws, err);
}

void pmm__link_close(pmm__link_t *l) {
  pmm_ws_close(l->ws);
  l->ws = NULL;
  for (int i = 0; i < 2; i++) pmm_feed_codec_close(l->slot[i].codec);
  pmm__login_wipe(l);
}
