/* scan_impl.h -- reading recordings for scan and calibrate: the engine's books and flows without a strategy that trades, and a
   look at every record before and after it takes effect. */
#ifndef PMM_BACKTEST_SCAN_IMPL_H
#define PMM_BACKTEST_SCAN_IMPL_H
#include "run.h"

typedef struct pmm__replay {
  pmm__setup_t setup;
  pmm__stream_t *stream;
  pmm_config_t *config;      /* a copy with one silent strategy on every market */
  uint32_t *slot_of;         /* by market; UINT32_MAX: left out by market.only */
  bool *gap;                 /* by market: its book is not to be trusted */
  const pmm_underlying_t *underlying; uint32_t underlying_cnt;
} pmm__replay_t;
pmm_status_t pmm__replay_open(pmm__replay_t *r, const pmm_config_t *config, const pmm_backtest_opts_t *data, pmm_error_t *err);
void pmm__replay_close(pmm__replay_t *r);
/* before sees every record while the books are still as they were, after once they hold it; either may be NULL. Progress is
   told as pass `pass` (from 0) of pass_cnt. */
typedef struct pmm__replay_hooks { void *ctx; void (*before)(void *ctx, const pmm_md_t *md); void (*after)(void *ctx, const pmm_md_t *md); } pmm__replay_hooks_t;
pmm_status_t pmm__replay_run(pmm__replay_t *r, const pmm_backtest_opts_t *data, const pmm__replay_hooks_t *hooks, unsigned pass, unsigned pass_cnt, pmm_error_t *err);

static inline bool pmm__is_of_market(const pmm_md_t *md) {
  return !pmm_kind_is_underlying(md->kind) && md->kind != PMM_KIND_NONE && md->kind < PMM_MD_KIND_END;
}
/* Whether the market trades and shows both sides of a book that can be trusted. */
bool pmm__replay_two_sided(const pmm__replay_t *r, uint32_t market);
void pmm__replay_view(const pmm__replay_t *r, uint32_t market, pmm_view_t *out); /* a market that is not left out */
#endif
