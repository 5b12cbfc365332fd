/* faults.c -- a service that stands before another and misbehaves on demand. It is a service to its host and a host to the inner service;
   what it holds back (late answers, messages behind others) are timers in one heap, moved by `advance`. Chance comes from the seed, one
   draw of each kind per request and per message whatever the shares are, so that changing one share does not shift the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "net/heap.h"
#include "pmm/rng.h"
#include "pmm/service.h"

#define HELD_MAX ((size_t)4 << 20) /* bytes held back for one socket, each way; more and it is cut */
#define REORDER_NS PMM_NS_PER_S    /* a message held for the next one goes after so long without one */

typedef struct faulty faulty_t;
typedef enum item_kind { TO_CLIENT, TO_CLIENT_PING, CLOSE, TO_SERVICE, REPLY, DROP } item_kind_t;

typedef struct fpeer { /* a socket: the outer host's peer without, the inner service's within */
  pmm_peer_t inner;    /* first */
  faulty_t *faulty;
  pmm_peer_t *outer;
  bool ends, told;     /* a close is on its way; the host knows */
  int64_t last_ns[2];  /* order is kept: when the newest message to the client, to the service goes */
  size_t held[2];
  int64_t mute_ns, slow_ns; /* silent, unread until then */
  struct item *behind; /* waits for the next message */
  struct item *item;
  pmm_timer_t cut, mute, slow;
  struct fpeer *prev, *next;
} fpeer_t;

typedef enum fate { PASS, LOSE_ANSWER, ERROR_AFTER } fate_t;
typedef struct fcall {
  pmm_call_t inner; /* first */
  faulty_t *faulty;
  pmm_call_t *outer;
  uint8_t fate;
  bool is_inside;   /* the inner service has it */
  int error;
  struct item *item;
  struct fcall *prev, *next;
} fcall_t;

typedef struct item { /* held back */
  faulty_t *faulty;
  pmm_timer_t timer;
  uint8_t kind;
  fpeer_t *peer; fcall_t *call;
  int code;
  pmm_header_t *header; size_t header_cnt;
  struct item *prev, *next; /* of its peer or call */
  size_t len;
  char text[];      /* len bytes and PMM_JSON_PAD */
} item_t;

struct faulty {
  pmm_service_t base; /* first */
  pmm_service_t *inner;
  pmm_faults_params_t params;
  pmm_faults_bodies_t bodies;
  pmm_rng_t http, ws, sockets; /* streams of their own */
  pmm__heap_t heap;
  int64_t inner_ns;            /* when the inner service wants to be asked */
  fpeer_t *peer;
  fcall_t *call;
  pmm_faults_stats_t stats;
};

static int64_t now_of(faulty_t *f) { return f->base.host_ops->now(f->base.host); }
static bool chance(pmm_rng_t *rng, double share) { return pmm_rng_unit(rng) < share; }

/* -- items: made, sent, forgotten -- */

static void free_headers(pmm_header_t *header, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    free((char *)header[i].name);
    free((char *)header[i].value);
  }
  free(header);
}

static pmm_header_t *copy_headers(const pmm_header_t *header, size_t cnt) {
  pmm_header_t *const copy = calloc(cnt + 1, sizeof *copy);
  for (size_t i = 0; copy && i < cnt; i++) {
    copy[i] = (pmm_header_t){strdup(header[i].name), strdup(header[i].value)};
    if (copy[i].name && copy[i].value) continue;
    free_headers(copy, i + 1);
    return NULL;
  }
  return copy;
}

static item_t **list_of(item_t *item) { return item->peer ? &item->peer->item : &item->call->item; }

static void item_free(item_t *item) {
  pmm__heap_stop(&item->faulty->heap, &item->timer);
  if (item->prev) item->prev->next = item->next;
  else *list_of(item) = item->next;
  if (item->next) item->next->prev = item->prev;
  if (item->peer) item->peer->held[item->kind == TO_SERVICE] -= sizeof *item + item->len;
  if (item->peer && item->peer->behind == item) item->peer->behind = NULL;
  free_headers(item->header, item->header_cnt);
  free(item);
}

static void call_free(fcall_t *call) {
  while (call->item) item_free(call->item);
  if (call->prev) call->prev->next = call->next;
  else call->faulty->call = call->next;
  if (call->next) call->next->prev = call->prev;
  free(call);
}

static void peer_free(fpeer_t *peer) {
  while (peer->item) item_free(peer->item);
  pmm__heap_stop(&peer->faulty->heap, &peer->cut);
  pmm__heap_stop(&peer->faulty->heap, &peer->mute);
  pmm__heap_stop(&peer->faulty->heap, &peer->slow);
  if (peer->prev) peer->prev->next = peer->next;
  else peer->faulty->peer = peer->next;
  if (peer->next) peer->next->prev = peer->prev;
  free(peer);
}

/* Cuts a socket: nothing held back for it goes any more; the host tells when it is over. */
static void cut(fpeer_t *peer) {
  if (peer->told) return;
  peer->ends = peer->told = true;
  while (peer->item) item_free(peer->item);
  peer->faulty->base.host_ops->close(peer->faulty->base.host, peer->outer, 1006, "");
}

static void to_service(fpeer_t *peer, bool is_pong, const char *text, size_t len) {
  pmm_service_t *const inner = peer->faulty->inner;
  if (peer->ends) return;
  if (!is_pong) inner->ops->message(inner, &peer->inner, text, len);
  else if (inner->ops->pong) inner->ops->pong(inner, &peer->inner, text, len);
}

static void item_go(item_t *item) {
  faulty_t *const f = item->faulty;
  const pmm_host_ops_t *const out = f->base.host_ops;
  void *const host = f->base.host;
  fpeer_t *const peer = item->peer;
  switch ((item_kind_t)item->kind) {
  case TO_CLIENT: out->send(host, peer->outer, item->text, item->len); break;
  case TO_CLIENT_PING: out->ping(host, peer->outer, item->text, item->len); break;
  case CLOSE:
    peer->told = true;
    out->close(host, peer->outer, item->code, item->text);
    break;
  case TO_SERVICE: to_service(peer, item->code != 0, item->text, item->len); break;
  case REPLY: out->reply(host, item->call->outer, item->code, item->header, item->header_cnt, item->text, item->len); break;
  case DROP: out->drop(host, item->call->outer); break;
  }
}

static void on_item(void *ctx) {
  item_t *const item = ctx;
  fcall_t *const call = item->call;
  fpeer_t *const peer = item->peer;
  bool const was_behind = peer && peer->behind == item;
  if (was_behind) peer->behind = NULL;
  /* Out of its list first: what it sets off may end the socket and with it all that is listed. */
  pmm__heap_stop(&item->faulty->heap, &item->timer);
  if (item->prev) item->prev->next = item->next;
  else *list_of(item) = item->next;
  if (item->next) item->next->prev = item->prev;
  if (peer) peer->held[item->kind == TO_SERVICE] -= sizeof *item + item->len;
  item_go(item);
  free_headers(item->header, item->header_cnt);
  free(item);
  if (call) call_free(call);
}

static item_t *item_new(faulty_t *f, item_kind_t kind, fpeer_t *peer, fcall_t *call, int code, const char *text, size_t len) {
  item_t *const item = calloc(1, sizeof *item + len + PMM_JSON_PAD);
  if (!item) return NULL;
  *item = (item_t){.faulty = f, .kind = (uint8_t)kind, .peer = peer, .call = call, .code = code, .len = len, .timer = {.fn = on_item, .ctx = item}};
  if (len > 0) memcpy(item->text, text, len);
  item_t **const list = list_of(item);
  item->next = *list;
  if (*list) (*list)->prev = item;
  *list = item;
  if (peer) peer->held[kind == TO_SERVICE] += sizeof *item + len;
  return item;
}

static bool hold(item_t *item, int64_t at_ns) {
  faulty_t *const f = item->faulty;
  if (pmm__heap_set(&f->heap, &item->timer, at_ns) != PMM_OK) {
    item_free(item);
    return false;
  }
  f->base.host_ops->wake(f->base.host);
  return true;
}

/* -- sockets: messages to clients -- */

static int64_t delay(faulty_t *f, pmm_rng_t *rng) {
  int64_t const jitter = (int64_t)(pmm_rng_unit(rng) * (double)f->params.delay_jitter_ns);
  return f->params.delay_ns + jitter;
}

/* In order with what is already held, and not while the socket is mute. */
static pmm_status_t to_client(fpeer_t *peer, item_kind_t kind, int code, const char *text, size_t len, int64_t late_ns) {
  faulty_t *const f = peer->faulty;
  int64_t const now_ns = now_of(f), at_ns = pmm_max64(pmm_max64(now_ns + late_ns, peer->mute_ns), peer->last_ns[0]);
  if (at_ns <= now_ns && !peer->item && kind == TO_CLIENT) return f->base.host_ops->send(f->base.host, peer->outer, text, len);
  item_t *const item = peer->held[0] + len <= HELD_MAX ? item_new(f, kind, peer, NULL, code, text, len) : NULL;
  if (!item || !hold(item, at_ns)) {
    cut(peer);
    return PMM_FULL;
  }
  peer->last_ns[0] = at_ns;
  return PMM_OK;
}

/* A message that let another go before it follows at the same time. */
static void release_behind(fpeer_t *peer) {
  item_t *const behind = peer->behind;
  if (!behind) return;
  peer->behind = NULL;
  int64_t const at_ns = pmm_max64(now_of(peer->faulty), peer->last_ns[0]);
  if (hold(behind, at_ns)) peer->last_ns[0] = at_ns;
}

static bool put_behind(fpeer_t *peer, const char *text, size_t len) {
  item_t *const item = peer->held[0] + len <= HELD_MAX ? item_new(peer->faulty, TO_CLIENT, peer, NULL, 0, text, len) : NULL;
  if (!item || !hold(item, pmm_max64(now_of(peer->faulty), peer->last_ns[0]) + REORDER_NS)) return false;
  peer->behind = item;
  return true;
}

static pmm_status_t host_send(void *ctx, pmm_peer_t *inner, const char *text, size_t len) {
  faulty_t *const f = ctx;
  fpeer_t *const peer = (fpeer_t *)inner;
  if (peer->ends) return PMM_STATE;
  int64_t const late_ns = delay(f, &f->ws);
  bool const lose = chance(&f->ws, f->params.lose), reorder = chance(&f->ws, f->params.reorder), duplicate = chance(&f->ws, f->params.duplicate);
  if (lose) {
    f->stats.lost++;
    return PMM_OK;
  }
  if (reorder && !peer->behind && put_behind(peer, text, len)) {
    f->stats.reordered++;
    return PMM_OK;
  }
  pmm_status_t st = to_client(peer, TO_CLIENT, 0, text, len, late_ns);
  if (duplicate && st == PMM_OK) {
    f->stats.duplicated++;
    st = to_client(peer, TO_CLIENT, 0, text, len, late_ns);
  }
  if (st == PMM_OK) release_behind(peer);
  return st;
}

static void host_ping(void *ctx, pmm_peer_t *inner, const char *payload, size_t len) {
  faulty_t *const f = ctx;
  fpeer_t *const peer = (fpeer_t *)inner;
  if (peer->ends) return;
  if (!peer->item && now_of(f) >= peer->mute_ns && f->params.delay_ns == 0) f->base.host_ops->ping(f->base.host, peer->outer, payload, len);
  else to_client(peer, TO_CLIENT_PING, 0, payload, len, f->params.delay_ns);
}

static void host_close(void *ctx, pmm_peer_t *inner, int code, const char *why) {
  faulty_t *const f = ctx;
  fpeer_t *const peer = (fpeer_t *)inner;
  if (peer->ends) return;
  release_behind(peer);
  bool const at_once = !peer->item;
  peer->ends = true;
  if (at_once) {
    peer->told = true;
    f->base.host_ops->close(f->base.host, peer->outer, code, why ? why : "");
  } else to_client(peer, CLOSE, code, why ? why : "", why ? strlen(why) : 0, 0);
}

/* -- sockets: what befalls them -- */

static void arm(fpeer_t *peer, pmm_timer_t *timer, double per_s) {
  faulty_t *const f = peer->faulty;
  double const wait_s = pmm_rng_exponential(&f->sockets, 1); /* drawn whether or not the rate is 0 */
  if (per_s <= 0 || wait_s / per_s > 1e9) pmm__heap_stop(&f->heap, timer);
  else if (pmm__heap_set(&f->heap, timer, now_of(f) + (int64_t)(wait_s / per_s * 1e9)) == PMM_OK) f->base.host_ops->wake(f->base.host);
}

static void on_cut(void *ctx) {
  fpeer_t *const peer = ctx;
  if (peer->told) return;
  peer->faulty->stats.disconnects++;
  cut(peer);
}

static void on_mute(void *ctx) {
  fpeer_t *const peer = ctx;
  peer->faulty->stats.mutes++;
  peer->mute_ns = now_of(peer->faulty) + peer->faulty->params.mute_ns;
  arm(peer, &peer->mute, peer->faulty->params.mute_per_s);
}

static void on_slow(void *ctx) {
  fpeer_t *const peer = ctx;
  peer->faulty->stats.slowed++;
  peer->slow_ns = now_of(peer->faulty) + peer->faulty->params.slow_ns;
  arm(peer, &peer->slow, peer->faulty->params.slow_read_per_s);
}

static void arm_all(fpeer_t *peer) {
  const pmm_faults_params_t *const p = &peer->faulty->params;
  arm(peer, &peer->cut, p->disconnect_per_s);
  arm(peer, &peer->mute, p->mute_per_s);
  arm(peer, &peer->slow, p->slow_read_per_s);
}

/* -- sockets: from the host to the inner service -- */

static int on_upgrade(pmm_service_t *service, pmm_peer_t *outer, const pmm_request_t *request, char *refusal, size_t cap) {
  faulty_t *const f = (faulty_t *)service;
  fpeer_t *const peer = calloc(1, sizeof *peer);
  if (!peer) return 503;
  *peer = (fpeer_t){.faulty = f, .outer = outer, .cut = {.fn = on_cut, .ctx = peer}, .mute = {.fn = on_mute, .ctx = peer}, .slow = {.fn = on_slow, .ctx = peer}, .next = f->peer};
  if (f->peer) f->peer->prev = peer;
  f->peer = peer;
  int const http = f->inner->ops->upgrade(f->inner, &peer->inner, request, refusal, cap);
  if (http != 0) {
    peer_free(peer);
    return http;
  }
  outer->user = peer;
  return 0;
}

static void on_opened(pmm_service_t *service, pmm_peer_t *outer) {
  faulty_t *const f = (faulty_t *)service;
  fpeer_t *const peer = outer->user;
  arm_all(peer);
  if (f->inner->ops->opened) f->inner->ops->opened(f->inner, &peer->inner);
}

static void from_client(fpeer_t *peer, bool is_pong, const char *text, size_t len) {
  int64_t const now_ns = now_of(peer->faulty), at_ns = pmm_max64(peer->slow_ns, peer->last_ns[1]);
  if (at_ns <= now_ns && peer->held[1] == 0) {
    to_service(peer, is_pong, text, len);
    return;
  }
  item_t *const item = peer->held[1] + len <= HELD_MAX ? item_new(peer->faulty, TO_SERVICE, peer, NULL, is_pong, text, len) : NULL;
  if (!item || !hold(item, pmm_max64(at_ns, now_ns))) cut(peer);
  else peer->last_ns[1] = pmm_max64(at_ns, now_ns);
}

static void on_message(pmm_service_t *service, pmm_peer_t *outer, const char *text, size_t len) {
  (void)service;
  from_client(outer->user, false, text, len);
}

static void on_pong(pmm_service_t *service, pmm_peer_t *outer, const char *payload, size_t len) {
  (void)service;
  from_client(outer->user, true, payload, len);
}

static void on_closed(pmm_service_t *service, pmm_peer_t *outer) {
  faulty_t *const f = (faulty_t *)service;
  fpeer_t *const peer = outer->user;
  peer->ends = true;
  while (peer->item) item_free(peer->item);
  f->inner->ops->closed(f->inner, &peer->inner);
  peer_free(peer);
}

/* -- requests -- */

static const char *error_body(const faulty_t *f) { return f->bodies.error ? f->bodies.error : "{\"error\":\"fault\"}"; }
static const char *limited_body(const faulty_t *f) { return f->bodies.rate_limited ? f->bodies.rate_limited : "{\"error\":\"rate limited\"}"; }

/* To the client, late by the delay; out of memory, its connection is cut. */
static void answer(fcall_t *call, item_kind_t kind, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  faulty_t *const f = call->faulty;
  const pmm_host_ops_t *const out = f->base.host_ops;
  int64_t const late_ns = delay(f, &f->http);
  if (late_ns > 0) {
    item_t *const item = item_new(f, kind, NULL, call, http, body, len);
    if (item) item->header = copy_headers(header, header_cnt);
    if (item && item->header) item->header_cnt = header_cnt;
    if (item && (item->header || header_cnt == 0) && hold(item, now_of(f) + late_ns)) return;
    out->drop(f->base.host, call->outer);
  } else if (kind == DROP) out->drop(f->base.host, call->outer);
  else out->reply(f->base.host, call->outer, http, header, header_cnt, body, len);
  call_free(call);
}

static void host_reply(void *ctx, pmm_call_t *inner, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  faulty_t *const f = ctx;
  fcall_t *const call = (fcall_t *)inner;
  call->is_inside = false;
  if (call->fate == LOSE_ANSWER) f->stats.lost_answers++; /* the client's own time-out ends it */
  else if (call->fate == ERROR_AFTER) {
    f->stats.errors++;
    answer(call, REPLY, call->error, NULL, 0, error_body(f), strlen(error_body(f)));
  } else answer(call, REPLY, http, header, header_cnt, body, len);
}

static void host_drop(void *ctx, pmm_call_t *inner) {
  (void)ctx;
  ((fcall_t *)inner)->is_inside = false;
  answer((fcall_t *)inner, DROP, 0, NULL, 0, "", 0);
}

static fcall_t *call_new(faulty_t *f, pmm_call_t *outer) {
  fcall_t *const call = calloc(1, sizeof *call);
  if (!call) return NULL;
  *call = (fcall_t){.faulty = f, .outer = outer, .next = f->call};
  if (f->call) f->call->prev = call;
  f->call = call;
  outer->user = call;
  return call;
}

static void on_http(pmm_service_t *service, pmm_call_t *outer, const pmm_request_t *request) {
  static const int codes[] = {500, 502, 503, 504};
  faulty_t *const f = (faulty_t *)service;
  const pmm_faults_params_t *const p = &f->params;
  fcall_t *const call = call_new(f, outer);
  f->stats.requests++;
  bool const drop = chance(&f->http, p->drop_request), restart = chance(&f->http, p->restart_425), limited = chance(&f->http, p->rate_limited);
  bool const before = chance(&f->http, p->error_5xx), lose = chance(&f->http, p->drop_answer), after = chance(&f->http, p->error_5xx_after);
  int const code = codes[pmm_rng_below(&f->http, 4)];
  if (!call) {
    f->base.host_ops->drop(f->base.host, outer);
  } else if (drop) {
    f->stats.dropped++;
  } else if (restart) {
    f->stats.errors++;
    answer(call, REPLY, 425, NULL, 0, error_body(f), strlen(error_body(f)));
  } else if (limited) {
    f->stats.limited++;
    answer(call, REPLY, 429, f->bodies.header, f->bodies.header_cnt, limited_body(f), strlen(limited_body(f)));
  } else if (before) {
    f->stats.errors++;
    answer(call, REPLY, code, NULL, 0, error_body(f), strlen(error_body(f)));
  } else {
    call->fate = lose ? LOSE_ANSWER : after ? ERROR_AFTER : PASS;
    call->error = code;
    call->is_inside = true;
    f->inner->ops->http(f->inner, &call->inner, request);
  }
}

static void on_gone(pmm_service_t *service, pmm_call_t *outer) {
  faulty_t *const f = (faulty_t *)service;
  fcall_t *const call = outer->user;
  if (call->is_inside && f->inner->ops->gone) f->inner->ops->gone(f->inner, &call->inner);
  call_free(call);
}

/* -- time -- */

static int64_t on_advance(pmm_service_t *service, int64_t now_ns) {
  faulty_t *const f = (faulty_t *)service;
  while (pmm__heap_next(&f->heap) <= now_ns) {
    pmm_timer_t *const timer = pmm__heap_pop(&f->heap);
    timer->fn(timer->ctx);
  }
  if (f->inner_ns <= now_ns) {
    int64_t const next_ns = f->inner->ops->advance(f->inner, now_ns);
    f->inner_ns = next_ns; /* what it asked for meanwhile is in the answer */
  }
  return pmm_min64(f->inner_ns, pmm__heap_next(&f->heap));
}

static int64_t host_now(void *ctx) { return now_of(ctx); }

static void host_wake(void *ctx) {
  faulty_t *const f = ctx;
  f->inner_ns = INT64_MIN;
  f->base.host_ops->wake(f->base.host);
}

static const pmm_host_ops_t inner_host = {.reply = host_reply, .drop = host_drop, .send = host_send, .ping = host_ping, .close = host_close, .now = host_now, .wake = host_wake};
static const pmm_service_ops_t faulty_ops = {.name = "faults", .http = on_http, .gone = on_gone, .upgrade = on_upgrade, .opened = on_opened, .message = on_message,
                                             .pong = on_pong, .closed = on_closed, .advance = on_advance};

/* -- the outside -- */

pmm_status_t pmm_faults_open(pmm_service_t **out, pmm_service_t *inner, const pmm_faults_params_t *params, const pmm_faults_bodies_t *bodies, pmm_error_t *err) {
  faulty_t *const f = calloc(1, sizeof *f);
  if (!f) return pmm_error_set(err, PMM_FULL, "faults: out of memory");
  *f = (faulty_t){.base.ops = &faulty_ops, .inner = inner, .params = *params, .inner_ns = INT64_MIN};
  if (bodies) f->bodies = *bodies;
  pmm_rng_t root;
  pmm_rng_seed(&root, params->seed);
  f->http = pmm_rng_fork(&root, 1);
  f->ws = pmm_rng_fork(&root, 2);
  f->sockets = pmm_rng_fork(&root, 3);
  inner->host_ops = &inner_host;
  inner->host = f;
  *out = &f->base;
  return PMM_OK;
}

void pmm_faults_set(pmm_service_t *faulty, const pmm_faults_params_t *params) {
  faulty_t *const f = (faulty_t *)faulty;
  f->params = *params;
  for (fpeer_t *peer = f->peer; peer; peer = peer->next) arm_all(peer);
}

void pmm_faults_close(pmm_service_t *faulty) {
  faulty_t *const f = (faulty_t *)faulty;
  if (!f) return;
  while (f->call) call_free(f->call);
  while (f->peer) peer_free(f->peer);
  pmm__heap_fini(&f->heap);
  free(f);
}

const pmm_faults_stats_t *pmm_faults_stats(const pmm_service_t *faulty) { return &((const faulty_t *)faulty)->stats; }
