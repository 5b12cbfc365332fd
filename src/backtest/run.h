/* run.h -- what the drivers of an engine share: building it from a configuration, the queues of actions and answers
   on their way, and gathering results. */
#ifndef PMM_BACKTEST_RUN_H
#define PMM_BACKTEST_RUN_H
#include "pmm/backtest.h"

/* -- engine from configuration -- */
typedef struct pmm__setup {
  pmm_arena_t arena;
  pmm_engine_t *engine;
  pmm_market_t *market; uint32_t market_cnt; /* after the configuration's overrides */
  pmm_slot_config_t *slot; uint32_t slot_cnt;
} pmm__setup_t;
/* Applies overrides to the markets, matches strategies to them and makes the engine with `extra` bytes of arena left
   for an exchange. with_slots false: books only. Everything is released by pmm__setup_close. */
pmm_status_t pmm__setup_open(pmm__setup_t *s, const pmm_config_t *config, const pmm_market_t *market, uint32_t market_cnt,
                             const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra, pmm_error_t *err);
/* The same for an engine that shares the books of another (NULL: books of its own). */
pmm_status_t pmm__setup_open_beside(pmm__setup_t *s, pmm_engine_t *books, const pmm_config_t *config, const pmm_market_t *market, uint32_t market_cnt,
                                    const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra, pmm_error_t *err);
/* The same for a live run: no cash yet (deposits follow), one wallet a venue, wallet[market], order ids from run_id << 32 on. */
typedef struct pmm__setup_live { uint64_t run_id; uint32_t wallet_cnt; const uint32_t *wallet; int64_t cash_e6; } pmm__setup_live_t;
pmm_status_t pmm__setup_open_live(pmm__setup_t *s, const pmm_config_t *config, const pmm_market_t *market, uint32_t market_cnt,
                                  const pmm_underlying_t *underlying, uint32_t underlying_cnt, bool with_slots, size_t extra,
                                  const pmm__setup_live_t *live, pmm_error_t *err);
void pmm__setup_close(pmm__setup_t *s);

/* How long a run took: the one clock a driver reads, never the engine. */
double pmm__wall_seconds(void);

/* -- queues: first in, first out, since an order connection keeps its order -- */
#define PMM__QUEUE_CNT 65536
typedef struct pmm__queue {
  unsigned char *item; size_t item_size;
  int64_t *due_ns;
  uint64_t head, tail;
  int64_t last_ns;   /* a later item never overtakes */
} pmm__queue_t;
pmm_status_t pmm__queue_open(pmm__queue_t *q, size_t item_size);
void pmm__queue_close(pmm__queue_t *q);
static inline int64_t pmm__queue_due(const pmm__queue_t *q) {
  return q->head == q->tail ? PMM_NS_MAX : q->due_ns[q->tail & (PMM__QUEUE_CNT - 1)];
}
pmm_status_t pmm__queue_push(pmm__queue_t *q, int64_t due_ns, const void *item); /* PMM_FULL */
const void *pmm__queue_pop(pmm__queue_t *q); /* not empty; valid until the next push */

/* -- latency from configuration; samples are owned by the latency block -- */
typedef struct pmm__delays { pmm_latency_t order, response; int64_t *sample, *response_sample; } pmm__delays_t;
/* recorded_ns/cnt: receive - exchange times of the tape, used where the configuration names no file. After an error
   pmm__delays_close is still to be called. */
pmm_status_t pmm__delays_open(pmm__delays_t *d, const pmm_config_t *config, const int64_t *recorded_ns, size_t cnt, pmm_error_t *err);
void pmm__delays_close(pmm__delays_t *d);

/* -- stream: tapes merged by receive time, handed out in runs -- */
typedef struct pmm__stream pmm__stream_t;
pmm_status_t pmm__stream_open(pmm__stream_t **stream, const pmm_backtest_opts_t *opts, pmm_error_t *err);
/* Puts the configuration's scenario events into the stream, once, before its first record is taken. Without events nothing changes. */
pmm_status_t pmm__stream_script(pmm__stream_t *stream, const pmm_config_t *config, pmm_error_t *err);
void pmm__stream_close(pmm__stream_t *stream);
pmm_status_t pmm__stream_next(pmm__stream_t *stream, const pmm_md_t **md, size_t *cnt, pmm_error_t *err); /* PMM_END */
const pmm_market_t *pmm__stream_markets(const pmm__stream_t *stream, uint32_t *cnt);
const pmm_underlying_t *pmm__stream_underlyings(const pmm__stream_t *stream, uint32_t *cnt);
uint64_t pmm__stream_total(const pmm__stream_t *stream);
bool pmm__stream_truncated(const pmm__stream_t *stream);

/* -- results -- */
pmm_status_t pmm__result_gather(pmm__setup_t *s, pmm_result_t *out, pmm_error_t *err);
#endif
