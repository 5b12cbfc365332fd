/* Answers of the REST side. Source: Kalshi API docs, OpenAPI 3.31 (2026-11). */
#include "codec.h"

/* -- lists -- */

static pmm_status_t cursor_of(const pmm__read_t *r, const pmm_json_node_t *root, pmm_kalshi_page_t *page) {
  static const pmm__field_t field = PMM__FIELD(struct { pmm_kalshi_text_t t; }, t, "cursor", F_TEXT, false);
  pmm_kalshi_text_t cursor = {0};
  const pmm_json_node_t *const n = pmm_json_get(root, "cursor");
  page->cursor[0] = '\0';
  if (!n || n->type == PMM_JSON_NULL) return PMM_OK;
  pmm_status_t const st = pmm__value(r, n, &field, &cursor);
  return st == PMM_OK ? pmm__copy(r, cursor, page->cursor, sizeof page->cursor, "cursor") : st;
}

/* A list takes effect whole or not at all: the caller applies nothing unless this returns PMM_OK. */
pmm_status_t pmm__kalshi_list(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm__list_t list, void *out, size_t cap,
                              pmm_kalshi_page_t *page, pmm_error_t *err) {
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root, *array;
  pmm_kalshi_page_t p = {0};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st != PMM_OK) return st;
  const pmm_json_node_t *const single = list.one ? pmm_json_get(root, list.one) : NULL;
  if (single) {
    if (cap == 0) return pmm_error_set(err, PMM_FULL, "kalshi: no room for %s", list.one);
    st = list.take(&r, single, out);
    p.cnt = 1;
  } else {
    st = pmm__array(&r, root, list.many, &array);
    for (const pmm_json_node_t *e = st == PMM_OK ? pmm_json_first(array) : NULL; e && st == PMM_OK; e = pmm_json_next(array, e)) {
      if (p.cnt == cap) return pmm_error_set(err, PMM_FULL, "kalshi: more than %zu %s on a page", cap, list.many);
      st = list.take(&r, e, (char *)out + p.cnt++ * list.size);
    }
  }
  if (st == PMM_OK) st = cursor_of(&r, root, &p);
  if (st == PMM_OK) *page = p;
  return st;
}

static pmm_status_t take_order(const pmm__read_t *r, const pmm_json_node_t *object, void *out) { return pmm__kalshi_order(r, object, out); }
static pmm_status_t take_fill(const pmm__read_t *r, const pmm_json_node_t *object, void *out) { return pmm__kalshi_fill(r, object, out); }
static pmm_status_t take_position(const pmm__read_t *r, const pmm_json_node_t *object, void *out) { return pmm__kalshi_position(r, object, out); }

pmm_status_t pmm_kalshi_orders_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_order_t *out, size_t cap,
                                    pmm_kalshi_page_t *page, pmm_error_t *err) {
  return pmm__kalshi_list(codec, text, len, (pmm__list_t){"orders", "order", sizeof *out, take_order}, out, cap, page, err);
}

pmm_status_t pmm_kalshi_fills_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_fill_t *out, size_t cap,
                                   pmm_kalshi_page_t *page, pmm_error_t *err) {
  return pmm__kalshi_list(codec, text, len, (pmm__list_t){"fills", NULL, sizeof *out, take_fill}, out, cap, page, err);
}

pmm_status_t pmm_kalshi_positions_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_position_t *out, size_t cap,
                                       pmm_kalshi_page_t *page, pmm_error_t *err) {
  return pmm__kalshi_list(codec, text, len, (pmm__list_t){"market_positions", NULL, sizeof *out, take_position}, out, cap, page, err);
}

typedef struct raw_group { pmm_kalshi_text_t id; int64_t limit_e6, exchange_index; bool auto_cancel; } raw_group_t;
static pmm_status_t take_group(const pmm__read_t *r, const pmm_json_node_t *object, void *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_group_t, id, "id", F_TEXT, true),
      PMM__FIELD(raw_group_t, limit_e6, "contracts_limit_fp", F_QTY, false),
      PMM__FIELD(raw_group_t, auto_cancel, "is_auto_cancel_enabled", F_BOOL, false),
      PMM__FIELD(raw_group_t, exchange_index, "exchange_index", F_INT, false),
  };
  raw_group_t raw = {.limit_e6 = -1};
  pmm_status_t const st = pmm__fields(r, object, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK) *(pmm_kalshi_group_state_t *)out = (pmm_kalshi_group_state_t){raw.id, raw.limit_e6, raw.exchange_index, raw.auto_cancel};
  return st;
}

/* The list's key is left out when there are no groups; a creation answers with the id alone. */
pmm_status_t pmm_kalshi_groups_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_group_state_t *out, size_t cap,
                                    pmm_kalshi_page_t *page, pmm_error_t *err) {
  static const pmm__field_t created[] = {
      PMM__FIELD(raw_group_t, id, "order_group_id", F_TEXT, false),
      PMM__FIELD(raw_group_t, exchange_index, "exchange_index", F_INT, false),
  };
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  raw_group_t raw = {0};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st == PMM_OK && pmm_json_get(root, "order_groups"))
    return pmm__kalshi_list(codec, text, len, (pmm__list_t){"order_groups", NULL, sizeof *out, take_group}, out, cap, page, err);
  if (st == PMM_OK) st = pmm__fields(&r, root, created, PMM__COUNT(created), &raw);
  if (st != PMM_OK) return st;
  if (raw.id.len > 0 && cap == 0) return pmm_error_set(err, PMM_FULL, "kalshi: no room for a group");
  *page = (pmm_kalshi_page_t){.cnt = raw.id.len > 0};
  if (raw.id.len > 0) *out = (pmm_kalshi_group_state_t){raw.id, -1, raw.exchange_index, true};
  return PMM_OK;
}

pmm_status_t pmm_kalshi_orderbook_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_frame_t *frame, pmm_error_t *err) {
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  pmm_kalshi_frame_t f = {.type = PMM_KALSHI_BOOK, .exch_ns = PMM_TIME_NONE};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st != PMM_OK) return st;
  const pmm_json_node_t *const book = pmm_json_get(root, "orderbook_fp");
  if (!book || book->type != PMM_JSON_OBJECT) return pmm__kalshi_bad(&r, root->at, "orderbook_fp is missing");
  st = pmm__kalshi_levels(codec, &r, 0, pmm_json_get(book, "yes_dollars"), &f);
  if (st == PMM_OK) st = pmm__kalshi_levels(codec, &r, 1, pmm_json_get(book, "no_dollars"), &f);
  if (st == PMM_OK) *frame = f;
  return st;
}

/* -- the account and the exchange -- */

typedef struct raw_shard { int64_t index, balance_e6; bool active, trading; } raw_shard_t;

static pmm_status_t take_shard(const pmm__read_t *r, const pmm_json_node_t *object, raw_shard_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_shard_t, index, "exchange_index", F_INT, true),
      PMM__FIELD(raw_shard_t, balance_e6, "balance", F_E6, false),
      PMM__FIELD(raw_shard_t, active, "exchange_active", F_BOOL, false),
      PMM__FIELD(raw_shard_t, trading, "trading_active", F_BOOL, false),
  };
  *out = (raw_shard_t){0};
  return pmm__fields(r, object, fields, PMM__COUNT(fields), out);
}

static bool is_shard(int64_t index) { return index >= 0 && index < PMM_KALSHI_SHARDS_MAX; }

typedef struct raw_balance { int64_t dollars_e6, updated_ns; const pmm_json_node_t *shards; } raw_balance_t;

/* `balance` in cents is cut: only balance_dollars counts. */
pmm_status_t pmm_kalshi_balance_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_balance_t *out, pmm_error_t *err) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_balance_t, dollars_e6, "balance_dollars", F_E6, true),
      PMM__FIELD(raw_balance_t, updated_ns, "updated_ts", F_TIME, false),
      PMM__FIELD(raw_balance_t, shards, "balance_breakdown", F_NODE, false),
  };
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  raw_balance_t raw = {.updated_ns = PMM_TIME_NONE};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st == PMM_OK) st = pmm__fields(&r, root, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  pmm_kalshi_balance_t b = {.balance_e6 = raw.dollars_e6, .updated_ns = raw.updated_ns};
  for (const pmm_json_node_t *e = pmm_json_first(raw.shards); e; e = pmm_json_next(raw.shards, e)) {
    raw_shard_t shard;
    st = take_shard(&r, e, &shard);
    if (st != PMM_OK) return st;
    if (!is_shard(shard.index)) continue;
    b.shard_e6[shard.index] = shard.balance_e6;
    b.shards |= UINT32_C(1) << shard.index;
  }
  *out = b;
  return PMM_OK;
}

pmm_status_t pmm_kalshi_resting_value_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, int64_t *value_e6, pmm_error_t *err) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_balance_t, dollars_e6, "total_resting_order_value", F_INT, true),
      PMM__FIELD(raw_balance_t, shards, "resting_order_value_breakdown", F_NODE, false),
  };
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  raw_balance_t raw = {0};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st == PMM_OK) st = pmm__fields(&r, root, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK && pmm_abs64(raw.dollars_e6) > INT64_MAX / 10000) return pmm__kalshi_bad(&r, root->at, "total_resting_order_value: out of range");
  int64_t sum_e6 = 0;
  bool told = false;
  for (const pmm_json_node_t *e = st == PMM_OK ? pmm_json_first(raw.shards) : NULL; e; e = pmm_json_next(raw.shards, e), told = true) {
    raw_shard_t shard;
    st = take_shard(&r, e, &shard);
    if (st == PMM_OK && __builtin_add_overflow(sum_e6, shard.balance_e6, &sum_e6)) st = pmm__kalshi_bad(&r, e->at, "balance: out of range");
    if (st != PMM_OK) return st;
  }
  if (st == PMM_OK) *value_e6 = told ? sum_e6 : raw.dollars_e6 * 10000;
  return st;
}

typedef struct raw_exchange { bool active, trading; int64_t resume_ns; const pmm_json_node_t *shards; } raw_exchange_t;

pmm_status_t pmm_kalshi_exchange_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_exchange_t *out, pmm_error_t *err) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_exchange_t, active, "exchange_active", F_BOOL, true),
      PMM__FIELD(raw_exchange_t, trading, "trading_active", F_BOOL, true),
      PMM__FIELD(raw_exchange_t, resume_ns, "exchange_estimated_resume_time", F_TIME, false),
      PMM__FIELD(raw_exchange_t, shards, "exchange_index_statuses", F_NODE, false),
  };
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  raw_exchange_t raw = {.resume_ns = PMM_TIME_NONE};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st == PMM_OK) st = pmm__fields(&r, root, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  pmm_kalshi_exchange_t x = {.exchange_active = raw.active,
                             .trading_active = raw.trading,
                             .shards = 1,
                             .shards_trading = raw.active && raw.trading,
                             .resume_ns = raw.resume_ns};
  for (const pmm_json_node_t *e = pmm_json_first(raw.shards); e; e = pmm_json_next(raw.shards, e)) {
    raw_shard_t shard;
    st = take_shard(&r, e, &shard);
    if (st != PMM_OK) return st;
    if (!is_shard(shard.index)) continue;
    uint32_t const bit = UINT32_C(1) << shard.index;
    x.shards |= bit;
    x.shards_trading = shard.active && shard.trading ? x.shards_trading | bit : x.shards_trading & ~bit;
  }
  *out = x;
  return PMM_OK;
}

/* -- rate tables -- */

typedef struct raw_bucket { int64_t rate_e6, cap_e6; } raw_bucket_t;
static pmm_status_t take_bucket(const pmm__read_t *r, const pmm_json_node_t *root, const char *key, int64_t *rate_e6, int64_t *cap_e6) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_bucket_t, rate_e6, "refill_rate", F_QTY, true),
      PMM__FIELD(raw_bucket_t, cap_e6, "bucket_capacity", F_QTY, false),
  };
  raw_bucket_t raw = {.cap_e6 = -1};
  const pmm_json_node_t *const n = pmm_json_get(root, key);
  if (!n) return pmm__kalshi_bad(r, root->at, "%s is missing", key);
  pmm_status_t const st = pmm__fields(r, n, fields, PMM__COUNT(fields), &raw);
  *rate_e6 = raw.rate_e6;
  *cap_e6 = raw.cap_e6 >= 0 ? raw.cap_e6 : raw.rate_e6; /* one second's worth */
  return st;
}

pmm_status_t pmm_kalshi_limits_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_limits_t *out, pmm_error_t *err) {
  static const pmm__field_t fields[] = {PMM__FIELD(struct { pmm_kalshi_text_t tier; }, tier, "usage_tier", F_TEXT, false)};
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  pmm_kalshi_text_t tier = {0};
  pmm_kalshi_limits_t l = {0};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st == PMM_OK) st = pmm__fields(&r, root, fields, 1, &tier);
  if (st == PMM_OK) st = pmm__copy(&r, tier, l.tier, sizeof l.tier, "usage_tier");
  if (st == PMM_OK) st = take_bucket(&r, root, "read", &l.read_rate_e6, &l.read_cap_e6);
  if (st == PMM_OK) st = take_bucket(&r, root, "write", &l.write_rate_e6, &l.write_cap_e6);
  if (st == PMM_OK) *out = l;
  return st;
}

#define COST_MAX 100000
void pmm_kalshi_costs_default(pmm_kalshi_costs_t *costs) {
  *costs = (pmm_kalshi_costs_t){.create = 10,
                                .cancel = 2,
                                .cancel_all = 2,
                                .batch_create = 10,
                                .batch_cancel = 2,
                                .amend = 10,
                                .decrease = 10,
                                .get_order = 2,
                                .other = 10};
}

/* Paths like /trade-api/v2/portfolio/events/orders/:order_id: a named part stands for any. */
static bool path_is(pmm_kalshi_text_t path, const char *want) {
  const char *p = path.at, *const end = path.at + path.len;
  for (; *want; want++) {
    if (*want == '*') {
      if (p == end || (*p != ':' && *p != '{')) return false;
      while (p < end && *p != '/') p++;
    } else if (p == end || *p++ != *want) {
      return false;
    }
  }
  return p == end;
}

typedef struct raw_cost { pmm_kalshi_text_t method, path; int64_t cost; } raw_cost_t;

static void place_cost(pmm_kalshi_costs_t *c, const raw_cost_t *raw) {
#define ORDERS "/trade-api/v2/portfolio/events/orders"
  const struct { const char *method, *path; int64_t *cost; } rows[] = {
      {"POST", ORDERS, &c->create},          {"DELETE", ORDERS "/*", &c->cancel},          {"DELETE", ORDERS, &c->cancel_all},
      {"POST", ORDERS "/batched", &c->batch_create}, {"DELETE", ORDERS "/batched", &c->batch_cancel}, {"POST", ORDERS "/*/amend", &c->amend},
      {"POST", ORDERS "/*/decrease", &c->decrease},  {"GET", "/trade-api/v2/portfolio/orders/*", &c->get_order}};
#undef ORDERS
  for (size_t i = 0; i < PMM__COUNT(rows); i++)
    if (raw->method.len == strlen(rows[i].method) && memcmp(raw->method.at, rows[i].method, raw->method.len) == 0 && path_is(raw->path, rows[i].path))
      *rows[i].cost = raw->cost;
}

static pmm_status_t take_cost(const pmm__read_t *r, const pmm_json_node_t *object, raw_cost_t *raw) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_cost_t, method, "method", F_TEXT, true),
      PMM__FIELD(raw_cost_t, path, "path", F_TEXT, true),
      PMM__FIELD(raw_cost_t, cost, "cost", F_INT, true),
  };
  pmm_status_t const st = pmm__fields(r, object, fields, PMM__COUNT(fields), raw);
  if (st == PMM_OK && (raw->cost < 0 || raw->cost > COST_MAX)) return pmm__kalshi_bad(r, object->at, "cost: out of range");
  return st;
}

/* The table lists what differs from default_cost. Batches are billed by item at the cost of the single call where they are not listed. */
pmm_status_t pmm_kalshi_costs_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_costs_t *out, pmm_error_t *err) {
  static const pmm__field_t fields[] = {PMM__FIELD(struct { int64_t v; }, v, "default_cost", F_INT, true)};
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root, *list;
  int64_t d = 0;
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st == PMM_OK) st = pmm__fields(&r, root, fields, 1, &d);
  if (st == PMM_OK && (d < 0 || d > COST_MAX)) st = pmm__kalshi_bad(&r, root->at, "default_cost: out of range");
  if (st == PMM_OK) st = pmm__array(&r, root, "endpoint_costs", &list);
  if (st != PMM_OK) return st;
  pmm_kalshi_costs_t c = {d, d, d, -1, -1, d, d, d, d};
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    raw_cost_t raw = {0};
    st = take_cost(&r, e, &raw);
    if (st != PMM_OK) return st;
    place_cost(&c, &raw);
  }
  if (c.batch_create < 0) c.batch_create = c.create;
  if (c.batch_cancel < 0) c.batch_cancel = c.cancel;
  *out = c;
  return PMM_OK;
}
