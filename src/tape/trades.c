/* Trades that a Kalshi recording shows only in its volume. Between two tickers of a market the venue's volume steps by
   twice the contracts traded (it counts both sides), and each trade took from a best level. So the records between two
   tickers wait in a queue until the second ticker tells how much was traded; then decreases at the touch are chosen that add
   up to it, and a TRADE goes before each chosen LEVEL record. What is not chosen was cancelled.
     - A decrease with an equal increase of the same side and venue time is an amended order, no trade.
     - The ticker names size and price of the last trade: the latest decrease equal to it is a trade, what comes after it none.
     - Of the rest a subset that fits exactly is sought: those at the last trade's instant are preferred, then odd sizes
       (cancelled orders are mostly whole contracts), then the later ones. Without an exact fit the same order fills up. */
#include <stdlib.h>
#include "import.h"

#define QUEUE_MAX ((size_t)1 << 18) /* records waiting; then the oldest window gives up */
#define CANDIDATES_MAX 4096         /* in one window; later ones are cancels by decree */
#define INSTANT_MAX 256             /* deltas of one venue time that an amendment is looked for among */
#define FIT_ITEMS_MAX 64
#define FIT_UNITS_MAX ((size_t)1 << 21)
#define WORDS (FIT_UNITS_MAX / 64)

typedef struct queued {
  pmm_md_t md;
  int64_t trade_e6;
} queued_t; /* trade_e6: of the TRADE to go before it */

typedef struct candidate {
  uint64_t at; /* its LEVEL record, by number of records queued so far */
  int64_t exch_ns, qty_e6;
  int32_t price_e4;
  uint8_t side;
  bool amended; /* part of a replaced order */
} candidate_t;

typedef struct instant {
  int64_t delta_e6;
  int64_t candidate; /* its index or -1 */
  uint8_t side;
  bool paired;
} instant_t;

typedef struct pmm__window {
  pmm__imarket_t *market;
  bool has_volume;
  int64_t volume_e6;
  candidate_t *candidate;
  size_t cnt, cap;
  int64_t instant_ns;
  instant_t instant[INSTANT_MAX];
  size_t instant_cnt;
} window_t;

struct pmm__trades {
  queued_t *queue; /* queue[i] is record number first + i */
  size_t cnt, cap;
  uint64_t first;
  window_t **window;
  size_t window_cnt;
  uint64_t *reach;                         /* bit sets of the exact fit, on first use */
  uint64_t windows, exact, fitted, filled; /* windows with volume: all decreases taken; chosen exactly; chosen roughly */
  int64_t wanted_e6, found_e6;
};

pmm_status_t pmm__trades_new(pmm__trades_t **trades) {
  *trades = calloc(1, sizeof **trades);
  return *trades ? PMM_OK : PMM_FULL;
}

void pmm__trades_free(pmm__trades_t *t) {
  if (!t) return;
  for (size_t i = 0; i < t->window_cnt; i++) {
    free(t->window[i]->candidate);
    free(t->window[i]);
  }
  free(t->window);
  free(t->queue);
  free(t->reach);
  free(t);
}

static pmm_status_t out_of_memory(const pmm__import_t *im) { return pmm_error_set(im->err, PMM_FULL, "import: out of memory"); }

/* -- the queue -- */
/* The first record that must still wait. */
static uint64_t oldest_candidate(const pmm__trades_t *t) {
  uint64_t oldest = t->first + t->cnt;
  for (size_t i = 0; i < t->window_cnt; i++)
    if (t->window[i]->cnt > 0 && t->window[i]->candidate[0].at < oldest) oldest = t->window[i]->candidate[0].at;
  return oldest;
}

static pmm_status_t write_trade(pmm__import_t *im, const queued_t *q) {
  pmm_md_t md = q->md;
  md.kind = PMM_MD_TRADE;
  md.side = (uint8_t)pmm_side_opposite((pmm_side_t)q->md.side); /* who takes a bid sells */
  md.qty_e6 = q->trade_e6;
  md.flags = PMM_F_INFERRED;
  im->stats->records++;
  im->stats->trades++;
  im->stats->inferred++;
  im->market[md.market]->has_trades = im->market[md.market]->has_inferred = true;
  return pmm_tape_append(im->writer, &md, im->err);
}

static pmm_status_t write_until(pmm__import_t *im, uint64_t end) {
  pmm__trades_t *const t = im->trades;
  size_t const n = (size_t)(end - t->first);
  if (n == 0) return PMM_OK; /* the queue may not be there yet */
  for (size_t i = 0; i < n; i++) {
    pmm_status_t st = t->queue[i].trade_e6 > 0 ? write_trade(im, &t->queue[i]) : PMM_OK;
    if (st == PMM_OK) st = pmm_tape_append(im->writer, &t->queue[i].md, im->err);
    if (st != PMM_OK) return st;
  }
  memmove(t->queue, t->queue + n, (t->cnt - n) * sizeof *t->queue);
  t->cnt -= n;
  t->first = end;
  return PMM_OK;
}

static void drop_candidates(window_t *w, size_t n) {
  if (n) memmove(w->candidate, w->candidate + n, (w->cnt - n) * sizeof *w->candidate);
  w->cnt -= n;
  w->instant_cnt = 0; /* their indices moved */
}

/* A market whose ticker does not come must not hold up the rest. */
static void give_up_oldest(pmm__trades_t *t) {
  uint64_t const oldest = oldest_candidate(t);
  for (size_t i = 0; i < t->window_cnt; i++)
    if (t->window[i]->cnt > 0 && t->window[i]->candidate[0].at == oldest) drop_candidates(t->window[i], t->window[i]->cnt);
}

static pmm_status_t make_room(pmm__import_t *im) {
  pmm__trades_t *const t = im->trades;
  if (t->cnt == QUEUE_MAX) {
    give_up_oldest(t);
    return write_until(im, oldest_candidate(t));
  }
  size_t const cap = t->cap ? t->cap * 2 : 4096;
  queued_t *const grown = realloc(t->queue, cap * sizeof *grown);
  if (!grown) return out_of_memory(im);
  t->queue = grown;
  t->cap = cap;
  return PMM_OK;
}

pmm_status_t pmm__trades_push(pmm__import_t *im, const pmm_md_t *md) {
  pmm__trades_t *const t = im->trades;
  if (t->cnt == t->cap) {
    pmm_status_t const st = make_room(im);
    if (st != PMM_OK) return st;
  }
  t->queue[t->cnt++] = (queued_t){.md = *md};
  return PMM_OK;
}

/* -- windows -- */
static window_t *window_of(pmm__trades_t *t, pmm__imarket_t *m) {
  if (m->window) return m->window;
  window_t **const grown = realloc(t->window, (t->window_cnt + 1) * sizeof *grown);
  if (!grown) return NULL;
  t->window = grown;
  window_t *const w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->market = m;
  t->window[t->window_cnt++] = m->window = w;
  return w;
}

static bool add_candidate(window_t *w, const candidate_t *c) {
  if (w->cnt == w->cap) {
    size_t const cap = w->cap ? w->cap * 2 : 64;
    candidate_t *const grown = realloc(w->candidate, cap * sizeof *grown);
    if (!grown) return false;
    w->candidate = grown;
    w->cap = cap;
  }
  w->candidate[w->cnt++] = *c;
  return true;
}

/* Looks for the other half of an amended order among the deltas of this instant; marks both. */
static void pair_amendment(window_t *w, instant_t *mine) {
  for (size_t i = w->instant_cnt; i-- > 0;) {
    instant_t *const other = &w->instant[i];
    if (other->paired || other->side != mine->side || other->delta_e6 != -mine->delta_e6) continue;
    other->paired = mine->paired = true;
    if (other->candidate >= 0) w->candidate[other->candidate].amended = true;
    if (mine->candidate >= 0) w->candidate[mine->candidate].amended = true;
    return;
  }
}

pmm_status_t pmm__trades_delta(pmm__import_t *im, pmm__imarket_t *m, const pmm_md_t *level, int64_t delta_e6, bool at_touch) {
  pmm__trades_t *const t = im->trades;
  window_t *const w = window_of(t, m);
  if (!w) return out_of_memory(im);
  instant_t mine = {.delta_e6 = delta_e6, .candidate = -1, .side = level->side};
  if (level->exch_ns != w->instant_ns) w->instant_cnt = 0;
  w->instant_ns = level->exch_ns;
  if (delta_e6 < 0 && at_touch && w->cnt < CANDIDATES_MAX) {
    candidate_t const c = {
        .at = t->first + t->cnt - 1, .exch_ns = level->exch_ns, .qty_e6 = -delta_e6, .price_e4 = level->price_e4, .side = level->side};
    mine.candidate = (int64_t)w->cnt;
    if (!add_candidate(w, &c)) return out_of_memory(im);
  }
  pair_amendment(w, &mine);
  if (w->instant_cnt < INSTANT_MAX) w->instant[w->instant_cnt++] = mine;
  return PMM_OK;
}

void pmm__trades_forget(pmm__import_t *im, pmm__imarket_t *m) {
  (void)im;
  if (!m->window) return;
  drop_candidates(m->window, m->window->cnt);
  m->window->has_volume = false;
}

/* -- choosing -- */
/* last: the known last trade, or NULL */
static int rank(const candidate_t *c, const candidate_t *last) {
  if (last && c->exch_ns == last->exch_ns && c->side == last->side) return 0;
  return c->qty_e6 % PMM_ONE_E6 != 0 ? 1 : 2;
}

static bool goes_before(const candidate_t *a, const candidate_t *b, const candidate_t *last) {
  int const x = rank(a, last), y = rank(b, last);
  return x != y ? x < y : a->at > b->at;
}

/* Insertion sort: windows are small, and mostly in order. */
static void sort_by_preference(const candidate_t **item, size_t cnt, const candidate_t *last) {
  for (size_t i = 1; i < cnt; i++) {
    const candidate_t *const c = item[i];
    size_t at = i;
    for (; at > 0 && goes_before(c, item[at - 1], last); at--) item[at] = item[at - 1];
    item[at] = c;
  }
}

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t const r = a % b;
    a = b;
    b = r;
  }
  return a;
}

/* to |= from << shift, both of `words` words. */
static void or_shifted(uint64_t *to, const uint64_t *from, size_t shift, size_t words) {
  size_t const whole = shift / 64, bits = shift % 64;
  for (size_t i = words; i-- > whole;) {
    uint64_t v = from[i - whole] << bits;
    if (bits && i > whole) v |= from[i - whole - 1] >> (64 - bits);
    to[i] |= v;
  }
}

static bool has_bit(const uint64_t *set, size_t bit) { return set[bit / 64] >> (bit % 64) & 1; }

/* Marks the first subset, in order of preference, whose sizes add up to want_e6; false when there is none or it is too large
   to look for. reach[i] holds the sums that items i.. can make. */
static bool choose_exactly(pmm__trades_t *t, const candidate_t **item, size_t cnt, int64_t want_e6) {
  int64_t unit = want_e6;
  for (size_t i = 0; i < cnt; i++) unit = gcd(unit, item[i]->qty_e6);
  size_t want = (size_t)(want_e6 / unit), words = want / 64 + 1;
  if (cnt > FIT_ITEMS_MAX || want >= FIT_UNITS_MAX) return false;
  if (!t->reach && !(t->reach = malloc((FIT_ITEMS_MAX + 1) * WORDS * sizeof *t->reach))) return false;
  memset(t->reach + cnt * words, 0, words * sizeof *t->reach);
  t->reach[cnt * words] = 1;
  for (size_t i = cnt; i-- > 0;) {
    uint64_t *const mine = t->reach + i * words;
    memcpy(mine, mine + words, words * sizeof *mine);
    size_t const size = (size_t)(item[i]->qty_e6 / unit);
    if (size <= want) or_shifted(mine, mine + words, size, words);
  }
  if (!has_bit(t->reach, want)) return false;
  for (size_t i = 0; i < cnt; i++) {
    size_t const size = (size_t)(item[i]->qty_e6 / unit);
    if (size > want || !has_bit(t->reach + (i + 1) * words, want - size)) continue;
    t->queue[item[i]->at - t->first].trade_e6 = item[i]->qty_e6;
    want -= size;
  }
  return true;
}

static void choose_roughly(pmm__trades_t *t, const candidate_t **item, size_t cnt, int64_t want_e6) {
  for (size_t i = 0; i < cnt && want_e6 > 0; i++) {
    int64_t const take_e6 = pmm_min64(item[i]->qty_e6, want_e6);
    t->queue[item[i]->at - t->first].trade_e6 = take_e6;
    want_e6 -= take_e6;
  }
}

/* The latest decrease of exactly the last trade's size and price. */
static const candidate_t *last_trade(const window_t *w, size_t cnt, const pmm__ticker_t *ticker, int64_t want_e6) {
  for (size_t i = cnt; i-- > 0;) {
    const candidate_t *const c = &w->candidate[i];
    if (!c->amended && c->qty_e6 == ticker->last_size_e6 && c->price_e4 == ticker->last_price_e4 && c->qty_e6 <= want_e6) return c;
  }
  return NULL;
}

/* Candidates up to and including the last trade, without it. */
static size_t collect(const window_t *w, size_t cnt, const candidate_t *last, const candidate_t **item, int64_t *sum_e6) {
  size_t n = 0;
  *sum_e6 = 0;
  for (size_t i = 0; i < cnt; i++) {
    const candidate_t *const c = &w->candidate[i];
    if (c->amended || c == last || (last && c->at > last->at)) continue;
    item[n++] = c;
    *sum_e6 += c->qty_e6;
  }
  return n;
}

static void choose(pmm__trades_t *t, const window_t *w, size_t cnt, const pmm__ticker_t *ticker, int64_t want_e6) {
  const candidate_t *item[CANDIDATES_MAX];
  int64_t sum_e6;
  const candidate_t *const last = last_trade(w, cnt, ticker, want_e6);
  size_t const n = collect(w, cnt, last, item, &sum_e6);
  t->windows++;
  t->wanted_e6 += want_e6;
  if (last) {
    t->queue[last->at - t->first].trade_e6 = last->qty_e6;
    t->found_e6 += last->qty_e6;
    want_e6 -= last->qty_e6;
  }
  t->found_e6 += pmm_min64(want_e6, sum_e6);
  sort_by_preference(item, n, last);
  bool const all = sum_e6 == want_e6, exactly = !all && (want_e6 == 0 || (sum_e6 > want_e6 && choose_exactly(t, item, n, want_e6)));
  if (!exactly) choose_roughly(t, item, n, want_e6);
  t->exact += all;
  t->fitted += exactly;
  t->filled += !all && !exactly;
}

/* The ticker speaks for the deltas up to its venue time; later ones wait for the next. */
static size_t covered(const window_t *w, int64_t exch_ns) {
  size_t n = 0;
  while (n < w->cnt && (exch_ns == PMM_TIME_NONE || w->candidate[n].exch_ns <= exch_ns)) n++;
  return n;
}

pmm_status_t pmm__trades_ticker(pmm__import_t *im, pmm__imarket_t *m, const pmm__ticker_t *ticker) {
  pmm__trades_t *const t = im->trades;
  window_t *const w = window_of(t, m);
  if (!w) return out_of_memory(im);
  size_t const n = covered(w, ticker->exch_ns);
  int64_t const traded_e6 = (ticker->volume_e6 - w->volume_e6) / 2; /* volume counts both sides of a contract */
  if (w->has_volume && traded_e6 > 0) choose(t, w, n, ticker, traded_e6);
  w->volume_e6 = ticker->volume_e6;
  w->has_volume = true;
  drop_candidates(w, n);
  return write_until(im, oldest_candidate(t));
}

pmm_status_t pmm__trades_flush(pmm__import_t *im) { return write_until(im, im->trades->first + im->trades->cnt); }

void pmm__trades_note(pmm__import_t *im) {
  const pmm__trades_t *const t = im->trades;
  pmm__note(im,
            "trades inferred from volume: %llu windows, %llu all taken, %llu chosen exactly, %llu roughly; %lld of %lld contracts found",
            (unsigned long long)t->windows, (unsigned long long)t->exact, (unsigned long long)t->fitted, (unsigned long long)t->filled,
            (long long)(t->found_e6 / PMM_ONE_E6), (long long)(t->wanted_e6 / PMM_ONE_E6));
}
