#include "exchange/limit.h"
#include <math.h>

static int64_t scaled(double x, double by) { return (int64_t)floor(x * by + 0.5); }

void pmm__bucket_init(pmm__bucket_t *bucket, double capacity, double refill_per_s) {
  *bucket = (pmm__bucket_t){.capacity_e12 = scaled(capacity, 1e12), .refill_e3 = scaled(refill_per_s, 1e3), .at_ns = PMM_TIME_NONE};
  bucket->left_e12 = bucket->capacity_e12;
}

static void refill(pmm__bucket_t *b, int64_t now_ns) {
  if (b->at_ns != PMM_TIME_NONE && now_ns > b->at_ns) {
    pmm_i128_t const left = b->left_e12 + (pmm_i128_t)(now_ns - b->at_ns) * b->refill_e3;
    b->left_e12 = left < b->capacity_e12 ? (int64_t)left : b->capacity_e12;
  }
  if (now_ns > b->at_ns) b->at_ns = now_ns;
}

bool pmm__bucket_take(pmm__bucket_t *bucket, int64_t now_ns, int64_t cost_e12) {
  refill(bucket, now_ns);
  if (cost_e12 > bucket->left_e12) return false;
  bucket->left_e12 -= cost_e12;
  return true;
}

typedef struct figures { double capacity[2], refill[2], place, cancel, amend; uint8_t cancels_from; } figures_t;

static figures_t figures_of(const pmm_sim_params_t *p) {
  switch ((pmm_rate_limit_t)p->rate_limit) {
  case PMM_RATE_KALSHI: return (figures_t){.capacity = {100}, .refill = {100}, .place = 10, .cancel = 2, .amend = 10};
  case PMM_RATE_POLYMARKET: return (figures_t){.capacity = {60, 120}, .refill = {40, 80}, .place = 1, .cancel = 1, .amend = 1, .cancels_from = 1};
  case PMM_RATE_DEGEN: return (figures_t){.capacity = {400}, .refill = {200}, .place = 1, .cancel = 1, .amend = 1};
  case PMM_RATE_CUSTOM:
  case PMM_RATE_NONE: break;
  }
  return (figures_t){.capacity = {p->rate_capacity}, .refill = {p->rate_refill}, .place = p->rate_cost_place, .cancel = p->rate_cost_cancel, .amend = p->rate_cost_amend};
}

static bool is_sound(const figures_t *f) {
  bool const rates = f->capacity[0] > 0 && f->capacity[0] <= PMM__TOKENS_MAX && f->refill[0] > 0 && f->refill[0] <= PMM__TOKENS_MAX;
  bool const costs = f->place >= 0 && f->cancel >= 0 && f->amend >= 0;
  return rates && costs && f->place <= f->capacity[0] && f->cancel <= f->capacity[f->cancels_from] && f->amend <= f->capacity[0];
}

pmm_status_t pmm__limit_init(pmm__limit_t *limit, const pmm_sim_params_t *params) {
  *limit = (pmm__limit_t){.on = params->rate_limit != PMM_RATE_NONE};
  if (!limit->on) return PMM_OK;
  figures_t const f = figures_of(params);
  if (!is_sound(&f)) return PMM_INVAL;
  for (int i = 0; i < 2; i++) pmm__bucket_init(&limit->bucket[i], f.capacity[i], f.refill[i]);
  limit->cost_e12[PMM_ACT_PLACE] = scaled(f.place, 1e12);
  limit->cost_e12[PMM_ACT_CANCEL] = scaled(f.cancel, 1e12);
  limit->cost_e12[PMM_ACT_AMEND] = scaled(f.amend, 1e12);
  limit->from[PMM_ACT_CANCEL] = f.cancels_from;
  return PMM_OK;
}
