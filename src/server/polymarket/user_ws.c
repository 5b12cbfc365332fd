/* The user channel: an account's orders and trades, to every socket that has shown a key of it. */
#include <string.h>
#include "server/polymarket/impl.h"

enum { NOTE_CANCELLED = 1, NOTE_FILLED = 2, NOTE_RESOLVED = 4 };

static pmm__pd_member_t *member_at(pmm__pd_t *d, uint32_t account) {
  for (uint32_t i = 0; i < d->member_cnt; i++)
    if (d->member[i].account == account) return &d->member[i];
  return NULL;
}

static void tell(pmm__pd_t *d, const pmm__pd_member_t *member, uint32_t market) {
  for (pmm__pd_sock_t *s = d->socks, *next; s; s = next) {
    next = s->next;
    if (!s->user || !s->subscribed || d->key[s->key].member != (uint32_t)(member - d->member)) continue;
    if (s->all || pmm__pd_has(s, market * 2)) pmm__pd_sock_send(d, s, &d->message);
  }
}

static void note_add(pmm__pd_member_t *m, uint8_t type, uint64_t order, uint32_t market) {
  m->note[m->note_cnt % PMM__PD_NOTES_MAX] = (pmm__pd_note_t){.id = m->note_cnt + 1, .type = type, .order = order, .market = market};
  m->note_cnt++;
}

/* -- orders -- */
static void tell_order(pmm__pd_t *d, const pmm__pd_member_t *member, const pmm_place_order_t *o, const char *type, const char *status,
                       int64_t matched_e6, int64_t at_ns) {
  static const char *const types[] = {"GTC", "GTD", "FOK", "FAK"};
  const pmm_market_t *const m = pmm_place_market(d->place, o->market);
  const pmm__pd_extra_t *const extra = pmm__pd_extra(d, o);
  int const outcome = pmm__pd_route_outcome(o->route);
  pmm_text_t *const t = &d->message;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "event_type", "order");
  pmm_text_string(t, "id", o->id);
  pmm__pd_put_owner(d, t, "owner", o);
  pmm__pd_put_owner(d, t, "order_owner", o);
  pmm_text_string(t, "market", m->id);
  pmm_text_string(t, "asset_id", pmm__pd_token(m, outcome));
  pmm_text_string(t, "side", pmm__pd_route_side(o->route));
  pmm_text_decimal(t, "original_size", o->qty_e6, 6, 0);
  pmm_text_decimal(t, "size_matched", matched_e6, 6, 0);
  pmm_text_decimal(t, "price", pmm__pd_price(outcome, o->price_e4), 4, 0);
  pmm_text_string(t, "outcome", pmm__pd_outcome(outcome));
  pmm__pd_put_trade_ids(d, t, "associate_trades", o);
  pmm_text_string(t, "type", type);
  pmm__pd_put_s(t, "created_at", o->created_ns);
  pmm__pd_put_s(t, "expiration", extra->expiration_s * PMM_NS_PER_S);
  pmm_text_string(t, "order_type", types[extra->type]);
  pmm_text_string(t, "status", status);
  pmm__pd_put_maker(d, t, "maker_address", o);
  pmm__pd_put_ms(t, "timestamp", at_ns);
  pmm_text_end(t);
  tell(d, member, o->market);
}

/* An order's state is told as what changed since it was told last: that it is there, that it filled, that it is gone. */
static void on_order(pmm__pd_t *d, pmm__pd_member_t *member, const pmm_place_order_t *o, int64_t at_ns) {
  pmm__pd_extra_t *const x = o->tag != 0 && o->tag <= d->extra_cnt ? &d->extra[o->tag - 1] : NULL;
  if (!x || o->status == PMM_PLACE_REJECTED) return;
  if (!x->told) {
    x->told = true;
    tell_order(d, member, o, "PLACEMENT", "LIVE", 0, at_ns);
  }
  if (o->filled_e6 > x->told_filled_e6) {
    x->told_filled_e6 = o->filled_e6;
    tell_order(d, member, o, "UPDATE", o->status == PMM_PLACE_FILLED ? "MATCHED" : "LIVE", o->filled_e6, at_ns);
  }
  if ((o->status == PMM_PLACE_CANCELLED || o->status == PMM_PLACE_EXPIRED) && !x->told_end) {
    x->told_end = true;
    tell_order(d, member, o, "CANCELLATION", pmm__pd_order_status(o), o->filled_e6, at_ns);
    if (o->reason != PMM_REJECT_USER && o->tif <= PMM_GTD) note_add(member, NOTE_CANCELLED, o->seq, o->market);
  }
}

/* -- trades -- */
static void tell_trade(pmm__pd_t *d, const pmm__pd_member_t *member, const pmm_place_trade_t *trade, uint8_t settle, int64_t at_ns) {
  pmm_text_t *const t = &d->message;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "event_type", "trade");
  pmm_text_string(t, "type", "TRADE");
  pmm__pd_put_trade(d, t, trade, member->account, settle, true);
  pmm__pd_put_ms(t, "timestamp", at_ns);
  pmm_text_end(t);
  tell(d, member, trade->market);
}

static bool is_other_half(const pmm__pd_t *d, const pmm_place_fill_t *fill, const pmm_place_trade_t *trade) { /* with oneself: told to the taker */
  return fill && fill->maker && pmm_place_order_at(d->place, trade->taker)->account == fill->account;
}

/* Where matches are final at once the whole way is told. */
static void on_fill(pmm__pd_t *d, pmm__pd_member_t *member, const pmm_place_fill_t *fill, int64_t at_ns) {
  const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, fill->trade);
  if (fill->maker) note_add(member, NOTE_FILLED, fill->order, fill->market);
  if (is_other_half(d, fill, trade)) return;
  tell_trade(d, member, trade, PMM_PLACE_MATCHED, at_ns);
  if (trade->settle != PMM_PLACE_CONFIRMED) return;
  tell_trade(d, member, trade, PMM_PLACE_MINED, at_ns);
  tell_trade(d, member, trade, PMM_PLACE_CONFIRMED, at_ns);
}

static void on_settle(pmm__pd_t *d, const pmm__pd_member_t *member, const pmm_place_event_t *e) {
  if (!is_other_half(d, e->fill, e->trade)) tell_trade(d, member, e->trade, e->trade->settle, e->at_ns);
}

void pmm__pd_user_event(pmm__pd_t *d, const pmm_place_event_t *e) {
  pmm__pd_member_t *const member = member_at(d, e->account);
  if (!member) return;
  if (e->kind == PMM_PLACE_EV_ORDER) on_order(d, member, e->order, e->at_ns);
  else if (e->kind == PMM_PLACE_EV_FILL) on_fill(d, member, e->fill, e->at_ns);
  else if (e->kind == PMM_PLACE_EV_SETTLE) on_settle(d, member, e);
  else if (e->market < pmm_place_market_cnt(d->place) && pmm_place_market(d->place, e->market)->life == PMM_LIFE_RESOLVED)
    note_add(member, NOTE_RESOLVED, 0, e->market);
}

/* -- what clients say -- */
static bool let_in(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_json_node_t *auth) {
  char id[PMM__PD_UUID], secret[128], passphrase[128];
  if (!pmm__pd_text_of(pmm_json_get(auth, "apiKey"), id, sizeof id) || !pmm__pd_text_of(pmm_json_get(auth, "secret"), secret, sizeof secret) ||
      !pmm__pd_text_of(pmm_json_get(auth, "passphrase"), passphrase, sizeof passphrase))
    return false;
  pmm__pd_key_t *const key = pmm__pd_key_find(d, id);
  if (!key || !pmm__pd_key_is(key, secret, passphrase)) return false;
  sock->key = (uint32_t)(key - d->key);
  return true;
}

static void mark_markets(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_json_node_t *list, bool on) {
  char id[PMM_ID_MAX];
  uint32_t market;
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e))
    if (pmm__pd_text_of(e, id, sizeof id) && pmm__pd_condition_find(d, id, &market)) pmm__pd_put(sock, market * 2, on);
}

void pmm__pd_user_message(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_json_node_t *root) {
  const pmm_json_node_t *const markets = pmm_json_get(root, "markets");
  if (sock->key == PMM__PD_NO_KEY && !let_in(d, sock, pmm_json_get(root, "auth"))) {
    d->service.host_ops->close(d->service.host, sock->peer, 1008, "unauthorized");
    return;
  }
  if (pmm_json_get(root, "operation")) return mark_markets(d, sock, markets, !pmm_json_is(pmm_json_get(root, "operation"), "unsubscribe"));
  sock->all = !pmm_json_first(markets);
  sock->subscribed = true;
  mark_markets(d, sock, markets, true);
}
