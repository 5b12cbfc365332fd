/* exchange/queue.h -- where a resting order of ours stands in a recorded queue that does not contain it.

   Known are the sizes a level shows and the prints at its price; unknown is whether a decrease that no print explains was
   ahead of us or behind. The rule, with old and new the sizes before and after a record, after hftbacktest's ProbQueueModel:
       a print of q:   ahead -= q, and q is remembered, since the level will show the same decrease again
       a level record: cut = old - new - remembered; cut > 0 moves us by the model's share of it; then ahead <= new
   Some feeds tell the two the other way round: Polymarket's level change comes 16 to 29 ms before the print that caused it
   (measured on a recording of April 2026). There a cut that no print explains yet is remembered for lag_ns, and a print that
   follows in time takes back what the cut had moved before it moves us itself. Otherwise every trade would move us twice.
   Source: hftbacktest 0.9, backtest/models/queue.rs; R. Rigtorp, "Estimating order queue position", 2013. */
#ifndef PMM_EXCHANGE_QUEUE_H
#define PMM_EXCHANGE_QUEUE_H
#include "pmm/exchange.h"

#define PMM__AHEAD_UNKNOWN (INT64_MAX / 4) /* nobody can say: only prints beyond our price or a crossing book fill us */
#define PMM__CUTS 8                        /* remembered decreases: one for each eighth of lag_ns */

typedef struct pmm__queue_rules {
  int32_t model;  /* pmm_queue_model_t */
  double power;
  bool whole;     /* ahead may go below 0, as hftbacktest's does: prints too small for a lot add up */
  bool nosize;    /* sizes are nominal: only "empty" means something */
  int64_t lag_ns; /* 0: prints come before the level change they cause */
} pmm__queue_rules_t;

typedef struct pmm__cut { int64_t at_ns, cut_e6, moved_e6; } pmm__cut_t;

typedef struct pmm__queue {
  int64_t ahead_e6;  /* or PMM__AHEAD_UNKNOWN */
  int64_t shown_e6;  /* what the level showed when last seen */
  int64_t traded_e6; /* printed since, and not yet explained by the level */
  uint32_t cut_next; /* the oldest of cut[] */
  pmm__cut_t cut[PMM__CUTS];
} pmm__queue_t;

/* A new order goes behind what its level shows; hidden: the source shows best prices only and ours is not among them. */
void pmm__queue_join(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t shown_e6, bool hidden);
/* The level at our price now shows shown_e6. */
void pmm__queue_level(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t now_ns, int64_t shown_e6);
/* After a gap in the recording nothing is known but the bound. */
void pmm__queue_bound(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t shown_e6);
/* A print of print_e6 at our price, of which left_e6 were not filled to orders of ours before this one (all of it when `whole`).
   Returns how much of it reaches us. */
int64_t pmm__queue_print(pmm__queue_t *queue, const pmm__queue_rules_t *rules, int64_t now_ns, int64_t print_e6, int64_t left_e6);
#endif
