/* calibrate_flow.c -- what prints did to the makers they hit: the mid 1 s, 10 s and 60 s later against the price of the print. */
#include <stdlib.h>
#include <string.h>
#include "calibrate_impl.h"

#define KEEP_FREE 65536 /* prints done with are forgotten in lots of this many */

const double pmm_cal_horizon_s[PMM_CAL_HORIZONS] = {1, 10, 60};

typedef struct print {
  int64_t at_ns;
  double price, mid, contracts;
  uint32_t market;
  uint8_t side, size;
} print_t;
typedef struct sums {
  uint64_t prints;
  double contracts, gain, gain2, qty, adverse, own;
} sums_t; /* gain: dollars; gain2: of squares of a contract's */

struct pmm__prints {
  print_t *print;
  size_t cnt, cap;
  size_t next[PMM_CAL_HORIZONS];
  sums_t sums[2][PMM_CAL_SIZES][PMM_CAL_HORIZONS];
  uint64_t seen[2][PMM_CAL_SIZES];
  double contracts[2][PMM_CAL_SIZES];
  double adverse[PMM_CAL_HORIZONS];
  uint64_t adverse_cnt[PMM_CAL_HORIZONS]; /* log-odds, over prints */
};

pmm_status_t pmm__prints_open(pmm__prints_t **prints) {
  *prints = calloc(1, sizeof **prints);
  return *prints ? PMM_OK : PMM_FULL;
}

void pmm__prints_close(pmm__prints_t *p) {
  if (p) free(p->print);
  free(p);
}

static void settle(pmm__prints_t *p, const print_t *x, int h, double mid) {
  double const sign = x->side == PMM_ASK ? 1 : -1; /* a seller hit a maker's bid: the maker bought */
  double const gain = sign * (mid - x->price), moved = sign * (mid - x->mid);
  sums_t *const s = &p->sums[x->side][x->size][h];
  s->prints++;
  s->qty += x->contracts;
  s->gain += gain * x->contracts;
  s->own += gain;
  s->gain2 += gain * gain;
  if (moved < -1e-9) s->adverse += x->contracts;
  p->adverse[h] += fmax(0, -sign * (pmm_logit(mid) - pmm_logit(x->mid)));
  p->adverse_cnt[h]++;
}

static void forget(pmm__prints_t *p) {
  size_t done = p->next[PMM_CAL_HORIZONS - 1];
  if (done < KEEP_FREE) return;
  memmove(p->print, p->print + done, (p->cnt - done) * sizeof *p->print);
  p->cnt -= done;
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) p->next[h] -= done;
}

void pmm__prints_mature(pmm__prints_t *p, int64_t now_ns, const double *mid, const bool *has) {
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) {
    int64_t const horizon_ns = (int64_t)(pmm_cal_horizon_s[h] * 1e9);
    for (; p->next[h] < p->cnt && now_ns - p->print[p->next[h]].at_ns > horizon_ns; p->next[h]++) {
      const print_t *const x = &p->print[p->next[h]];
      if (has[x->market]) settle(p, x, h, mid[x->market]); /* the book is gone at the end of a market: no markout */
    }
  }
  forget(p);
}

pmm_status_t pmm__prints_add(pmm__prints_t *p, const pmm_md_t *md, double mid) {
  if (p->cnt == p->cap) {
    size_t const cap = p->cap ? p->cap * 2 : 4096;
    print_t *const more = realloc(p->print, cap * sizeof *more);
    if (!more) return PMM_FULL;
    p->print = more;
    p->cap = cap;
  }
  double const contracts = (double)md->qty_e6 / 1e6;
  uint8_t const size = contracts < 10 ? 0 : contracts < 100 ? 1 : 2;
  p->print[p->cnt++] = (print_t){.at_ns = md->recv_ns,
                                 .price = md->price_e4 / 1e4,
                                 .mid = mid,
                                 .contracts = contracts,
                                 .market = md->market,
                                 .side = md->side,
                                 .size = size};
  p->seen[md->side][size]++;
  p->contracts[md->side][size] += contracts;
  return PMM_OK;
}

static void report(pmm_cal_markout_t *out, const sums_t s[PMM_CAL_HORIZONS], uint64_t prints, double contracts) {
  *out = (pmm_cal_markout_t){.prints = prints, .contracts = contracts};
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) {
    double const n = (double)s[h].prints, mean = s[h].own / n;
    out->mean[h] = s[h].qty > 0 ? s[h].gain / s[h].qty : NAN;
    out->se[h] = n > 1 ? sqrt(fmax(0, s[h].gain2 / n - mean * mean) / (n - 1)) : NAN;
    out->adverse[h] = s[h].qty > 0 ? s[h].adverse / s[h].qty : NAN;
  }
}

void pmm__prints_report(const pmm__prints_t *p, pmm_calibration_t *out) {
  sums_t all[PMM_CAL_HORIZONS] = {0};
  uint64_t prints = 0;
  double contracts = 0;
  for (int side = 0; side < 2; side++)
    for (int size = 0; size < PMM_CAL_SIZES; size++) {
      report(&out->markout[side][size], p->sums[side][size], p->seen[side][size], p->contracts[side][size]);
      prints += p->seen[side][size];
      contracts += p->contracts[side][size];
      for (int h = 0; h < PMM_CAL_HORIZONS; h++) {
        const sums_t *const s = &p->sums[side][size][h];
        all[h].prints += s->prints, all[h].qty += s->qty, all[h].gain += s->gain, all[h].own += s->own, all[h].gain2 += s->gain2,
            all[h].adverse += s->adverse;
      }
    }
  report(&out->markout_all, all, prints, contracts);
  out->adverse_10s = p->adverse_cnt[1] ? p->adverse[1] / (double)p->adverse_cnt[1] : NAN;
  out->adverse_60s = p->adverse_cnt[2] ? p->adverse[2] / (double)p->adverse_cnt[2] : NAN;
}
