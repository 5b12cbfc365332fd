/* Order groups: at most so many contracts matched in any 15 s; then every order of the group is cancelled and new ones are refused until it is
   reset. The fill that reaches the limit is made whole. Source: Kalshi API docs, "Order groups" (2026-11); that a fill may overshoot is not
   documented, and how a create in a triggered group is refused neither. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "server/kalshi/impl.h"

#define LIMIT_MAX 1000000

const pmm__kx_group_t *pmm__kx_group_at(const pmm__kx_t *k, uint64_t number) {
  return number && number <= k->group_cnt ? &k->group[number - 1] : NULL;
}

pmm__kx_group_t *pmm__kx_group_find(const pmm__kx_t *k, uint32_t account, const char *id, uint64_t *number) {
  for (uint32_t i = 0; i < k->group_cnt; i++) {
    pmm__kx_group_t *const g = &k->group[i];
    if (g->account != account || g->deleted || strcmp(g->id, id) != 0) continue;
    if (number) *number = i + 1;
    return g;
  }
  return NULL;
}

/* -- the window -- */

static void forget_old(pmm__kx_group_t *g, int64_t now_ns) {
  while (g->head < g->tail && g->matched[g->head].at_ns <= now_ns - PMM__KX_GROUP_WINDOW_NS) g->sum_e6 -= g->matched[g->head++].qty_e6;
  if (g->head == g->tail) g->head = g->tail = 0;
}

static bool make_room(pmm__kx_group_t *g) {
  if (g->tail < g->cap) return true;
  if (g->head > 0) {
    memmove(g->matched, g->matched + g->head, (g->tail - g->head) * sizeof *g->matched);
    g->tail -= g->head;
    g->head = 0;
    return true;
  }
  uint32_t const cap = g->cap ? g->cap * 2 : 16;
  pmm__kx_matched_t *const grown = realloc(g->matched, cap * sizeof *grown);
  if (!grown) return false;
  g->matched = grown;
  g->cap = cap;
  return true;
}

static void trigger(pmm__kx_t *k, pmm__kx_group_t *g) {
  if (g->triggered) return;
  g->triggered = g->sweep = true;
  k->deferred = true;
  if (!k->busy) pmm__kx_wake(k);
  pmm__kx_send_group(k, g, "triggered");
}

void pmm__kx_group_fill(pmm__kx_t *k, uint64_t number, int64_t qty_e6, int64_t at_ns) {
  if (number == 0 || number > k->group_cnt) return;
  pmm__kx_group_t *const g = &k->group[number - 1];
  forget_old(g, at_ns);
  if (make_room(g)) g->matched[g->tail++] = (pmm__kx_matched_t){.at_ns = at_ns, .qty_e6 = qty_e6};
  else trigger(k, g); /* what cannot be counted must not trade on */
  g->sum_e6 += qty_e6;
  if (g->sum_e6 >= g->limit_e6) trigger(k, g);
}

static bool is_of_group(void *ctx, const pmm_place_order_t *order) { return order->group == *(const uint64_t *)ctx; }

void pmm__kx_groups_sweep(pmm__kx_t *k) {
  for (uint32_t i = 0; i < k->group_cnt; i++) {
    if (!k->group[i].sweep) continue;
    k->group[i].sweep = false;
    uint64_t number = i + 1;
    pmm_place_cancel_if(k->place, k->group[i].account, is_of_group, &number, PMM_REJECT_USER, k->now_ns);
  }
}

/* -- requests -- */

static int read_limit(pmm__kx_t *k, const char *type, const pmm_json_node_t *body, int64_t *limit_e6) {
  int64_t whole = 0, fp_e6 = 0;
  bool has_whole = false, has_fp = false;
  int status = pmm__kx_member_int(k, type, body, "contracts_limit", &whole, &has_whole);
  if (!status) status = pmm__kx_member_decimal(k, type, body, "contracts_limit_fp", 2, 6, "invalid_parameters", &fp_e6, &has_fp);
  if (status) return status;
  if (!has_whole && !has_fp) return pmm__kx_flat(k, 400, "bad_request", "contracts_limit or contracts_limit_fp is required");
  if (has_whole && (whole < 1 || whole > LIMIT_MAX)) return pmm__kx_flat(k, 400, "bad_request", "contracts_limit must be 1 to 1000000");
  if (has_fp && (fp_e6 < PMM_ONE_E6 || fp_e6 > LIMIT_MAX * (int64_t)PMM_ONE_E6 || fp_e6 % PMM_ONE_E6 != 0))
    return pmm__kx_flat(k, 400, "bad_request", "contracts_limit_fp must be whole contracts, 1 to 1000000");
  if (has_whole && has_fp && whole * PMM_ONE_E6 != fp_e6) return pmm__kx_flat(k, 400, "bad_request", "contracts_limit and contracts_limit_fp differ");
  *limit_e6 = has_fp ? fp_e6 : whole * PMM_ONE_E6;
  return 0;
}

static pmm__kx_group_t *new_group(pmm__kx_t *k) {
  if (k->group_cnt == k->group_cap) {
    uint32_t const cap = k->group_cap ? k->group_cap * 2 : 16;
    pmm__kx_group_t *const grown = cap <= PMM__KX_GROUPS_MAX * 2 ? realloc(k->group, cap * sizeof *grown) : NULL;
    if (!grown) return NULL;
    k->group = grown;
    k->group_cap = cap;
  }
  if (k->group_cnt >= PMM__KX_GROUPS_MAX) return NULL;
  pmm__kx_group_t *const g = &k->group[k->group_cnt++];
  *g = (pmm__kx_group_t){0};
  pmm__kx_uuid(&k->rng, g->id);
  return g;
}

int pmm__kx_group_create(pmm__kx_t *k, pmm__kx_request_t *q) {
  static const char type[] = "CreateOrderGroupRequest";
  int64_t limit_e6 = 0;
  int status = read_limit(k, type, q->body, &limit_e6);
  if (!status) status = pmm__kx_member_shard(k, type, q->body);
  if (status) return status;
  pmm__kx_group_t *const g = new_group(k);
  if (!g) return pmm__kx_error(k, 503, "service_unavailable", "too many order groups");
  g->account = q->member->account;
  g->limit_e6 = limit_e6;
  pmm__kx_send_group(k, g, "created");
  pmm_text_object(&k->out, NULL);
  pmm_text_string(&k->out, "order_group_id", g->id);
  pmm_text_int(&k->out, "subaccount", 0);
  pmm_text_int(&k->out, "exchange_index", 0);
  pmm_text_end(&k->out);
  return 201;
}

int pmm__kx_group_list(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm_text_t *const t = &k->out;
  pmm__kx_query_shard(k, q);
  if (q->status) return q->status;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "order_groups");
  for (uint32_t i = 0; i < k->group_cnt; i++) {
    const pmm__kx_group_t *const g = &k->group[i];
    if (g->account != q->member->account || g->deleted) continue;
    pmm_text_object(t, NULL);
    pmm_text_string(t, "id", g->id);
    pmm__kx_count(t, "contracts_limit_fp", g->limit_e6);
    pmm_text_bool(t, "is_auto_cancel_enabled", true);
    pmm_text_int(t, "exchange_index", 0);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  return 200;
}

/* The group of the path, or NULL with q->status. */
static pmm__kx_group_t *group_of(pmm__kx_t *k, pmm__kx_request_t *q, uint64_t *number) {
  pmm__kx_query_shard(k, q);
  pmm__kx_group_t *const g = q->status ? NULL : pmm__kx_group_find(k, q->member->account, q->arg[0], number);
  if (!g && !q->status) q->status = pmm__kx_not_found(k);
  return g;
}

int pmm__kx_group_get(pmm__kx_t *k, pmm__kx_request_t *q) {
  uint64_t number = 0;
  const pmm__kx_group_t *const g = group_of(k, q, &number);
  if (!g) return q->status;
  pmm_text_t *const t = &k->out;
  uint32_t const account = q->member->account;
  pmm_text_object(t, NULL);
  pmm_text_bool(t, "is_auto_cancel_enabled", true);
  pmm__kx_count(t, "contracts_limit_fp", g->limit_e6);
  pmm_text_array(t, "orders");
  for (const pmm_place_order_t *o = pmm_place_open_after(k->place, account, 0); o; o = pmm_place_open_after(k->place, account, o->seq))
    if (o->group == number) pmm_text_string(t, NULL, o->id);
  pmm_text_end(t);
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_end(t);
  return 200;
}

static int done(pmm__kx_t *k) {
  pmm__kx_begin(k, UINT32_MAX, NULL, NULL);
  pmm__kx_end(k); /* the orders of a group that fired */
  pmm_text_put(&k->out, "{}");
  return 200;
}

int pmm__kx_group_delete(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_group_t *const g = group_of(k, q, NULL);
  if (!g) return q->status;
  g->deleted = g->sweep = k->deferred = true;
  pmm__kx_send_group(k, g, "deleted");
  return done(k);
}

int pmm__kx_group_reset(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_group_t *const g = group_of(k, q, NULL);
  if (!g) return q->status;
  g->head = g->tail = 0;
  g->sum_e6 = 0;
  g->triggered = false;
  pmm__kx_send_group(k, g, "reset");
  return done(k);
}

int pmm__kx_group_trigger(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_group_t *const g = group_of(k, q, NULL);
  if (!g) return q->status;
  trigger(k, g);
  return done(k);
}

/* A limit below what the window already holds fires at once. */
int pmm__kx_group_limit(pmm__kx_t *k, pmm__kx_request_t *q) {
  int64_t limit_e6 = 0;
  pmm__kx_group_t *const g = group_of(k, q, NULL);
  if (!g) return q->status;
  int const status = read_limit(k, "UpdateOrderGroupLimitRequest", q->body, &limit_e6);
  if (status) return status;
  g->limit_e6 = limit_e6;
  pmm__kx_send_group(k, g, "limit_updated");
  forget_old(g, k->now_ns);
  if (g->sum_e6 >= limit_e6) trigger(k, g);
  return done(k);
}
