/* tests/feed/feed_test.h -- what the tests of feeds share: a codec for a list of streams, frames from plain strings, and a frame as one line
   of text, so that a table can say what is expected. */
#ifndef PMM_TESTS_FEED_TEST_H
#define PMM_TESTS_FEED_TEST_H
#include "base/check.h"
#include "base/json.h"
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "pmm/feed.h"

typedef struct feed_text { char buf[1 << 16]; size_t len; } feed_text_t;

static inline void feed_add(feed_text_t *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void feed_add(feed_text_t *t, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  t->len += (size_t)vsnprintf(t->buf + t->len, sizeof t->buf - t->len, fmt, args);
  va_end(args);
  assert_true(t->len < sizeof t->buf);
}

static inline void feed_add_decimal(feed_text_t *t, const char *name, int64_t value_e8) {
  char text[PMM_DECIMAL_BUF];
  if (value_e8 == 0) return;
  pmm_decimal_print(value_e8, 8, 0, text);
  feed_add(t, " %s=%s", name, text);
}

static inline void feed_add_time(feed_text_t *t, const char *name, int64_t ns) {
  if (ns == PMM_TIME_NONE) return;
  feed_add(t, " %s=%lld.%09lld", name, (long long)(ns / PMM_NS_PER_S), (long long)(ns % PMM_NS_PER_S));
}

/* "data; trade 0 price=91250.01 qty=0.0015 seq=6120450001 bid source=...": fields that are zero or unknown are left out. */
static inline const char *feed_line(feed_text_t *t, const pmm_feed_frame_t *f) {
  static const char *const FRAME[] = {"nothing", "data", "ack", "authed", "pong", "error", "goaway"};
  static const char *const TICK[] = {"trade", "top", "spot", "twap", "mean", "candle", "beat"};
  static const char *const ADVICE[] = {"", " retry", " later", " soon", " auth", " stop"};
  static const char *const FLAG[] = {" history", " gap", " late", " final", " trailing"};
  t->len = 0;
  feed_add(t, "%s%s", FRAME[f->kind], ADVICE[f->advice]);
  if (f->code) feed_add(t, " code=%d", f->code);
  if (f->gap) feed_add(t, " gap=%u", f->missed);
  if (f->text[0]) feed_add(t, " '%s'", f->text);
  for (size_t i = 0; i < f->tick_cnt; i++) {
    const pmm_feed_tick_t *const k = &f->tick[i];
    feed_add(t, "; %s %u", TICK[k->kind], k->stream);
    feed_add_decimal(t, "price", k->price_e8);
    feed_add_decimal(t, k->kind == PMM_TICK_CANDLE ? "open" : "bid", k->bid_e8);
    feed_add_decimal(t, "ask", k->ask_e8);
    feed_add_decimal(t, "qty", k->qty_e8);
    if (k->kind == PMM_TICK_TRADE) feed_add(t, k->side == PMM_BID ? " bought" : " sold");
    if (k->window_cnt) feed_add(t, " cnt=%u", k->window_cnt);
    if (k->seq) feed_add(t, " seq=%llu", (unsigned long long)k->seq);
    for (int b = 0; b < 5; b++)
      if (k->flags & (1 << b)) feed_add(t, "%s", FLAG[b]);
    if (k->missed) feed_add(t, " missed=%u", k->missed);
    feed_add_time(t, "source", k->source_ns);
    feed_add_time(t, "send", k->send_ns);
    feed_add_time(t, "start", k->start_ns);
    feed_add_time(t, "end", k->end_ns);
  }
  if (f->level_snapshot) feed_add(t, "; picture of %u", f->level_stream);
  if (f->last_id) feed_add(t, "; ids %llu-%llu", (unsigned long long)f->first_id, (unsigned long long)f->last_id);
  for (size_t i = 0; i < f->level_cnt; i++) {
    feed_add(t, "; %s", f->level[i].side == PMM_BID ? "bid" : "ask");
    feed_add_decimal(t, "at", f->level[i].price_e8);
    feed_add_decimal(t, "qty", f->level[i].qty_e8);
  }
  return t->buf;
}

/* Decodes a plain string, with the padding that the parser wants. */
static inline pmm_status_t feed_decode(pmm_feed_codec_t *c, const char *text, pmm_feed_frame_t *frame, pmm_error_t *err) {
  size_t const len = strlen(text);
  char *const padded = malloc(len + PMM_JSON_PAD);
  assert_non_null(padded);
  memcpy(padded, text, len);
  memset(padded + len, ' ', PMM_JSON_PAD);
  pmm_status_t const st = pmm_feed_decode(c, padded, len, frame, err);
  free(padded);
  return st;
}

static inline pmm_feed_codec_t *feed_codec(pmm_feed_codec_config_t config, const pmm_feed_stream_t *stream, size_t cnt) {
  pmm_feed_codec_t *c = NULL;
  pmm_error_t err = {0};
  config.stream = stream;
  config.stream_cnt = cnt;
  if (pmm_feed_codec_open(&c, &config, &err) != PMM_OK) fail_msg("%s", err.text);
  return c;
}
#endif
