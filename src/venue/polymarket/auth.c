/* What comes before the first private request: the venue's clock, its generation, API keys. And the heartbeat, without which the venue
   would keep our orders when we are gone. */
#include <stdio.h>
#include "adapter.h"

#define HEARTBEAT_NS (5 * PMM_NS_PER_S)
#define HEARTBEAT_LOST_NS (10 * PMM_NS_PER_S) /* the venue cancels 10 to 15 s after the last one */

static void ask_time(pmm__poly_t *p) {
  if (!pmm__send(p, &(pmm__send_t){.call = PMM__CALL_TIME, .method = "GET", .base = p->rest, .path = "/time", .retries = 2})) pmm__later(p, pmm__auth_begin);
}

void pmm__auth_begin(pmm__poly_t *p) { ask_time(p); }

void pmm__read_version(pmm__poly_t *p) { (void)pmm__send(p, &(pmm__send_t){.call = PMM__CALL_VERSION, .method = "GET", .base = p->rest, .path = "/version", .retries = 2}); }

static void ask_key(pmm__poly_t *p, bool create) {
  pmm__send_t const send = {.call = create ? PMM__CALL_KEY_CREATE : PMM__CALL_KEY_DERIVE, .auth = PMM__WALLET, .method = create ? "POST" : "GET", .base = p->rest,
                            .path = create ? "/auth/api-key" : "/auth/derive-api-key", .body = create ? "" : NULL};
  if (!pmm__send(p, &send)) pmm__later(p, pmm__auth_begin);
}

pmm_status_t pmm__auth_use(pmm__poly_t *p, pmm_error_t *err) {
  pmm_status_t const st = pmm_poly_hmac_init(p->hmac, p->credentials->secret, strlen(p->credentials->secret));
  if (st != PMM_OK) return pmm_error_set(err, st, "CLOB_SECRET: not base64 of at most %d bytes", PMM_POLY_SECRET_MAX);
  p->has_credentials = p->hmac_ready = true;
  pmm__seal_anew(p);
  return PMM_OK;
}

/* The clock is read to the second: the offset is to the middle of that second. */
static void take_time(pmm__poly_t *p, const pmm_http_response_t *response) {
  int64_t at_s, error_ns;
  if (!pmm__is_ok(response) || pmm_poly_read_time(response->body, response->body_len, &at_s) != PMM_OK || at_s <= 0 || at_s > INT64_C(4000000000)) {
    pmm__later(p, pmm__auth_begin);
    return;
  }
  int64_t const wall = pmm_net_now(p->net), back = pmm_net_mono(p->net);
  pmm_offset_add(&p->offset, wall - (back - response->sent_ns), wall - (back - response->recv_ns), at_s * PMM_NS_PER_S + PMM_NS_PER_S / 2);
  int64_t const off_ns = pmm_offset_ns(&p->offset, &error_ns);
  bool const skewed = pmm_abs64(off_ns) > p->params.skew_max_ns + PMM_NS_PER_S / 2;
  if (skewed && !p->skewed) pmm__poly_note(p, PMM_ALERT, "clock", PMM_NOTICE_NO_MARKET, "our clock differs from the venue's by %.1f s", (double)off_ns * 1e-9);
  p->skewed = skewed;
  if (p->took_over || p->round.active || p->stage != PMM__STARTING) return;
  if (p->has_credentials) pmm__reconcile_begin(p, true);
  else ask_key(p, true);
}

static void take_key(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  const pmm_json_node_t *const root = response->status == PMM_OK ? pmm__parse(p, response) : NULL;
  pmm_error_t err = {.text = "no answer"};
  if (root && pmm__is_ok(response) && pmm_poly_read_credentials(root, p->credentials, &err) == PMM_OK && pmm__auth_use(p, &err) == PMM_OK) {
    p->retry_cnt = 0;
    pmm__reconcile_begin(p, true);
    return;
  }
  if (request->call == PMM__CALL_KEY_CREATE && response->status == PMM_OK && response->http < 500) {
    ask_key(p, false); /* there is one for this nonce already */
    return;
  }
  pmm__poly_note(p, PMM_ALERT, "auth", PMM_NOTICE_NO_MARKET, "no API key: HTTP %d", response->http);
  pmm__later(p, pmm__auth_begin);
}

static void take_version(pmm__poly_t *p, const pmm_http_response_t *response) {
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  int version;
  pmm_error_t err;
  if (!root || pmm_poly_read_version(root, &version, &err) != PMM_OK || version == 2) return;
  /* Which contract a market's orders are signed for stands in its listing; a generation we were not written for must not be guessed. */
  pmm__poly_note(p, PMM_ALERT, "version", PMM_NOTICE_NO_MARKET, "the venue's generation is %d, ours is 2: no new orders", version);
  pmm__set_phase(p, PMM_PHASE_CANCEL_ONLY, PMM_NS_MAX);
}

/* -- heartbeat -- */
void pmm__heartbeat(pmm__poly_t *p) {
  char body[PMM_POLY_KEY_MAX + 32];
  int64_t const now = pmm_net_mono(p->net);
  size_t const len = pmm_poly_body_heartbeat(p->heartbeat, body, sizeof body);
  if (p->params.dead_man_ns == 0 || p->heartbeat_under_way || len == 0) return;
  p->heartbeat_ns = now + HEARTBEAT_NS;
  p->heartbeat_under_way = pmm__send(p, &(pmm__send_t){.call = PMM__CALL_HEARTBEAT, .auth = PMM__SIGNED, .method = "POST", .base = p->rest, .path = "/v1/heartbeats", .body = body,
                                                       .body_len = len}) != NULL;
}

/* Had the venue not heard of us for so long, our orders are gone: look what is there. */
static void note_gap(pmm__poly_t *p, int64_t now) {
  if (p->heartbeat_ok_ns != 0 && now - p->heartbeat_ok_ns > HEARTBEAT_LOST_NS) {
    pmm__poly_note(p, PMM_WARN, "heartbeat", PMM_NOTICE_NO_MARKET, "none for %.0f s: the venue may have cancelled our orders", (double)(now - p->heartbeat_ok_ns) * 1e-9);
    p->reconcile_ns = now;
  }
  p->heartbeat_ok_ns = now;
}

static void take_heartbeat(pmm__poly_t *p, const pmm_http_response_t *response) {
  const pmm_json_node_t *const root = response->status == PMM_OK ? pmm__parse(p, response) : NULL;
  pmm_error_t err;
  p->heartbeat_under_way = false;
  bool const told = root && pmm_poly_read_heartbeat(root, p->heartbeat, &err) == PMM_OK;
  if (told && pmm__is_ok(response)) note_gap(p, pmm_net_mono(p->net));
  else if (told && response->http == 400) pmm__heartbeat(p); /* a wrong id: the answer told the one expected */
  else p->heartbeat_ns = pmm_net_mono(p->net) + PMM_NS_PER_S;
}

void pmm__auth_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  if (request->call == PMM__CALL_TIME) take_time(p, response);
  else if (request->call == PMM__CALL_VERSION) take_version(p, response);
  else if (request->call == PMM__CALL_HEARTBEAT) take_heartbeat(p, response);
  else take_key(p, request, response);
}
