/* Requests: one place that signs and sends, one that hands out answers. */
#include <stddef.h>
#include <stdio.h>
#include "adapter.h"
#include "venue/append.h"
#include "internal.h"

bool pmm__is_ok(const pmm_http_response_t *response) { return response->status == PMM_OK && response->http >= 200 && response->http < 300; }

void pmm__requests_init(pmm__poly_t *p) {
  for (uint32_t i = PMM__REQUESTS_MAX; i-- > 0;) {
    p->request[i].next_free = p->request_free;
    p->request_free = i + 1;
  }
}

bool pmm__can_send(const pmm__poly_t *p) { return p->request_free != 0; }

const pmm_json_node_t *pmm__parse(pmm__poly_t *p, const pmm_http_response_t *response) {
  const pmm_json_node_t *root = NULL;
  size_t at;
  const char *why;
  if (response->status != PMM_OK || response->body_len == 0) return NULL;
  return pmm_json_parse(p->json, response->body, response->body_len, &root, &at, &why) == PMM_OK ? root : NULL;
}

static void answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  switch ((pmm__call_t)request->call) {
  case PMM__CALL_DISCOVER:
  case PMM__CALL_FEES: pmm__discover_answer(p, request, response); return;
  case PMM__CALL_TIME:
  case PMM__CALL_VERSION:
  case PMM__CALL_KEY_CREATE:
  case PMM__CALL_KEY_DERIVE:
  case PMM__CALL_HEARTBEAT: pmm__auth_answer(p, request, response); return;
  case PMM__CALL_BALANCE:
  case PMM__CALL_POSITIONS:
  case PMM__CALL_ORDERS:
  case PMM__CALL_TRADES:
  case PMM__CALL_TRADE:
  case PMM__CALL_LEFT: pmm__reconcile_answer(p, request, response); return;
  case PMM__CALL_POST:
  case PMM__CALL_CANCEL:
  case PMM__CALL_CANCEL_MARKET:
  case PMM__CALL_CANCEL_ALL:
  case PMM__CALL_LOOK: pmm__orders_answer(p, request, response); return;
  case PMM__CALL_BOOK: pmm__book_answer(p, request, response); return;
  }
}

static void done(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  pmm__poly_t *const p = ctx;
  pmm__request_t *const slot = &p->request[tag];
  pmm__request_t mine;
  memcpy(&mine, slot, offsetof(pmm__request_t, order) + slot->cnt * sizeof *slot->order);
  pmm__poly_enter(p);
  p->outstanding--;
  slot->next_free = p->request_free; /* free for what the answer sets off */
  p->request_free = (uint32_t)tag + 1;
  if (!p->closing) answer(p, &mine, response);
  pmm__poly_leave(p);
}

typedef struct headers { pmm_header_t list[8]; size_t cnt; const char *signed_text; char signature[2 * 65 + 3], nonce[4]; } headers_t; /* signed_text: ahead; else signature */

static void add(headers_t *h, const char *name, const char *value) { h->list[h->cnt++] = (pmm_header_t){name, value}; }

static bool sign_wallet(pmm__poly_t *p, headers_t *h, int64_t at_s) {
  uint8_t sig[65];
  if (!p->signer || pmm_poly_l1_sign(p->signer, p->chain_id, at_s, 0, sig) != PMM_OK) return false;
  pmm_poly_hex(sig, sizeof sig, h->signature);
  snprintf(h->nonce, sizeof h->nonce, "0");
  add(h, "POLY_NONCE", h->nonce);
  return true;
}

static bool sign_request(pmm__poly_t *p, headers_t *h, const pmm__send_t *send, int64_t at_s) {
  if (!p->hmac_ready) return false;
  h->signed_text = send->seal ? pmm_poly_seal_at(send->seal, at_s) : NULL;
  if (!h->signed_text) pmm_poly_hmac_sign(p->hmac, at_s, send->method, send->path, send->body, send->body_len, h->signature);
  add(h, "POLY_API_KEY", p->credentials->key);
  add(h, "POLY_PASSPHRASE", p->credentials->passphrase);
  return true;
}

static bool add_headers(pmm__poly_t *p, headers_t *h, const pmm__send_t *send) {
  int64_t const at_s = pmm__venue_now(p) / PMM_NS_PER_S;
  if (send->body) add(h, "Content-Type", "application/json");
  if (send->auth == PMM__PUBLIC) return true;
  if (!(send->auth == PMM__WALLET ? sign_wallet(p, h, at_s) : sign_request(p, h, send, at_s))) return false;
  if (p->second != at_s) p->second_text[pmm__put_decimal(p->second_text, 0, (uint64_t)at_s)] = '\0';
  p->second = at_s;
  add(h, "POLY_ADDRESS", p->address);
  add(h, "POLY_SIGNATURE", h->signed_text ? h->signed_text : h->signature);
  add(h, "POLY_TIMESTAMP", p->second_text);
  return true;
}

static bool put_url(pmm__poly_t *p, const pmm__send_t *send) {
  const char *const part[] = {send->base, send->path, send->query ? send->query : ""};
  size_t at = 0;
  for (size_t i = 0; i < sizeof part / sizeof *part; i++)
    if (!pmm__append(p->url, sizeof p->url, &at, part[i], strlen(part[i]))) return false;
  return true;
}

pmm__request_t *pmm__send(pmm__poly_t *p, const pmm__send_t *send) {
  pmm__request_t *const slot = p->request_free ? &p->request[p->request_free - 1] : NULL;
  headers_t h;
  h.cnt = 0; /* the rest is written as it is added */
  h.signed_text = NULL;
  pmm_error_t err;
  if (!slot || !add_headers(p, &h, send)) return NULL;
  if (!put_url(p, send)) return NULL;
  pmm_http_request_t const request = {.method = send->method, .url = p->url, .header = h.list, .header_cnt = h.cnt, .body = send->body, .body_len = send->body_len,
                                      .timeout_ns = p->params.request_timeout_ns, .retries = send->retries, .done = done, .ctx = p, .tag = (uint64_t)(slot - p->request)};
  if (pmm_http_send(p->net, &request, &err) != PMM_OK) {
    pmm__poly_note(p, PMM_WARN, "request", PMM_NOTICE_NO_MARKET, "%s %s: %s", send->method, send->path, err.text);
    return NULL;
  }
  p->outstanding++;
  p->request_free = slot->next_free;
  slot->call = (uint8_t)send->call;
  slot->arg = send->arg;
  slot->cnt = 0;
  slot->sent_seq = ++p->request_seq;
  return slot;
}
