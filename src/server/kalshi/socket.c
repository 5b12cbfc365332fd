/* A connection and its commands. One sid a channel; one seq a sid, over all its markets and including the answers to commands.
   Source: Kalshi API docs, AsyncAPI 2.0, "WebSocket connection" (2026-11). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/kalshi/impl.h"

#define COMMANDS_PER_S 10000
#define SHARDS_MAX 100

static const char *const channel_names[PMM__KX_CHANNEL_CNT] = {
  "orderbook_delta", "ticker",        "trade",          "fill",
  "market_positions", "user_orders",  "order_group_updates", "market_lifecycle_v2",
  "communications",  "cfbenchmarks_value", "cfbenchmarks_value_5hz"};

/* -- life of a connection -- */

int pmm__kx_upgrade_socket(pmm__kx_t *k, pmm_peer_t *peer, const pmm_request_t *http, char *refusal, size_t cap) {
  pmm__kx_member_t *member = NULL;
  if (strcmp(http->path, PMM__KX_SOCKET) != 0) {
    snprintf(refusal, cap, "{\"code\":\"not_found\"}");
    return 404;
  }
  int const status = pmm__kx_auth(k, http, &member);
  pmm__kx_peer_t *const p = status || !member ? NULL : calloc(1, sizeof *p);
  if (!p) { /* the flat body, whatever was wrong; public channels need keys as well */
    snprintf(refusal, cap, "{\"code\":\"token_authentication_failure\"}");
    return member ? 503 : 401;
  }
  p->peer = peer;
  p->member = member;
  p->ping_ns = k->now_ns + PMM__KX_PING_NS;
  p->next = k->peers;
  if (p->next) p->next->prev = p;
  k->peers = p;
  peer->user = p;
  return 0;
}

void pmm__kx_opened(pmm__kx_t *k, pmm__kx_peer_t *p) {
  p->open = true;
  pmm__kx_wake(k);
}

void pmm__kx_closed(pmm__kx_t *k, pmm__kx_peer_t *p) {
  if (p->prev) p->prev->next = p->next;
  else k->peers = p->next;
  if (p->next) p->next->prev = p->prev;
  free(p->sub);
  free(p);
}

int64_t pmm__kx_ping(pmm__kx_t *k) {
  int64_t next_ns = PMM_NS_MAX;
  for (pmm__kx_peer_t *p = k->peers, *after; p; p = after) {
    after = p->next;
    if (!p->open || p->dead) continue;
    if (p->ping_ns <= k->now_ns) {
      p->ping_ns = k->now_ns + PMM__KX_PING_NS;
      k->service.host_ops->ping(k->service.host, p->peer, "heartbeat", 9);
    }
    next_ns = pmm_min64(next_ns, p->ping_ns);
  }
  return next_ns;
}

/* -- frames -- */

void pmm__kx_send(pmm__kx_t *k, pmm__kx_peer_t *p) {
  size_t len;
  const char *const text = pmm_text_get(&k->frame, &len);
  if (p->dead || !p->open || len == 0) return;
  if (pmm_service_send(&k->service, p->peer, text, len) != PMM_OK) p->dead = true; /* too slow, or going: the host closes it */
}

pmm_text_t *pmm__kx_frame_begin(pmm__kx_t *k, pmm__kx_sub_t *s, const char *type, int64_t id, bool sequenced) {
  pmm_text_t *const t = &k->frame;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", type);
  if (id) pmm_text_int(t, "id", id);
  pmm_text_uint(t, "sid", s->sid);
  if (sequenced) pmm_text_uint(t, "seq", ++s->seq);
  pmm_text_object(t, "msg");
  return t;
}

void pmm__kx_frame_send(pmm__kx_t *k, pmm__kx_peer_t *p) {
  pmm_text_end(&k->frame);
  pmm_text_end(&k->frame);
  pmm__kx_send(k, p);
}

typedef struct command {
  pmm__kx_t *k;
  pmm__kx_peer_t *p;
  int64_t id;
  const pmm_json_node_t *params;
} command_t;

static void fail_with(const command_t *c, int code, const char *why, uint64_t sid) {
  pmm_text_t *const t = &c->k->frame;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "error");
  if (c->id) pmm_text_int(t, "id", c->id);
  if (sid) pmm_text_uint(t, "sid", sid);
  pmm_text_object(t, "msg");
  pmm_text_int(t, "code", code);
  pmm_text_string(t, "msg", why);
  pmm_text_end(t);
  pmm_text_end(t);
  pmm__kx_send(c->k, c->p);
}

static bool fail(const command_t *c, int code, const char *why) {
  fail_with(c, code, why, 0);
  return false;
}

/* -- parameters -- */

static bool read_int(const pmm_json_node_t *n, int64_t *out) {
  return n && n->type == PMM_JSON_NUMBER && pmm_decimal_parse(n->text, n->len, 0, out, NULL) == PMM_OK;
}

static bool flag(const command_t *c, const char *name) {
  const pmm_json_node_t *const n = pmm_json_get(c->params, name);
  return n && n->type == PMM_JSON_BOOL && n->text[0] == 't';
}

static void set_bit(pmm__kx_sub_t *s, uint32_t i, bool on) {
  uint64_t const bit = UINT64_C(1) << (i & 63);
  if (on) s->market[i >> 6] |= bit;
  else s->market[i >> 6] &= ~bit;
}

bool pmm__kx_has(const pmm__kx_sub_t *s, uint32_t i) { return s->all || (s->market[i >> 6] >> (i & 63) & 1); }

bool pmm__kx_wants(const pmm__kx_sub_t *s, pmm__kx_channel_t channel, uint32_t market) {
  return s->channel == channel && pmm__kx_has(s, market) && (s->shards == 0 || market % s->shards == s->shard);
}

static bool market_by_id(const pmm__kx_t *k, const char *uuid, uint32_t *index) {
  for (*index = 0; *index < k->market_cap; ++*index)
    if (k->market[*index].listed && strcmp(k->market[*index].uuid, uuid) == 0) return true;
  return false;
}

/* One name into the set: a ticker, an id of a market, or an index; index i of what it is. */
typedef enum name_kind { BY_TICKER, BY_MARKET_ID, BY_INDEX } name_kind_t;
static bool resolve(const command_t *c, const pmm_json_node_t *n, name_kind_t kind, uint32_t *index) {
  char text[PMM_ID_MAX];
  if (n->type != PMM_JSON_STRING || n->len == 0 || n->len >= sizeof text) return fail(c, 11, "invalid parameter");
  memcpy(text, n->text, n->len);
  text[n->len] = 0;
  int32_t const at = kind == BY_INDEX ? pmm__kx_index_find(c->k, text, n->len) : -1;
  bool const found = kind == BY_TICKER ? pmm__kx_find_market(c->k, text, index) : kind == BY_MARKET_ID ? market_by_id(c->k, text, index) : at >= 0;
  if (at >= 0) *index = (uint32_t)at;
  return found ? true : fail(c, 11, kind == BY_INDEX ? "invalid parameter: unknown index id" : "invalid parameter: unknown market");
}

/* Adds what `one` (a text) or `many` (texts) name; *any: something was named. */
static bool read_names(const command_t *c, const char *one, const char *many, name_kind_t kind, pmm__kx_sub_t *s, bool *any) {
  const pmm_json_node_t *const single = one ? pmm_json_get(c->params, one) : NULL, *const list = pmm_json_get(c->params, many);
  uint32_t i;
  if (single && single->type != PMM_JSON_NULL) {
    if (!resolve(c, single, kind, &i)) return false;
    set_bit(s, i, true);
    *any = true;
  }
  if (list && list->type != PMM_JSON_ARRAY && list->type != PMM_JSON_NULL) return fail(c, 11, "invalid parameter");
  for (const pmm_json_node_t *n = pmm_json_first(list); n; n = pmm_json_next(list, n)) {
    if (!resolve(c, n, kind, &i)) return false;
    set_bit(s, i, true);
    *any = true;
  }
  return true;
}

static bool read_indices(const command_t *c, pmm__kx_sub_t *s, bool *any) {
  const pmm_json_node_t *const list = pmm_json_get(c->params, "index_ids"), *const first = pmm_json_first(list);
  if (pmm_json_is(first, "all")) return s->all = *any = true;
  return read_names(c, NULL, "index_ids", BY_INDEX, s, any);
}

static bool read_shards(const command_t *c, pmm__kx_sub_t *s) {
  const pmm_json_node_t *const factor = pmm_json_get(c->params, "shard_factor"), *const key = pmm_json_get(c->params, "shard_key");
  int64_t f, at = 0;
  if (!factor) return key ? fail(c, 19, "shard_factor required") : true;
  if (!read_int(factor, &f) || f < 1 || f > SHARDS_MAX) return fail(c, 20, "shard_factor must be 1 to 100");
  if (key && (!read_int(key, &at) || at < 0 || at >= f)) return fail(c, 21, "shard_key must be below shard_factor");
  s->shards = (uint32_t)f;
  s->shard = (uint32_t)at;
  return true;
}

/* -- subscribe -- */

static int channel_of(const pmm_json_node_t *n) {
  for (int i = 0; i < PMM__KX_CHANNEL_CNT; i++)
    if (pmm_json_is(n, channel_names[i])) return i;
  return -1;
}

static bool is_index_channel(pmm__kx_channel_t channel) { return channel == PMM__KX_INDEX || channel == PMM__KX_INDEX_5HZ; }

static bool takes_markets(pmm__kx_channel_t channel) { return channel <= PMM__KX_ORDERS; }

/* What a channel would be with these parameters; s->channel is set. */
static bool prepare(const command_t *c, pmm__kx_sub_t *s) {
  bool any = false;
  if (is_index_channel(s->channel)) {
    if (!read_indices(c, s, &any)) return false;
    return any ? true : fail(c, 24, "index ids required");
  }
  if (takes_markets(s->channel)) {
    if (!read_names(c, "market_ticker", "market_tickers", BY_TICKER, s, &any)) return false;
    if (s->channel == PMM__KX_TICKER && !read_names(c, "market_id", "market_ids", BY_MARKET_ID, s, &any)) return false;
    if (s->channel == PMM__KX_BOOK && !any) return fail(c, 14, "market ticker required");
  }
  s->all = !any;
  s->yes_price = flag(c, "use_yes_price");
  s->quiet_ack = flag(c, "skip_ticker_ack");
  s->self_only = pmm_json_is(pmm_json_get(c->params, "user_filter"), "self");
  return read_shards(c, s);
}

static void start(const command_t *c, pmm__kx_sub_t *s) {
  pmm__kx_t *const k = c->k;
  pmm_text_t *const t = &k->frame;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "subscribed");
  if (c->id) pmm_text_int(t, "id", c->id);
  pmm_text_object(t, "msg");
  pmm_text_string(t, "channel", channel_names[s->channel]);
  pmm_text_uint(t, "sid", s->sid);
  pmm_text_end(t);
  pmm_text_end(t);
  pmm__kx_send(k, c->p);
  for (uint32_t i = 0; i < k->market_cap; i++) {
    if (!k->market[i].listed) continue;
    if (pmm__kx_wants(s, PMM__KX_BOOK, i)) pmm__kx_send_snapshot(k, c->p, s, i, 0);
    if (pmm__kx_wants(s, PMM__KX_TICKER, i) && flag(c, "send_initial_snapshot")) pmm__kx_send_ticker(k, c->p, s, i);
  }
}

/* All of its channels or none. */
static void subscribe(const command_t *c) {
  pmm__kx_peer_t *const p = c->p;
  pmm__kx_sub_t fresh[PMM__KX_CHANNEL_CNT];
  const pmm_json_node_t *const list = pmm_json_get(c->params, "channels");
  uint32_t cnt = 0;
  for (const pmm_json_node_t *n = pmm_json_first(list); n; n = pmm_json_next(list, n)) {
    int const channel = channel_of(n);
    if (channel < 0) return (void)fail(c, 8, "unknown channel");
    if (cnt == PMM__KX_CHANNEL_CNT) return (void)fail(c, 11, "invalid parameter: too many channels");
    fresh[cnt] = (pmm__kx_sub_t){.channel = (pmm__kx_channel_t)channel};
    if (!prepare(c, &fresh[cnt++])) return;
  }
  if (cnt == 0) return (void)fail(c, 3, "channels required");
  if (p->sub_cnt + cnt > PMM__KX_SUBS_MAX) return (void)fail(c, 26, "market limit exceeded");
  pmm__kx_sub_t *const grown = realloc(p->sub, (p->sub_cnt + cnt) * sizeof *grown);
  if (!grown) return (void)fail(c, 10, "channel error");
  p->sub = grown;
  for (uint32_t i = 0; i < cnt; i++) {
    pmm__kx_sub_t *const s = &p->sub[p->sub_cnt++];
    *s = fresh[i];
    s->sid = ++p->sid;
    start(c, s);
  }
}

/* -- unsubscribe, update_subscription, list_subscriptions -- */

static pmm__kx_sub_t *sub_of(pmm__kx_peer_t *p, int64_t sid) {
  for (uint32_t i = 0; i < p->sub_cnt; i++)
    if (p->sub[i].sid == (uint64_t)sid) return &p->sub[i];
  return NULL;
}

static void stop(const command_t *c, pmm__kx_sub_t *s) {
  pmm_text_t *const t = &c->k->frame;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "unsubscribed");
  if (c->id) pmm_text_int(t, "id", c->id);
  pmm_text_uint(t, "sid", s->sid);
  pmm_text_uint(t, "seq", s->seq + 1);
  pmm_text_end(t);
  *s = c->p->sub[--c->p->sub_cnt];
  pmm__kx_send(c->k, c->p);
}

static void unsubscribe(const command_t *c) {
  const pmm_json_node_t *const sids = pmm_json_get(c->params, "sids");
  if (!pmm_json_first(sids)) return (void)fail(c, 4, "subscription ids required");
  for (const pmm_json_node_t *n = pmm_json_first(sids); n; n = pmm_json_next(sids, n)) {
    int64_t sid = 0;
    pmm__kx_sub_t *const s = read_int(n, &sid) ? sub_of(c->p, sid) : NULL;
    if (s) stop(c, s);
    else fail_with(c, 7, "unknown subscription id", sid > 0 ? (uint64_t)sid : 0);
  }
}

static void acknowledge(const command_t *c, pmm__kx_sub_t *s) {
  pmm__kx_t *const k = c->k;
  pmm_text_t *const t = pmm__kx_frame_begin(k, s, "ok", c->id, true);
  if (is_index_channel(s->channel)) {
    pmm__kx_index_list(k, t, s);
  } else if (!s->quiet_ack) {
    pmm_text_array(t, "market_tickers");
    for (uint32_t i = 0; i < k->market_cap; i++)
      if (k->market[i].listed && pmm__kx_has(s, i) && !s->all) pmm_text_string(t, NULL, pmm_place_market(k->place, i)->id);
    pmm_text_end(t);
  }
  pmm__kx_frame_send(k, c->p);
}

/* Adds to what is followed, or takes away; of a book, what is new begins with a snapshot. */
static void change(const command_t *c, pmm__kx_sub_t *s, const pmm__kx_sub_t *named, bool add) {
  pmm__kx_t *const k = c->k;
  pmm__kx_sub_t const before = *s;
  if (!add && s->all) return (void)fail_with(c, 11, "invalid parameter: the subscription has no filter", s->sid);
  for (size_t w = 0; w < PMM_PLACE_MARKETS_MAX / 64; w++) s->market[w] = add ? s->market[w] | named->market[w] : s->market[w] & ~named->market[w];
  if (named->all) s->all = add;
  acknowledge(c, s);
  if (s->channel != PMM__KX_BOOK || !add) return;
  for (uint32_t i = 0; i < k->market_cap; i++)
    if (k->market[i].listed && pmm__kx_wants(s, PMM__KX_BOOK, i) && !pmm__kx_has(&before, i)) pmm__kx_send_snapshot(k, c->p, s, i, 0);
}

static void snapshots(const command_t *c, pmm__kx_sub_t *s, const pmm__kx_sub_t *named) {
  if (s->channel != PMM__KX_BOOK) return (void)fail_with(c, 13, "unsupported action", s->sid);
  for (uint32_t i = 0; i < c->k->market_cap; i++)
    if (pmm__kx_has(named, i) && !pmm__kx_has(s, i)) return (void)fail_with(c, 11, "invalid parameter: market is not subscribed", s->sid);
  for (uint32_t i = 0; i < c->k->market_cap; i++)
    if (pmm__kx_has(named, i)) pmm__kx_send_snapshot(c->k, c->p, s, i, c->id);
}

static pmm__kx_sub_t *one_sub(const command_t *c) {
  const pmm_json_node_t *const single = pmm_json_get(c->params, "sid"), *const list = pmm_json_get(c->params, "sids"),
                               *const first = pmm_json_first(list);
  int64_t sid = 0;
  bool const is_one = single ? !first : first && !pmm_json_next(list, first);
  if (!single && !first) return (void)fail(c, 4, "subscription ids required"), NULL;
  if (!is_one || !read_int(single ? single : first, &sid)) return (void)fail(c, 12, "exactly one subscription id required"), NULL;
  pmm__kx_sub_t *const s = sub_of(c->p, sid);
  if (!s) fail_with(c, 7, "unknown subscription id", sid > 0 ? (uint64_t)sid : 0);
  return s;
}

static void update_indices(const command_t *c, pmm__kx_sub_t *s, const pmm_json_node_t *action) {
  pmm__kx_sub_t named = {0};
  bool any = false;
  if (pmm_json_is(action, "indexlist")) {
    pmm_text_t *const t = pmm__kx_frame_begin(c->k, s, "cfbenchmarks_value_indexlist", c->id, true);
    pmm__kx_index_list(c->k, t, NULL);
    pmm__kx_frame_send(c->k, c->p);
    return;
  }
  bool const add = pmm_json_is(action, "subscribe_indices");
  if (!add && !pmm_json_is(action, "unsubscribe_indices")) return (void)fail_with(c, 13, "unsupported action", s->sid);
  if (!read_indices(c, &named, &any)) return;
  if (!any) return (void)fail(c, 24, "index ids required");
  if (!add && named.all) memset(s->market, 0, sizeof s->market), s->all = false;
  change(c, s, &named, add);
}

static void update(const command_t *c) {
  pmm__kx_sub_t named = {0}, *const s = one_sub(c);
  const pmm_json_node_t *const action = pmm_json_get(c->params, "action");
  bool any = false;
  if (!s) return;
  if (!action || action->type != PMM_JSON_STRING) return (void)fail(c, 15, "action required");
  if (is_index_channel(s->channel)) return update_indices(c, s, action);
  bool const add = pmm_json_is(action, "add_markets"), drop = pmm_json_is(action, "delete_markets"), get = pmm_json_is(action, "get_snapshot");
  if (!(add || drop || get) || !takes_markets(s->channel)) return (void)fail_with(c, 13, "unsupported action", s->sid);
  if (!read_names(c, get ? NULL : "market_ticker", "market_tickers", BY_TICKER, &named, &any)) return;
  if (!any) return (void)fail(c, 14, "market ticker required");
  if (get) snapshots(c, s, &named);
  else change(c, s, &named, add);
}

static void list(const command_t *c) {
  pmm_text_t *const t = &c->k->frame;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "ok");
  if (c->id) pmm_text_int(t, "id", c->id);
  pmm_text_array(t, "msg");
  for (uint32_t i = 0; i < c->p->sub_cnt; i++) {
    pmm_text_object(t, NULL);
    pmm_text_string(t, "channel", channel_names[c->p->sub[i].channel]);
    pmm_text_uint(t, "sid", c->p->sub[i].sid);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  pmm__kx_send(c->k, c->p);
}

static bool too_fast(pmm__kx_t *k, pmm__kx_peer_t *p) {
  int64_t const second = k->now_ns / PMM_NS_PER_S;
  if (p->second != second) p->second = second, p->commands = 0;
  return ++p->commands > COMMANDS_PER_S;
}

void pmm__kx_message(pmm__kx_t *k, pmm__kx_peer_t *p, const char *text, size_t len) {
  command_t c = {.k = k, .p = p};
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  if (too_fast(k, p)) return (void)fail(&c, 27, "too many requests");
  if (pmm_json_parse(k->json, text, len, &root, &at, &why) != PMM_OK || root->type != PMM_JSON_OBJECT)
    return (void)fail(&c, 1, "unable to process message");
  const pmm_json_node_t *const id = pmm_json_get(root, "id"), *const cmd = pmm_json_get(root, "cmd");
  if (id && id->type != PMM_JSON_NULL && !read_int(id, &c.id)) return (void)fail(&c, 1, "unable to process message");
  c.params = pmm_json_get(root, "params");
  if (pmm_json_is(cmd, "list_subscriptions")) return list(&c);
  bool const sub = pmm_json_is(cmd, "subscribe"), unsub = pmm_json_is(cmd, "unsubscribe");
  if (!sub && !unsub && !pmm_json_is(cmd, "update_subscription")) return (void)fail(&c, 5, "unknown command");
  if (!c.params || c.params->type != PMM_JSON_OBJECT) return (void)fail(&c, 2, "params required");
  if (sub) subscribe(&c);
  else if (unsub) unsubscribe(&c);
  else update(&c);
}
