/* encode.c -- what we say, straight into the caller's buffer. Texts that go in are ids and client ids of checked characters; anything that JSON
   would need escaped makes the writer full, so that nothing malformed is ever sent. */
#include <string.h>
#include "pmm/decimal.h"
#include "pmm/degen.h"

static void raw(pmm_degen_writer_t *w, const char *text, size_t len) {
  if (len > w->cap - w->len) {
    w->full = true;
    return;
  }
  memcpy(w->buf + w->len, text, len);
  w->len += len;
}
#define LIT(w, text) raw(w, text, sizeof(text) - 1)

static void number(pmm_degen_writer_t *w, uint64_t v) {
  char digits[20];
  size_t n = sizeof digits;
  do digits[--n] = (char)('0' + v % 10);
  while ((v /= 10) > 0);
  raw(w, digits + n, sizeof digits - n);
}

static void decimal(pmm_degen_writer_t *w, int64_t v, int scale) {
  char buf[PMM_DECIMAL_BUF];
  raw(w, buf, pmm_decimal_print(v, scale, 0, buf));
}

static void plain(pmm_degen_writer_t *w, const char *text) {
  size_t n = 0;
  for (; text[n]; n++)
    if ((signed char)text[n] < 0x20 || text[n] == '"' || text[n] == '\\') w->full = true;
  raw(w, text, n);
}

static size_t finish(const pmm_degen_writer_t *w) { return w->full ? 0 : w->len; }

static void begin(pmm_degen_writer_t *w, char *buf, size_t cap, const char *op, uint64_t id) {
  *w = (pmm_degen_writer_t){.buf = buf, .cap = cap};
  LIT(w, "{");
  if (id == 0) return;
  LIT(w, "\"op\":\"");
  raw(w, op, strlen(op));
  LIT(w, "\",\"id\":");
  number(w, id);
  LIT(w, ",");
}

void pmm_degen_client_id(uint64_t order_id, char out[PMM_DEGEN_CLIENT_ID_LEN + 1]) {
  static const char hex[] = "0123456789abcdef";
  out[0] = 'p';
  for (int i = 16; i > 0; i--, order_id >>= 4) out[i] = hex[order_id & 15];
  out[PMM_DEGEN_CLIENT_ID_LEN] = '\0';
}

bool pmm_degen_client_id_read(pmm_degen_text_t text, uint64_t *order_id) {
  uint64_t v = 0;
  if (!text.at || text.len != PMM_DEGEN_CLIENT_ID_LEN || text.at[0] != 'p') return false;
  for (uint32_t i = 1; i < text.len; i++) {
    char const c = text.at[i];
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  *order_id = v;
  return v != 0;
}

void pmm_degen_place_begin(pmm_degen_writer_t *w, char *buf, size_t cap, uint64_t id) {
  begin(w, buf, cap, "order.place", id);
  LIT(w, "\"orders\":[");
}

void pmm_degen_place_order(pmm_degen_writer_t *w, const char *market, const pmm_action_t *a) {
  static const char *const tif[] = {"gtc", "gtd", "ioc", "fok"};
  bool const is_no = a->route == PMM_SELL_NO || a->route == PMM_BUY_NO, sells = pmm_route_is_sell((pmm_route_t)a->route);
  char client_id[PMM_DEGEN_CLIENT_ID_LEN + 1];
  pmm_degen_client_id(a->order_id, client_id);
  if (w->buf[w->len - 1] != '[') LIT(w, ",");
  LIT(w, "{\"market\":\"");
  plain(w, market);
  if (is_no) LIT(w, "\",\"outcome\":\"no\",\"side\":\"");
  else LIT(w, "\",\"outcome\":\"yes\",\"side\":\"");
  if (sells) LIT(w, "ask\",\"from_inventory\":true,\"price\":\"");
  else LIT(w, "bid\",\"price\":\"");
  decimal(w, is_no ? PMM_ONE_E4 - a->price_e4 : a->price_e4, 4);
  LIT(w, "\",\"size\":\"");
  decimal(w, a->qty_e6, 6);
  LIT(w, "\",\"client_id\":\"");
  raw(w, client_id, PMM_DEGEN_CLIENT_ID_LEN);
  if (a->flags & PMM_ACT_POST_ONLY) LIT(w, "\",\"post_only\":true,\"tif\":\"");
  else LIT(w, "\",\"tif\":\"");
  raw(w, tif[a->tif & 3], 3);
  LIT(w, "\"");
  if (a->tif == PMM_GTD) {
    LIT(w, ",\"expires_at\":");
    number(w, (uint64_t)(a->expire_ns / PMM_NS_PER_MS));
  }
  LIT(w, "}");
}

size_t pmm_degen_place_end(pmm_degen_writer_t *w) {
  LIT(w, "]}");
  return finish(w);
}

void pmm_degen_cancel_begin(pmm_degen_writer_t *w, char *buf, size_t cap, uint64_t id, bool by_client_id) {
  begin(w, buf, cap, "order.cancel", id);
  if (by_client_id) LIT(w, "\"client_ids\":[");
  else LIT(w, "\"ids\":[");
}

void pmm_degen_cancel_order(pmm_degen_writer_t *w, const char *id) {
  if (w->buf[w->len - 1] != '[') LIT(w, ",");
  LIT(w, "\"");
  plain(w, id);
  LIT(w, "\"");
}

size_t pmm_degen_cancel_end(pmm_degen_writer_t *w) {
  LIT(w, "]}");
  return finish(w);
}

size_t pmm_degen_cancel_market(char *buf, size_t cap, uint64_t id, const char *market) {
  pmm_degen_writer_t w;
  begin(&w, buf, cap, "order.cancel", id);
  LIT(&w, "\"market\":\"");
  plain(&w, market);
  LIT(&w, "\"}");
  return finish(&w);
}

size_t pmm_degen_amend(char *buf, size_t cap, uint64_t id, const char *order, bool is_no, int32_t price_e4, int64_t qty_e6) {
  pmm_degen_writer_t w;
  begin(&w, buf, cap, "order.amend", id);
  if (id != 0) {
    LIT(&w, "\"order_id\":\"");
    plain(&w, order);
    LIT(&w, "\",");
  }
  LIT(&w, "\"price\":\"");
  decimal(&w, is_no ? PMM_ONE_E4 - price_e4 : price_e4, 4);
  LIT(&w, "\",\"size\":\"");
  decimal(&w, qty_e6, 6);
  LIT(&w, "\"}");
  return finish(&w);
}

size_t pmm_degen_heartbeat(char *buf, size_t cap, uint64_t id, int64_t timeout_ms) {
  pmm_degen_writer_t w;
  begin(&w, buf, cap, "heartbeat", id);
  LIT(&w, "\"timeout_ms\":");
  number(&w, (uint64_t)timeout_ms);
  LIT(&w, "}");
  return finish(&w);
}
