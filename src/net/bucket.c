#include "pmm/net.h"

static double floor_of(const pmm_bucket_t *bucket, pmm_bucket_class_t cls) {
  switch (cls) {
  case PMM_BUCKET_NORMAL: return bucket->cancel_reserve;
  case PMM_BUCKET_CANCEL: return bucket->panic_reserve;
  case PMM_BUCKET_CANCEL_ALL: return 0;
  }
  return bucket->cancel_reserve;
}

/* Tokens at a time; a bucket that was drained counts from a time yet to come. */
static double tokens_at(const pmm_bucket_t *bucket, int64_t now_ns) {
  if (now_ns <= bucket->at_ns) return bucket->tokens;
  double const filled = bucket->tokens + bucket->rate * ((double)(now_ns - bucket->at_ns) / 1e9);
  return filled < bucket->cap ? filled : bucket->cap;
}

void pmm_bucket_init(pmm_bucket_t *bucket, double rate, double cap, double cancel_reserve, double panic_reserve, int64_t now_ns) {
  *bucket = (pmm_bucket_t){.rate = rate, .cap = cap, .cancel_reserve = cancel_reserve, .panic_reserve = panic_reserve, .tokens = cap, .at_ns = now_ns};
}

bool pmm_bucket_take(pmm_bucket_t *bucket, double cost, pmm_bucket_class_t cls, int64_t now_ns) {
  double const tokens = tokens_at(bucket, now_ns);
  if (now_ns < bucket->at_ns || tokens - cost < floor_of(bucket, cls)) return false;
  bucket->tokens = tokens - cost;
  bucket->at_ns = now_ns;
  return true;
}

int64_t pmm_bucket_when(const pmm_bucket_t *bucket, double cost, pmm_bucket_class_t cls, int64_t now_ns) {
  double const need = floor_of(bucket, cls) + cost;
  int64_t const from_ns = pmm_max64(now_ns, bucket->at_ns);
  double const missing = need - tokens_at(bucket, from_ns);
  if (need > bucket->cap) return PMM_NS_MAX;
  if (missing <= 0) return from_ns;
  if (bucket->rate <= 0) return PMM_NS_MAX;
  double const wait_s = missing / bucket->rate;
  /* One nanosecond more: what is due then is there in spite of rounding. */
  return wait_s < 1e9 ? from_ns + (int64_t)(wait_s * 1e9) + 1 : PMM_NS_MAX;
}

/* Empty until then: the venue counts differently from us, so what we believed to have left is not worth keeping. */
void pmm_bucket_drain(pmm_bucket_t *bucket, int64_t now_ns, int64_t until_ns) {
  bucket->tokens = 0;
  bucket->at_ns = pmm_max64(pmm_max64(now_ns, until_ns), bucket->at_ns);
}
