#include "exchange/queue.h"
#include <math.h>
#include "pmm/fmath.h"

void pmm__queue_join(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t shown_e6, bool hidden) {
  *queue = (pmm__queue_t){.ahead_e6 = shown_e6, .shown_e6 = shown_e6};
  if (hidden || (rules->nosize && shown_e6 > 0)) queue->ahead_e6 = PMM__AHEAD_UNKNOWN;
  if (rules->model == PMM_QUEUE_FRONT) queue->ahead_e6 = 0;
}

static double power_of(double x, double n) { return n == 2 ? x * x : n == 1 ? x : pmm_pow(x, n); }

/* Of a cut the share that was ahead; what does not fit behind us was ahead after all. */
static int64_t split(double share, double back, double cut) {
  double const behind = (1 - share) * cut;
  return (int64_t)(share * cut + fmax(behind - fmax(back, 0), 0));
}

/* How far a decrease of cut_e6 that no print explains brings us forward, rounded down. old_e6 is the size before the record,
   prints in between included, as in hftbacktest: slightly to our disadvantage. */
static int64_t model_share(const pmm__queue_rules_t *rules, int64_t ahead_e6, int64_t old_e6, int64_t cut_e6) {
  switch ((pmm_queue_model_t)rules->model) {
  case PMM_QUEUE_FRONT:
  case PMM_QUEUE_BACK:
    return 0;
  case PMM_QUEUE_PROPORTIONAL:
    return ahead_e6 > 0 && ahead_e6 <= old_e6 ? pmm_muldiv_floor(cut_e6, ahead_e6, old_e6) : 0;
  case PMM_QUEUE_POWER: {
    double const front = (double)ahead_e6, back = (double)(old_e6 - ahead_e6), cut = (double)cut_e6;
    double const f = power_of(fabs(front), rules->power), b = power_of(fmax(back, 0), rules->power);
    return f + b == 0 ? 0 : split(f / (f + b), back, cut);
  }
  case PMM_QUEUE_POWER_SHARE: {
    double const front = (double)ahead_e6, back = (double)(old_e6 - ahead_e6);
    return old_e6 == 0 ? 0 : split(power_of(fabs(front / (double)old_e6), rules->power), back, (double)cut_e6);
  }
  }
  return 0;
}

static void remember(pmm__queue_t *queue, int64_t lag_ns, int64_t now_ns, int64_t cut_e6, int64_t moved_e6) {
  pmm__cut_t *const newest = &queue->cut[(queue->cut_next + PMM__CUTS - 1) % PMM__CUTS];
  if (newest->cut_e6 > 0 && now_ns - newest->at_ns <= lag_ns / PMM__CUTS) {
    newest->cut_e6 += cut_e6;
    newest->moved_e6 += moved_e6;
    return;
  }
  queue->cut[queue->cut_next] = (pmm__cut_t){.at_ns = now_ns, .cut_e6 = cut_e6, .moved_e6 = moved_e6};
  queue->cut_next = (queue->cut_next + 1) % PMM__CUTS;
}

/* Explains a print by recent cuts, oldest first; returns how much of it is explained and how far these cuts had moved us. */
static int64_t recall(pmm__queue_t *queue, int64_t lag_ns, int64_t now_ns, int64_t print_e6, int64_t *moved_e6) {
  int64_t rest = print_e6;
  *moved_e6 = 0;
  for (uint32_t k = 0; k < PMM__CUTS && rest > 0; k++) {
    pmm__cut_t *const c = &queue->cut[(queue->cut_next + k) % PMM__CUTS];
    if (c->cut_e6 == 0 || now_ns - c->at_ns > lag_ns) continue;
    int64_t const part = pmm_min64(rest, c->cut_e6);
    int64_t const back = pmm_muldiv_ceil(c->moved_e6, part, c->cut_e6);
    c->cut_e6 -= part;
    c->moved_e6 -= back;
    *moved_e6 += back;
    rest -= part;
  }
  return print_e6 - rest;
}

void pmm__queue_bound(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t shown_e6) {
  queue->shown_e6 = shown_e6;
  queue->traded_e6 = 0;
  if (!rules->nosize || shown_e6 == 0) queue->ahead_e6 = pmm_min64(queue->ahead_e6, shown_e6);
}

void pmm__queue_level(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t now_ns, int64_t shown_e6) {
  int64_t const old = queue->shown_e6, before = queue->ahead_e6;
  int64_t const cut = old - shown_e6 - queue->traded_e6;
  if (cut > 0 && before != PMM__AHEAD_UNKNOWN && !rules->nosize) queue->ahead_e6 -= model_share(rules, before, old, cut);
  pmm__queue_bound(queue, rules, shown_e6);
  if (cut > 0 && rules->lag_ns > 0 && before != PMM__AHEAD_UNKNOWN) remember(queue, rules->lag_ns, now_ns, cut, before - queue->ahead_e6);
}

int64_t pmm__queue_print(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t now_ns, int64_t print_e6, int64_t left_e6) {
  int64_t moved = 0, explained = 0;
  if (rules->lag_ns > 0) explained = recall(queue, rules->lag_ns, now_ns, print_e6, &moved);
  queue->traded_e6 += print_e6 - explained;
  if (queue->ahead_e6 == PMM__AHEAD_UNKNOWN) return 0;
  int64_t const ahead = queue->ahead_e6 + moved - left_e6;
  if (ahead >= 0) {
    queue->ahead_e6 = pmm_min64(ahead, pmm_max64(queue->ahead_e6, 0)); /* a print never moves us back */
    return 0;
  }
  queue->ahead_e6 = rules->whole ? ahead : 0;
  return -ahead;
}
