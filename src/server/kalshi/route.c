/* Paths and what they cost, and the order in which a request is looked at: path, credentials, tokens, body. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "server/kalshi/impl.h"

#define O "/portfolio/events/orders"
#define V1 "/portfolio/orders"
#define G "/portfolio/order_groups"

/* An argument matches one segment; of two rows that match, the first counts. */
const pmm__kx_route_t pmm__kx_route_table[] = {
  {"GET", "/exchange/status", "GetExchangeStatus", pmm__kx_get_exchange_status, 10, 0},
  {"GET", "/exchange/schedule", "GetExchangeSchedule", pmm__kx_get_schedule, 10, 0},
  {"GET", "/exchange/user_data_timestamp", "GetUserDataTimestamp", pmm__kx_get_user_data_timestamp, 10, 0},
  {"GET", "/series", "GetSeriesList", pmm__kx_get_series_list, 10, 0},
  {"GET", "/series/fee_changes", "GetSeriesFeeChanges", pmm__kx_get_series_fee_changes, 10, 0},
  {"GET", "/series/:series_ticker", "GetSeries", pmm__kx_get_series, 10, 0},
  {"GET", "/series/:series_ticker/markets/:ticker/candlesticks", "GetMarketCandlesticks", pmm__kx_get_candles, 10, 0},
  {"GET", "/series/:series_ticker/events/:ticker/candlesticks", "GetMarketCandlesticksByEvent", pmm__kx_get_candles_event, 10, 0},
  {"GET", "/events", "GetEvents", pmm__kx_get_events, 10, 0},
  {"GET", "/events/fee_changes", "GetEventFeeChanges", pmm__kx_get_event_fee_changes, 10, 0},
  {"GET", "/events/multivariate", "GetMultivariateEvents", pmm__kx_get_multivariate_events, 10, 0},
  {"GET", "/events/:event_ticker", "GetEvent", pmm__kx_get_event, 10, 0},
  {"GET", "/events/:event_ticker/metadata", "GetEventMetadata", pmm__kx_get_event_metadata, 10, 0},
  {"GET", "/markets", "GetMarkets", pmm__kx_get_markets, 10, 0},
  {"GET", "/markets/trades", "GetTrades", pmm__kx_get_trades, 10, 0},
  {"GET", "/markets/orderbooks", "GetMarketOrderbooks", pmm__kx_get_orderbooks, 10, 0},
  {"GET", "/markets/candlesticks", "BatchGetMarketCandlesticks", pmm__kx_get_candles_many, 10, 0},
  {"GET", "/markets/:ticker", "GetMarket", pmm__kx_get_market, 10, 0},
  {"GET", "/markets/:ticker/orderbook", "GetMarketOrderbook", pmm__kx_get_orderbook, 10, 0},
  {"GET", "/incentive_programs", "GetIncentivePrograms", pmm__kx_get_incentives, 10, 0},
  {"GET", "/historical/cutoff", "GetHistoricalCutoff", pmm__kx_get_cutoff, 10, 0},
  {"GET", "/historical/markets", "GetHistoricalMarkets", pmm__kx_get_no_markets, 10, 0},
  {"GET", "/historical/markets/:ticker", "GetHistoricalMarket", pmm__kx_get_nothing, 10, 0},
  {"GET", "/historical/markets/:ticker/candlesticks", "GetMarketCandlesticksHistorical", pmm__kx_get_nothing, 10, 0},
  {"GET", "/historical/trades", "GetTradesHistorical", pmm__kx_get_no_trades, 10, 0},
  {"GET", "/historical/fills", "GetFillsHistorical", pmm__kx_get_no_fills, 10, PMM__KX_KEYS},
  {"GET", "/historical/orders", "GetHistoricalOrders", pmm__kx_get_no_orders, 10, PMM__KX_KEYS},
  {"GET", "/historical/positions", "GetHistoricalPositions", pmm__kx_get_no_positions, 10, PMM__KX_KEYS},

  {"POST", O, "CreateOrderV2", pmm__kx_create, 10, PMM__KX_KEYS | PMM__KX_BODY},
  {"DELETE", O, "CancelAllOrders", pmm__kx_cancel_all, 2, PMM__KX_KEYS},
  {"POST", O "/batched", "BatchCreateOrdersV2", pmm__kx_create_many, 10, PMM__KX_KEYS | PMM__KX_BODY | PMM__KX_ITEMS},
  {"DELETE", O "/batched", "BatchCancelOrdersV2", pmm__kx_cancel_many, 2, PMM__KX_KEYS | PMM__KX_BODY | PMM__KX_ITEMS},
  {"DELETE", O "/:order_id", "CancelOrderV2", pmm__kx_cancel, 2, PMM__KX_KEYS},
  {"POST", O "/:order_id/amend", "AmendOrderV2", pmm__kx_amend, 10, PMM__KX_KEYS | PMM__KX_BODY},
  {"POST", O "/:order_id/decrease", "DecreaseOrderV2", pmm__kx_decrease, 10, PMM__KX_KEYS | PMM__KX_BODY},
  {"GET", V1, "GetOrders", pmm__kx_get_orders, 10, PMM__KX_KEYS},
  {"GET", V1 "/queue_positions", "GetOrderQueuePositions", pmm__kx_get_queue_positions, 10, PMM__KX_KEYS},
  {"GET", V1 "/:order_id", "GetOrder", pmm__kx_get_order, 2, PMM__KX_KEYS},
  {"GET", V1 "/:order_id/queue_position", "GetOrderQueuePosition", pmm__kx_get_queue_position, 10, PMM__KX_KEYS},
  {"POST", V1, "CreateOrder", pmm__kx_gone, 10, PMM__KX_KEYS},
  {"POST", V1 "/batched", "BatchCreateOrders", pmm__kx_gone, 10, PMM__KX_KEYS},
  {"DELETE", V1 "/batched", "BatchCancelOrders", pmm__kx_gone, 10, PMM__KX_KEYS},
  {"DELETE", V1 "/:order_id", "CancelOrder", pmm__kx_gone, 10, PMM__KX_KEYS},
  {"POST", V1 "/:order_id/amend", "AmendOrder", pmm__kx_gone, 10, PMM__KX_KEYS},
  {"POST", V1 "/:order_id/decrease", "DecreaseOrder", pmm__kx_gone, 10, PMM__KX_KEYS},

  {"POST", G "/create", "CreateOrderGroup", pmm__kx_group_create, 10, PMM__KX_KEYS | PMM__KX_BODY},
  {"GET", G, "GetOrderGroups", pmm__kx_group_list, 10, PMM__KX_KEYS},
  {"GET", G "/:order_group_id", "GetOrderGroup", pmm__kx_group_get, 10, PMM__KX_KEYS},
  {"DELETE", G "/:order_group_id", "DeleteOrderGroup", pmm__kx_group_delete, 10, PMM__KX_KEYS},
  {"PUT", G "/:order_group_id/reset", "ResetOrderGroup", pmm__kx_group_reset, 10, PMM__KX_KEYS},
  {"PUT", G "/:order_group_id/trigger", "TriggerOrderGroup", pmm__kx_group_trigger, 10, PMM__KX_KEYS},
  {"PUT", G "/:order_group_id/limit", "UpdateOrderGroupLimit", pmm__kx_group_limit, 10, PMM__KX_KEYS | PMM__KX_BODY},

  {"GET", "/portfolio/balance", "GetBalance", pmm__kx_get_balance, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/positions", "GetPositions", pmm__kx_get_positions, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/fills", "GetFills", pmm__kx_get_fills, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/settlements", "GetSettlements", pmm__kx_get_settlements, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/summary/total_resting_order_value", "GetPortfolioRestingOrderTotalValue", pmm__kx_get_resting_value, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/subaccounts/balances", "GetSubaccountBalances", pmm__kx_get_subaccount_balances, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/subaccounts/transfers", "GetSubaccountTransfers", pmm__kx_get_subaccount_transfers, 10, PMM__KX_KEYS},
  {"GET", "/portfolio/subaccounts/netting", "GetSubaccountNetting", pmm__kx_get_netting, 10, PMM__KX_KEYS},
  {"GET", "/account/limits", "GetAccountApiLimits", pmm__kx_get_limits, 10, PMM__KX_KEYS},
  {"GET", "/account/endpoint_costs", "GetAccountEndpointCosts", pmm__kx_get_costs, 10, 0},
  {"POST", "/account/api_usage_level/upgrade", "UpgradeAccountApiUsageLevel", pmm__kx_upgrade, 30, PMM__KX_KEYS},
};
const size_t pmm__kx_route_cnt = sizeof pmm__kx_route_table / sizeof pmm__kx_route_table[0];

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One segment, percent-decoded; false when it is empty, too long or badly escaped. */
static bool decode_segment(const char *from, size_t len, char *out, size_t cap) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    char c = from[i];
    if (c == '%') {
      int const hi = i + 2 < len ? hex_digit(from[i + 1]) : -1, lo = i + 2 < len ? hex_digit(from[i + 2]) : -1;
      if (hi < 0 || lo < 0) return false;
      c = (char)(hi << 4 | lo);
      i += 2;
    }
    if (n + 1 >= cap || !c) return false;
    out[n++] = c;
  }
  out[n] = 0;
  return n > 0;
}

static bool path_matches(const char *pattern, const char *path, pmm__kx_request_t *q) {
  size_t args = 0;
  while (*pattern == '/' && *path == '/') {
    size_t const p_len = strcspn(++pattern, "/"), len = strcspn(++path, "/");
    if (*pattern == ':') {
      if (!decode_segment(path, len, q->arg[args++], sizeof q->arg[0])) return false;
    } else if (p_len != len || memcmp(pattern, path, len) != 0) {
      return false;
    }
    pattern += p_len;
    path += len;
  }
  return !*pattern && !*path;
}

static const pmm__kx_route_t *route_of(const char *method, const char *path, pmm__kx_request_t *q, bool *known_path) {
  for (size_t i = 0; i < pmm__kx_route_cnt; i++) {
    const pmm__kx_route_t *const r = &pmm__kx_route_table[i];
    if (!path_matches(r->path, path, q)) continue;
    *known_path = true;
    if (strcmp(r->method, method) == 0) return r;
  }
  return NULL;
}

static bool is_json_type(const pmm_request_t *http) {
  const char *const type = pmm_request_header(http, "Content-Type");
  return type && strncasecmp(type, "application/json", 16) == 0;
}

/* A body where none is asked for is not looked at. */
static int read_body(pmm__kx_t *k, pmm__kx_request_t *q) {
  if (!is_json_type(q->http)) return pmm__kx_flat(k, 400, "invalid_content_type", NULL);
  size_t at;
  const char *why = q->http->body_len ? NULL : "unexpected end of JSON input";
  const pmm_json_node_t *root;
  if (why || pmm_json_parse(k->json, q->http->body, q->http->body_len, &root, &at, &why) != PMM_OK) return pmm__kx_flat(k, 400, "bad_request", why);
  if (root->type != PMM_JSON_OBJECT) return pmm__kx_flat(k, 400, "bad_request", "json: cannot unmarshal array into Go value");
  q->body = root;
  return 0;
}

static int64_t item_cnt(const pmm__kx_request_t *q) {
  const pmm_json_node_t *const orders = pmm_json_get(q->body, "orders");
  int64_t cnt = 0;
  for (const pmm_json_node_t *o = pmm_json_first(orders); o; o = pmm_json_next(orders, o)) cnt++;
  return pmm_max64(1, cnt);
}

int pmm__kx_serve(pmm__kx_t *k, const pmm_request_t *http) {
  pmm__kx_request_t q = {.http = http};
  bool known_path = false;
  pmm_text_clear(&k->out);
  const pmm__kx_route_t *const r = route_of(http->method, http->path + strlen(PMM__KX_ROOT), &q, &known_path);
  int status = pmm__kx_auth(k, http, &q.member);
  if (status) return status;
  if (!r) return known_path ? pmm__kx_error(k, 405, "method_not_allowed", NULL) : pmm__kx_not_found(k);
  q.op = r->op;
  if ((r->flags & PMM__KX_KEYS) && !q.member) return pmm__kx_error(k, 401, "token_authentication_failure", NULL);
  if (!(r->flags & PMM__KX_ITEMS) && !pmm__kx_charge(k, q.member, r->method, r->cost)) return pmm__kx_error(k, 429, "too_many_requests", NULL);
  if (r->flags & PMM__KX_BODY) status = read_body(k, &q);
  if (status) return status;
  if ((r->flags & PMM__KX_ITEMS) && !pmm__kx_charge(k, q.member, r->method, r->cost * item_cnt(&q)))
    return pmm__kx_error(k, 429, "too_many_requests", NULL);
  return r->fn(k, &q);
}
