/* tests/exchange/rig.h -- short ways to say actions and records. */
#ifndef RIG_H
#define RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pmm/exchange.h"

#define LOT INT64_C(10000)
#define ONE INT64_C(1000000)
#define CNT(a) (sizeof(a) / sizeof(a)[0])

static inline uint64_t test_ops(uint64_t fast) {
  const char *const text = getenv("PMM_TEST_OPS");
  return text ? strtoull(text, NULL, 10) : fast;
}

static inline uint64_t test_seed(void) {
  const char *const text = getenv("PMM_TEST_SEED");
  uint64_t const seed = text ? strtoull(text, NULL, 10) : 20260722;
  print_message("seed %llu\n", (unsigned long long)seed);
  return seed;
}

static inline pmm_action_t act_place(uint32_t market, uint64_t id, pmm_route_t route, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif, uint8_t flags) {
  return (pmm_action_t){.order_id = id, .qty_e6 = qty_e6, .price_e4 = price_e4, .market = market, .kind = PMM_ACT_PLACE, .route = (uint8_t)route, .tif = (uint8_t)tif, .flags = flags};
}
static inline pmm_action_t act_cancel(uint32_t market, uint64_t id) {
  return (pmm_action_t){.order_id = id, .market = market, .kind = PMM_ACT_CANCEL};
}
static inline pmm_action_t act_amend(uint32_t market, uint64_t id, int32_t price_e4, int64_t qty_e6) {
  return (pmm_action_t){.order_id = id, .qty_e6 = qty_e6, .price_e4 = price_e4, .market = market, .kind = PMM_ACT_AMEND};
}

static inline pmm_md_t md_level(uint32_t market, pmm_side_t side, int32_t price_e4, int64_t qty_e6, uint8_t flags) {
  return (pmm_md_t){.qty_e6 = qty_e6, .price_e4 = price_e4, .market = market, .kind = PMM_MD_LEVEL, .side = (uint8_t)side, .flags = flags};
}
static inline pmm_md_t md_trade(uint32_t market, pmm_side_t taker, int32_t price_e4, int64_t qty_e6, uint8_t flags) {
  return (pmm_md_t){.qty_e6 = qty_e6, .price_e4 = price_e4, .market = market, .kind = PMM_MD_TRADE, .side = (uint8_t)taker, .flags = flags};
}
static inline pmm_md_t md_plain(uint32_t market, pmm_kind_t kind, uint8_t flags) {
  return (pmm_md_t){.market = market, .kind = (uint8_t)kind, .flags = flags};
}

static inline const char *kind_name(uint8_t kind) {
  switch (kind) {
  case PMM_MD_LEVEL: return "LEVEL";
  case PMM_MD_TRADE: return "TRADE";
  case PMM_MD_STATUS: return "STATUS";
  case PMM_MD_TICK: return "TICK";
  case PMM_EV_ACK: return "ACK";
  case PMM_EV_REJECT: return "REJECT";
  case PMM_EV_FILL: return "FILL";
  case PMM_EV_CANCELLED: return "CANCELLED";
  case PMM_EV_CANCEL_REJECT: return "CANCEL_REJECT";
  case PMM_EV_AMENDED: return "AMENDED";
  case PMM_EV_AMEND_REJECT: return "AMEND_REJECT";
  case PMM_EV_EXPIRED: return "EXPIRED";
  default: return "?";
  }
}
#endif
