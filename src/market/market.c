#include "pmm/market.h"
#include <string.h>

#define LIFE_BIT(name) (1u << PMM_LIFE_##name)

void pmm_market_init(pmm_market_t *market, const char *id) {
  *market = (pmm_market_t){.venue = PMM_VENUE_SIM,
                           .life = PMM_LIFE_OPEN,
                           .outcome = PMM_OUTCOME_UNKNOWN,
                           .underlying = PMM_UNDER_NONE,
                           .lot_e6 = 10000,
                           .min_size_e6 = 10000,
                           .open_ns = PMM_TIME_NONE,
                           .close_ns = PMM_TIME_NONE};
  strncpy(market->id, id, PMM_ID_MAX - 1);
  pmm_grid_uniform(&market->grid, 100);
}

static bool is_terminated(const char *text) { return memchr(text, '\0', PMM_ID_MAX) != NULL; }

static const char *bad_name(const pmm_market_t *m) {
  if (!is_terminated(m->id) || m->id[0] == '\0') return "id: empty or not terminated";
  if (!is_terminated(m->event)) return "event: not terminated";
  if (!is_terminated(m->token_yes)) return "token_yes: not terminated";
  if (!is_terminated(m->token_no)) return "token_no: not terminated";
  return NULL;
}

static const char *bad_state(const pmm_market_t *m) {
  if (m->venue > PMM_VENUE_DEGEN) return "venue: unknown";
  if (m->life > PMM_LIFE_RESOLVED) return "life: unknown";
  if (m->outcome > PMM_OUTCOME_VOID) return "outcome: unknown";
  if (m->tie_is_yes > 1) return "tie_is_yes: neither 0 nor 1";
  return NULL;
}

/* The derived fields of a grid must be those that its ranges give. */
static bool grid_is_consistent(const pmm_grid_t *grid) {
  pmm_grid_t again;
  if (grid->range_cnt < 0 || pmm_grid_ranges(&again, grid->range, (size_t)grid->range_cnt) != PMM_OK) return false;
  return again.tick_e4 == grid->tick_e4 && again.tick_cnt == grid->tick_cnt && again.recip == grid->recip;
}

static bool is_share(int32_t x_e6) { return x_e6 >= 0 && x_e6 <= PMM_ONE_E6; }

static const char *bad_fees(const pmm_fee_schedule_t *fees) {
  if (fees->model > PMM_FEE_BPS) return "fees.model: unknown";
  if (fees->exponent > 4) return "fees.exponent: above 4";
  if (!is_share(fees->taker_rate_e6)) return "fees.taker_rate: outside 0..1";
  if (!is_share(fees->maker_rate_e6)) return "fees.maker_rate: outside 0..1";
  if (!is_share(fees->precision_e6)) return "fees.precision: outside 0..1";
  if (!is_share(fees->rebate_share_e6)) return "fees.rebate_share: outside 0..1";
  return NULL;
}

static const char *bad_terms(const pmm_market_t *m) {
  if (!grid_is_consistent(&m->grid)) return "grid: ranges and tick do not agree";
  if (m->lot_e6 <= 0) return "lot: not positive";
  if (m->min_size_e6 <= 0 || m->min_size_e6 % m->lot_e6 != 0) return "min_size: not a positive multiple of the lot";
  if (m->open_ns != PMM_TIME_NONE && m->close_ns != PMM_TIME_NONE && m->open_ns >= m->close_ns)
    return "close: not after open";
  if (m->settle_window_ns < 0) return "settle_window: negative";
  if (m->payout_yes_e6 < 0 || m->payout_yes_e6 > PMM_ONE_E6) return "payout_yes: outside 0..1";
  return bad_fees(&m->fees);
}

pmm_status_t pmm_market_check(const pmm_market_t *market, pmm_error_t *err) {
  const char *bad = bad_name(market);
  if (bad == NULL) bad = bad_state(market);
  if (bad == NULL) bad = bad_terms(market);
  if (bad == NULL) return PMM_OK;
  return pmm_error_set(err, PMM_INVAL, "market %.*s: %s", PMM_ID_MAX - 1, market->id, bad);
}

pmm_status_t pmm_life_move(pmm_life_t from, pmm_life_t to) {
  static const unsigned allowed[] = {
      [PMM_LIFE_PENDING] = LIFE_BIT(OPEN),
      [PMM_LIFE_OPEN] = LIFE_BIT(HALTED) | LIFE_BIT(CLOSED),
      [PMM_LIFE_HALTED] = LIFE_BIT(OPEN) | LIFE_BIT(CLOSED),
      [PMM_LIFE_CLOSED] = LIFE_BIT(OPEN) | LIFE_BIT(RESOLVING) | LIFE_BIT(RESOLVED),
      [PMM_LIFE_RESOLVING] = LIFE_BIT(RESOLVED) | LIFE_BIT(CLOSED),
      [PMM_LIFE_RESOLVED] = 0,
  };
  if ((unsigned)from > PMM_LIFE_RESOLVED || (unsigned)to > PMM_LIFE_RESOLVED) return PMM_STATE;
  return from == to || (allowed[from] >> to & 1u) ? PMM_OK : PMM_STATE;
}

pmm_status_t pmm_outcome_payout(pmm_outcome_t outcome, int64_t *payout_e6) {
  switch (outcome) {
  case PMM_OUTCOME_YES:
    *payout_e6 = PMM_ONE_E6;
    return PMM_OK;
  case PMM_OUTCOME_NO:
    *payout_e6 = 0;
    return PMM_OK;
  case PMM_OUTCOME_VOID:
    *payout_e6 = PMM_ONE_E6 / 2;
    return PMM_OK;
  case PMM_OUTCOME_UNKNOWN:
    break;
  }
  return PMM_INVAL;
}
