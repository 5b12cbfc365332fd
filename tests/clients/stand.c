/* A dialect on a port of its own, for the official clients' tests: a place, members, markets, and a look into the ledger.

     client_stand kalshi|polymarket [--member NAME KEY_ID PEM CASH]... [--market TICKER]...

   Prints the port, then serves until its standard input ends. GET /admin/accounts/NAME tells cash, what is locked, holdings and open orders as
   the place has them, apart from anything the dialect says. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "pmm/decimal.h"
#include "pmm/server.h"
#include "server/text.h"

#define ITEMS_MAX 16

typedef struct stand {
  pmm_service_t service;             /* first: what the host talks to */
  pmm_service_t *inner;
  pmm_place_t *place;
  pmm_text_t out;
} stand_t;

static stand_t *of(pmm_service_t *service) { return (stand_t *)(void *)service; }

/* The dialect answers through the same host. */
static pmm_service_t *inner(pmm_service_t *service) {
  pmm_service_t *const in = of(service)->inner;
  in->host_ops = service->host_ops;
  in->host = service->host;
  return in;
}

/* -- the ledger -- */

static void put_order(pmm_text_t *t, const pmm_place_t *place, const pmm_place_order_t *o) {
  pmm_text_object(t, NULL);
  pmm_text_string(t, "id", o->id);
  pmm_text_string(t, "client_id", o->client_id);
  pmm_text_string(t, "market", pmm_place_market(place, o->market)->id);
  pmm_text_string(t, "side", pmm_route_side((pmm_route_t)o->route) == PMM_BID ? "bid" : "ask");
  pmm_text_decimal(t, "price", o->price_e4, 4, 4);
  pmm_text_decimal(t, "open", o->open_e6, 6, 2);
  pmm_text_decimal(t, "filled", o->filled_e6, 6, 2);
  pmm_text_end(t);
}

static void put_holding(pmm_text_t *t, const pmm_place_t *place, uint32_t account, uint32_t market) {
  pmm_place_holding_t h;
  pmm_place_holding(place, account, market, &h);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "market", pmm_place_market(place, market)->id);
  pmm_text_decimal(t, "yes", h.yes_e6, 6, 2);
  pmm_text_decimal(t, "no", h.no_e6, 6, 2);
  pmm_text_decimal(t, "fees", h.fees_e6, 6, 6);
  pmm_text_end(t);
}

static void put_account(stand_t *s, uint32_t account) {
  pmm_text_t *const t = &s->out;
  int64_t locked_e6, cash_e6 = pmm_place_cash(s->place, account, &locked_e6);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "name", pmm_place_account_name(s->place, account));
  pmm_text_decimal(t, "cash", cash_e6, 6, 6);
  pmm_text_decimal(t, "locked", locked_e6, 6, 6);
  pmm_text_array(t, "holdings");
  for (uint32_t i = 0; i < pmm_place_market_cnt(s->place); i++) put_holding(t, s->place, account, i);
  pmm_text_end(t);
  pmm_text_array(t, "orders");
  for (const pmm_place_order_t *o = pmm_place_open_after(s->place, account, 0); o; o = pmm_place_open_after(s->place, account, o->seq))
    put_order(t, s->place, o);
  pmm_text_end(t);
  pmm_text_end(t);
}

static void on_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *request) {
  static const char admin[] = "/admin/accounts/";
  stand_t *const s = of(service);
  if (strncmp(request->path, admin, sizeof admin - 1) != 0) return inner(service)->ops->http(s->inner, call, request);
  uint32_t a = 0;
  while (a < pmm_place_account_cnt(s->place) && strcmp(pmm_place_account_name(s->place, a), request->path + sizeof admin - 1) != 0) a++;
  pmm_text_clear(&s->out);
  if (a < pmm_place_account_cnt(s->place)) put_account(s, a);
  size_t len;
  const char *const body = pmm_text_get(&s->out, &len);
  pmm_service_reply(service, call, len ? 200 : 404, body, len);
}

/* -- everything else is the dialect's -- */

static void on_gone(pmm_service_t *s, pmm_call_t *call) { if (inner(s)->ops->gone) of(s)->inner->ops->gone(of(s)->inner, call); }
static int on_upgrade(pmm_service_t *s, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap) {
  return inner(s)->ops->upgrade(of(s)->inner, peer, request, refusal, cap);
}
static void on_opened(pmm_service_t *s, pmm_peer_t *peer) { if (inner(s)->ops->opened) of(s)->inner->ops->opened(of(s)->inner, peer); }
static void on_message(pmm_service_t *s, pmm_peer_t *peer, const char *text, size_t len) { inner(s)->ops->message(of(s)->inner, peer, text, len); }
static void on_pong(pmm_service_t *s, pmm_peer_t *peer, const char *payload, size_t len) {
  if (inner(s)->ops->pong) of(s)->inner->ops->pong(of(s)->inner, peer, payload, len);
}
static void on_closed(pmm_service_t *s, pmm_peer_t *peer) { inner(s)->ops->closed(of(s)->inner, peer); }
static int64_t on_advance(pmm_service_t *s, int64_t now_ns) { return inner(s)->ops->advance(of(s)->inner, now_ns); }

static const pmm_service_ops_t stand_ops = {"stand", on_http, on_gone, on_upgrade, on_opened, on_message, on_pong, on_closed, on_advance};

/* -- putting it together -- */

static void fail(const char *what, const pmm_error_t *err) {
  fprintf(stderr, "client_stand: %s: %s\n", what, err->text);
  exit(1);
}

static int64_t wall_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * PMM_NS_PER_S + t.tv_nsec;
}

static void add_market(stand_t *s, const pmm_dialect_ops_t *dialect, const char *id) {
  pmm_error_t err = {0};
  pmm_market_t market;
  pmm_listing_params_t listing = {.tick_e4 = 100, .duration_ns = INT64_C(86400) * PMM_NS_PER_S, .taker_rate = -1, .maker_rate = -1};
  uint32_t index;
  snprintf(listing.id, sizeof listing.id, "%s", id);
  snprintf(listing.title, sizeof listing.title, "Will %s be so?", id);
  int64_t const now_ns = wall_now();
  if (dialect->market(&listing, now_ns, 1, &market, &err) != PMM_OK || pmm_place_market_add(s->place, &market, now_ns, &index, &err) != PMM_OK ||
      dialect->list(s->inner, index, &listing, &err) != PMM_OK)
    fail(id, &err);
}

static void add_member(stand_t *s, const pmm_dialect_ops_t *dialect, char **arg) { /* NAME KEY_ID PEM CASH */
  pmm_error_t err = {0};
  pmm_member_params_t m = {0};
  uint32_t account;
  snprintf(m.name, sizeof m.name, "%s", arg[0]);
  snprintf(m.kalshi_key_id, sizeof m.kalshi_key_id, "%s", arg[1]);
  snprintf(m.kalshi_public_key, sizeof m.kalshi_public_key, "%s", arg[2]);
  if (pmm_decimal_parse(arg[3], strlen(arg[3]), 6, &m.cash_e6, NULL) != PMM_OK) fail(arg[3], &(pmm_error_t){.text = "no amount"});
  if (pmm_place_account_add(s->place, m.name, m.cash_e6, &account, &err) != PMM_OK || dialect->member(s->inner, account, &m, &err) != PMM_OK)
    fail(m.name, &err);
}

static bool input_ended(void) {
  char byte;
  struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

int main(int argc, char **argv) {
  stand_t s = {.service.ops = &stand_ops};
  pmm_error_t err = {0};
  const pmm_dialect_ops_t *const dialect = argc < 2                             ? NULL
                                           : strcmp(argv[1], "kalshi") == 0     ? &pmm_kalshi_dialect
                                           : strcmp(argv[1], "polymarket") == 0 ? &pmm_polymarket_dialect
                                                                                : NULL;
  if (!dialect) {
    fprintf(stderr, "usage: client_stand kalshi|polymarket [--member NAME KEY_ID PEM CASH]... [--market TICKER]...\n");
    return 2;
  }
  pmm_place_config_t const config = {.venue = dialect->venue, .accounts_max = ITEMS_MAX, .markets_max = ITEMS_MAX, .orders_max = 100000, .seed = 1};
  if (pmm_place_open(&s.place, &config, &err) != PMM_OK) fail("place", &err);
  if (dialect->open(&s.inner, &(pmm_dialect_config_t){.serve = {.rate_limit = true}, .place = s.place, .seed = 1}, &err) != PMM_OK)
    fail(argv[1], &err);
  for (int i = 2; i < argc;) {
    if (strcmp(argv[i], "--member") == 0 && i + 4 < argc) add_member(&s, dialect, argv + i + 1), i += 5;
    else if (strcmp(argv[i], "--market") == 0 && i + 1 < argc) add_market(&s, dialect, argv[i + 1]), i += 2;
    else fail(argv[i], &(pmm_error_t){.text = "not understood"});
  }
  pmm_net_t *net;
  pmm_host_t *host;
  if (pmm_net_open(&net, &(pmm_net_config_t){0}, &err) != PMM_OK) fail("net", &err);
  if (pmm_host_open(&host, net, &s.service, &(pmm_host_config_t){0}, &err) != PMM_OK) fail("host", &err);
  printf("%d\n", pmm_host_port(host));
  fflush(stdout);
  while (!input_ended()) pmm_net_step(net, 20 * PMM_NS_PER_MS);
  pmm_host_close(host);
  pmm_net_close(net);
  pmm_status_t const check = pmm_place_check(s.place, &err);
  if (check != PMM_OK) fail("books", &err);
  dialect->close(s.inner);
  pmm_place_close(s.place);
  pmm_text_free(&s.out);
  return 0;
}
