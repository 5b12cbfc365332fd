/* Bodies of requests, byte for byte as the venue's client writes them; the HMAC is over these bytes. */
#include <stdio.h>
#include "internal.h"
#include "rest.h"

typedef struct out { char *buf; size_t at, cap; bool full; } out_t;

static void put_bytes(out_t *o, const char *text, size_t len) {
  if (o->full || len >= o->cap - o->at) {
    o->full = true;
    return;
  }
  memcpy(o->buf + o->at, text, len);
  o->at += len;
}

static void put(out_t *o, const char *text) { put_bytes(o, text, strlen(text)); }

static void put_word(out_t *o, const pmm_poly_word_t *word) {
  char text[PMM_POLY_HEX_WORD];
  put(o, "\"");
  put_bytes(o, text, pmm_poly_hex(word->b, sizeof word->b, text));
  put(o, "\"");
}

static size_t done(out_t *o) {
  if (o->full) return 0;
  o->buf[o->at] = '\0';
  return o->at;
}

static const char *order_type(pmm_tif_t tif) {
  static const char *const text[] = {[PMM_GTC] = "GTC", [PMM_GTD] = "GTD", [PMM_IOC] = "FAK", [PMM_FOK] = "FOK"};
  return text[tif];
}

static void put_post(out_t *o, const pmm_poly_post_t *post, const char *owner) {
  put(o, post->defer_exec ? "{\"deferExec\":true,\"postOnly\":" : "{\"deferExec\":false,\"postOnly\":");
  put(o, post->post_only ? "true,\"order\":" : "false,\"order\":");
  put_bytes(o, post->order_json, post->order_len);
  put(o, ",\"owner\":\"");
  put(o, owner);
  put(o, "\",\"orderType\":\"");
  put(o, order_type(post->tif));
  put(o, "\"}");
}

size_t pmm_poly_body_order(const pmm_poly_post_t *post, const char *owner, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  put_post(&o, post, owner);
  return done(&o);
}

size_t pmm_poly_body_orders(const pmm_poly_post_t *post, size_t cnt, const char *owner, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  for (size_t i = 0; i < cnt; i++) {
    put(&o, i == 0 ? "[" : ",");
    put_post(&o, &post[i], owner);
  }
  put(&o, cnt == 0 ? "[]" : "]");
  return done(&o);
}

size_t pmm_poly_body_cancel(const pmm_poly_word_t *id, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  put(&o, "{\"orderID\":");
  put_word(&o, id);
  put(&o, "}");
  return done(&o);
}

size_t pmm_poly_body_cancels(const pmm_poly_word_t *id, size_t cnt, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  for (size_t i = 0; i < cnt; i++) {
    put(&o, i == 0 ? "[" : ",");
    put_word(&o, &id[i]);
  }
  put(&o, cnt == 0 ? "[]" : "]");
  return done(&o);
}

size_t pmm_poly_body_cancel_market(const char *condition, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  put(&o, "{\"market\":\"");
  put(&o, condition);
  put(&o, "\"}");
  return done(&o);
}

size_t pmm_poly_body_heartbeat(const char *id, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  put(&o, "{\"heartbeat_id\":\"");
  put(&o, id);
  put(&o, "\"}");
  return done(&o);
}

static void put_texts(out_t *o, const char *const *text, size_t cnt) {
  put(o, "[");
  for (size_t i = 0; i < cnt; i++) {
    put(o, i == 0 ? "\"" : ",\"");
    put(o, text[i]);
    put(o, "\"");
  }
  put(o, "]");
}

size_t pmm_poly_body_subscribe_market(const char *const *token, size_t cnt, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  put(&o, "{\"assets_ids\":");
  put_texts(&o, token, cnt);
  put(&o, ",\"type\":\"market\",\"custom_feature_enabled\":true}");
  return done(&o);
}

size_t pmm_poly_body_subscribe_user(const pmm_poly_credentials_t *credentials, const char *const *condition, size_t cnt, char *buf, size_t cap) {
  out_t o = {.buf = buf, .cap = cap};
  put(&o, "{\"auth\":{\"apiKey\":\"");
  put(&o, credentials->key);
  put(&o, "\",\"secret\":\"");
  put(&o, credentials->secret);
  put(&o, "\",\"passphrase\":\"");
  put(&o, credentials->passphrase);
  put(&o, "\"},\"type\":\"user\",\"markets\":");
  put_texts(&o, condition, cnt);
  put(&o, "}");
  return done(&o);
}
