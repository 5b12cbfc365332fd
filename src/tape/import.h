/* tape/import.h -- what the importers share: sources merged by receive time, markets with their books and life
   cycle, messages turned into records. docs/data.md explains the rules; each importer says what its source needs. */
#ifndef PMM_TAPE_IMPORT_H
#define PMM_TAPE_IMPORT_H
#include <string.h>
#include "base/json.h"
#include "book.h"
#include "format.h"
#include "input.h"
#include "names.h"
#include "pmm/tape.h"
#include "skew.h"

typedef struct pmm__import pmm__import_t;
typedef struct pmm__trades pmm__trades_t;
typedef struct pmm__csv pmm__csv_t; /* csv.h */

/* -- sources: files read in step -- */
typedef struct pmm__source {
  const char *path; /* the caller's; NULL: a block of memory */
  const char *name;
  const void *data;
  size_t len;
  pmm__input_t *input; /* NULL: not open (not yet, or no more) */
  pmm_json_parser_t *json;
  const char *text;            /* the present line */
  const pmm_json_node_t *root; /* and its JSON */
  uint32_t json_at;            /* which begins so many bytes into the line */
  pmm_json_parser_t *inner;    /* captures: of a frame that came as text */
  char *inner_text;
  pmm__csv_t *csv; /* or the source is a table */
  int64_t recv_ns;             /* its place in the merge: by time, then rank, then seq, then order of sources */
  uint64_t rank, seq;
  size_t order; /* as the user named them */
  bool ended;
  bool silent;     /* its next item is the end of its trust: it said nothing for the time of --gap */
  int64_t held_ns; /* then: when the item after the silence comes; PMM_NS_MAX: never */
  uint64_t done_bytes; /* of a source that has ended */
  void *own;           /* the importer's state for it while it is open; one malloc'd block */
} pmm__source_t;

/* Moves an open source to its next item (mostly a line) and sets recv_ns, rank and seq. PMM_END. */
typedef pmm_status_t (*pmm__next_fn)(pmm__import_t *import, pmm__source_t *source);
/* Handles the present item of a source. */
typedef pmm_status_t (*pmm__item_fn)(pmm__import_t *import, pmm__source_t *source);

pmm_status_t pmm__source_open(pmm__import_t *import, pmm__source_t *source);
void pmm__source_close(pmm__source_t *source);
void pmm__progress(const pmm__import_t *import); /* every thousandth line */
pmm_status_t pmm__source_line(pmm__import_t *import, pmm__source_t *source);  /* next line, parsed; PMM_END */
pmm_status_t pmm__source_whole(pmm__import_t *import, pmm__source_t *source); /* the whole file as one document */
/* pmm__sources_first opens each source for its first item only, so that recv_ns tells where it begins; empty ones end. */
pmm_status_t pmm__sources_first(pmm__import_t *import, pmm__source_t *source, size_t cnt, pmm__next_fn next);
/* pmm__sources_merge hands over every item in order of the keys. A source is open only from the time it begins until it
   ends, so any number of successive files takes the memory of those that overlap. pmm__sources_first comes before. */
pmm_status_t pmm__sources_merge(pmm__import_t *import, pmm__source_t *source, size_t cnt, pmm__next_fn next, pmm__item_fn item);

/* -- markets -- */
typedef struct pmm__imarket {
  pmm_market_t desc;
  uint32_t index; /* on the tape */
  pmm__book_t book;
  bool book_known; /* since the last CLEAR and no GAP after it */
  bool opened, closed, resolved, has_trades, has_inferred;
  uint32_t seq;          /* messages so far */
  int64_t last_recv_ns;  /* of its last message */
  size_t source;         /* which brought it: pmm__source_t.order */
  int64_t last_venue_ns; /* venue time of it, or receive time where it has none */
  int32_t last_price_e4; /* last trade, 0 none */
  pmm_side_t last_taker;
  bool row_seen;          /* kalshi-bbo-csv: since its book was lost */
  int32_t last_top_e4[2]; /* [side] best prices of the last pmm__message_top that had any; 0 none */
  pmm_outcome_t outcome; /* decided, waiting for the close */
  /* kalshi-ws */
  uint64_t venue_seq, sid;    /* of the subscription; sid: captures */
  struct pmm__window *window; /* trade inference */
  bool strike_known;
} pmm__imarket_t;

/* -- the importers -- */
typedef struct pmm__importer {
  const char *name, *what; /* what: for the list of formats */
  pmm_status_t (*run)(pmm__import_t *import, pmm__source_t *source, size_t cnt);
  /* The outcome when neither --outcome nor --outcomes says it: *why tells the reason of a void (static text). UNKNOWN leaves
     the market as it stands, open for one that has not closed. */
  pmm_outcome_t (*decide)(pmm__import_t *import, const pmm__imarket_t *market, const char **why);
  int64_t close_grace_ns;   /* a market without messages of its own closes this long after its time */
  int64_t resolve_after_ns; /* and resolves this long after its close; PMM_NS_MAX: at the end, or when the importer says */
  int64_t gap_ns;           /* of --gap, when it is not given; 0: never */
} pmm__importer_t;
extern const pmm__importer_t pmm__importer_kalshi, pmm__importer_books, pmm__importer_ws, pmm__importer_multifeed, pmm__importer_bbo,
    pmm__importer_kalshi_bbo, pmm__importer_updown, pmm__importer_polls, pmm__importer_depth, pmm__importer_ladder, pmm__importer_candles,
    pmm__importer_daily, pmm__importer_prices, pmm__importer_outcomes, pmm__importer_chainlink, pmm__importer_envelope, pmm__importer_binance,
    pmm__importer_coinbase, pmm__importer_npz;

struct pmm__import {
  const pmm_import_opts_t *opts;
  const pmm__importer_t *importer;
  pmm_tape_writer_t *writer;
  pmm_import_stats_t *stats;
  pmm_error_t *err;
  const pmm__source_t *source; /* the line at work, for messages */
  pmm__source_t *sources;      /* all of them, for progress */
  size_t source_cnt;
  uint64_t total_bytes;
  int64_t gap_ns;          /* PMM_NS_MAX: never */
  pmm__imarket_t **market; /* [tape index] */
  pmm__names_t names;      /* their ids, same numbers */
  uint32_t market_cnt, market_cap;
  int64_t now_ns;                        /* receive time of the last record */
  int64_t next_due_ns;                   /* before this no market closes or resolves by the clock */
  uint32_t tick_seq[PMM_TAPE_UNDER_MAX]; /* per underlying */
  /* the message at work */
  pmm__imarket_t *at;
  int64_t exch_ns;
  pmm_md_t *md;
  size_t md_cnt, md_cap;
  /* a full book at work: sizes by price, and the prices in use in the order given */
  int64_t *full_qty[2]; /* [side][price_e4] */
  int32_t *full_price[2];
  size_t full_cnt[2];
  /* trade inference, or NULL: then records go straight to the writer */
  pmm__trades_t *trades;
  /* --outcomes */
  pmm__names_t named;
  pmm_outcome_t *named_outcome;
  pmm__skew_t skew[2]; /* of markets, of underlyings: for the provenance */
  char *notes; /* JSON strings joined by commas, or NULL */
  size_t notes_len;
  struct pmm__ws *ws; /* Polymarket's market channel: condition ids and tokens met so far */
  bool ends_unknown; /* kalshi-ws captures: a market without a close may go on after the last frame */
  void *own;          /* the importer's state */
};

pmm_status_t pmm__no_memory(const pmm__import_t *import);
/* -- errors: "file:line: byte N: reason", N counted from 1 in the line -- */
pmm_status_t pmm__bad(const pmm__import_t *import, const pmm_json_node_t *node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* -- reading fields (fields.c): a missing or malformed one is an error that names it -- */
pmm_status_t pmm__field(const pmm__import_t *import, const pmm_json_node_t *object, const char *key, const pmm_json_node_t **node);
pmm_status_t pmm__number(const pmm__import_t *import, const pmm_json_node_t *node, const char *what, int scale, int64_t *out);
pmm_status_t pmm__number_floor(const pmm__import_t *import, const pmm_json_node_t *node, const char *what, int scale, int64_t *out);
pmm_status_t pmm__field_number(const pmm__import_t *import, const pmm_json_node_t *object, const char *key, int scale, int64_t *out);
pmm_status_t pmm__field_time(const pmm__import_t *import, const pmm_json_node_t *object, const char *key,
                             int64_t *out_ns); /* RFC 3339; null or absent: PMM_TIME_NONE */
pmm_status_t pmm__field_text(const pmm__import_t *import, const pmm_json_node_t *object, const char *key, char out[PMM_ID_MAX]);
pmm_status_t pmm__field_seconds(const pmm__import_t *import, const pmm_json_node_t *object, const char *key,
                                int64_t *out_ns); /* Unix s, decimals kept */
pmm_status_t pmm__field_ms(const pmm__import_t *import, const pmm_json_node_t *object, const char *key, int64_t *out_ns); /* Unix ms */
pmm_status_t pmm__seconds(const pmm__import_t *import, const pmm_json_node_t *node, const char *what, int64_t *out_ns);
/* A price inside (0,1). */
pmm_status_t pmm__price(const pmm__import_t *import, const pmm_json_node_t *node, const char *what, int32_t *price_e4);
pmm_status_t pmm__size(const pmm__import_t *import, const pmm_json_node_t *node, const char *what, int64_t *qty_e6); /* >= 0 */

/* -- markets (markets.c) -- */
pmm__imarket_t *pmm__market_find(const pmm__import_t *import, const char *id, size_t len);
/* Adds a market to the tape; its book is empty and unknown. desc->life is set here. */
pmm_status_t pmm__market_add(pmm__import_t *import, const pmm_market_t *desc, pmm__imarket_t **market);
pmm_status_t pmm__market_update(pmm__import_t *import, pmm__imarket_t *market); /* writes a changed desc */
pmm_status_t pmm__underlying_add(pmm__import_t *import, const char *id, const char *source, pmm_under_kind_t kind, uint32_t *index);
/* Before a message of it: what is due in any market by then, its own life, its book. */
pmm_status_t pmm__market_meet(pmm__import_t *import, pmm__imarket_t *market, int64_t recv_ns, int64_t venue_ns);
/* Runs the clock to recv_ns, for what happens between messages: closes and resolves what is due. */
pmm_status_t pmm__clock(pmm__import_t *import, int64_t recv_ns);
/* A gap: nothing was recorded of the market since its last message. Nothing when its book is not known anyway. */
pmm_status_t pmm__market_gap(pmm__import_t *import, pmm__imarket_t *market);
/* The outcome is known; RESOLVED follows at once, or right after the close. --outcome and --outcomes go before it. */
pmm_status_t pmm__market_resolve(pmm__import_t *import, pmm__imarket_t *market, pmm_outcome_t outcome);
/* The venue says that it is over: CLOSED now, whatever the clock. */
pmm_status_t pmm__market_close(pmm__import_t *import, pmm__imarket_t *market);
/* Opens a market by the clock, for sources that have no messages of it. */
pmm_status_t pmm__market_open(pmm__import_t *import, pmm__imarket_t *market, int64_t recv_ns);
/* The taker's side of a print that does not name it, in YES space: at or beyond the ask it bought, at or beyond the bid it sold;
   between them, or without a book, an up-tick bought and a down-tick sold, and an unchanged price repeats the last. */
pmm_side_t pmm__taker_of(const pmm__imarket_t *market, int32_t price_e4);
pmm_status_t pmm__outcomes_read(pmm__import_t *import); /* --outcomes, before anything else */
pmm_status_t pmm__markets_end(pmm__import_t *import);   /* after the last message: every market closes and resolves as far as is known */
void pmm__note(pmm__import_t *import, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* models: mid >= 0.95 yes, <= 0.05 no, else void; missing sides (0) count as 0 and 1. */
pmm_outcome_t pmm__outcome_of_book(int32_t bid_e4, int32_t ask_e4);
/* The same of last_top_e4, but unknown instead of void, for pmm__importer_t.decide. */
pmm_outcome_t pmm__outcome_of_top(pmm__import_t *import, const pmm__imarket_t *market, const char **why);

/* -- messages (messages.c): begin, any number of records, end -- */
/* Moves the clock and the market's life cycle; recv_ns may be clamped. */
pmm_status_t pmm__message_begin(pmm__import_t *import, pmm__imarket_t *market, int64_t recv_ns, int64_t exch_ns);
pmm_status_t pmm__message_add(pmm__import_t *import, pmm_kind_t kind, int side, int32_t price_e4, int64_t qty_e6, int flags);
pmm_status_t pmm__message_end(pmm__import_t *import); /* flags the last record, or writes a MARK */
/* Within a message: a level takes a size; nothing when it has it already. Refines the tick first if the price asks for it. */
pmm_status_t pmm__message_level(pmm__import_t *import, pmm_side_t side, int32_t price_e4, int64_t qty_e6);
/* Within a message: the grid becomes uniform with this step; nothing when it is so already. */
pmm_status_t pmm__message_tick(pmm__import_t *import, const pmm_json_node_t *where, int64_t tick_e4);
pmm_status_t pmm__message_clear(pmm__import_t *import); /* CLEAR; the book is known from here */
/* Within a message: a whole book. Levels come in any order, each price once per side; end compares with the present book
   and adds what differs, or all of it after a CLEAR when no book was known. */
void pmm__full_begin(pmm__import_t *import);
pmm_status_t pmm__full_level(pmm__import_t *import, pmm_side_t side, int32_t price_e4, int64_t qty_e6, const pmm_json_node_t *where);
pmm_status_t pmm__full_end(pmm__import_t *import);
/* Within a message: the book is its best prices; 0 or 1 dollar is an empty side, size 0 a price without a size. */
typedef struct pmm__top {
  int32_t price_e4[2]; /* [side] */
  int64_t qty_e6[2];
} pmm__top_t;
pmm_status_t pmm__message_top(pmm__import_t *import, const pmm__top_t *top);
/* A whole message of an underlying. */
pmm_status_t pmm__underlying_tick(pmm__import_t *import, uint32_t underlying, pmm_under_kind_t kind, int64_t recv_ns, int64_t exch_ns,
                                  int64_t value_e8);
/* Sends one record on: to the writer, or to the queue of trade inference. */
pmm_status_t pmm__emit(pmm__import_t *import, const pmm_md_t *md);

/* -- trade inference (trades.c): docs/data.md, "Trades that were not recorded" -- */
pmm_status_t pmm__trades_new(pmm__trades_t **trades);
void pmm__trades_free(pmm__trades_t *trades);
pmm_status_t pmm__trades_push(pmm__import_t *import, const pmm_md_t *md);
/* The LEVEL record just pushed changed `market` by delta_e6 at venue time exch_ns. */
pmm_status_t pmm__trades_delta(pmm__import_t *import, pmm__imarket_t *market, const pmm_md_t *level, int64_t delta_e6, bool at_touch);
typedef struct pmm__ticker {
  int64_t exch_ns, volume_e6, last_size_e6;
  int32_t last_price_e4;
} pmm__ticker_t;
pmm_status_t pmm__trades_ticker(pmm__import_t *import, pmm__imarket_t *market, const pmm__ticker_t *ticker);
void pmm__trades_forget(pmm__import_t *import, pmm__imarket_t *market); /* after a gap: window and volume start anew */
pmm_status_t pmm__trades_flush(pmm__import_t *import);                  /* at the end: everything queued goes out */
void pmm__trades_note(pmm__import_t *import);

void pmm__kalshi_terms(pmm_market_t *desc); /* kalshi.c: venue, fees, event of desc->id */

/* -- Polymarket (polymarket.c): two mirrored tokens, one book -- */
void pmm__polymarket_terms(pmm_market_t *desc); /* venue, cent grid, lot, fees of crypto markets */
/* Start and length from "<asset>-updown-<5m|15m|4h>-<unix start>"; false for another name. */
bool pmm__polymarket_window(const char *slug, int64_t *open_ns, int64_t *close_ns);
/* A trade of one token, told by its taker: into the present message in YES space. */
pmm_status_t pmm__polymarket_trade(pmm__import_t *import, bool mirrored, pmm_side_t taker, int32_t price_e4, int64_t qty_e6);
/* Outcome by the last book, when the recording comes within a minute of the close. */
pmm_outcome_t pmm__polymarket_decide(pmm__import_t *import, const pmm__imarket_t *market, const char **why);
/* One message of the market channel, for importers that meet it within something else (import_ws.c): begin first, end last. */
pmm_status_t pmm__ws_begin(pmm__import_t *import);
pmm_status_t pmm__ws_message(pmm__import_t *import, int64_t recv_ns, const pmm_json_node_t *message);
void pmm__ws_end(pmm__import_t *import);
/* An up-or-down market by its condition id, before its messages: *desc is to be completed at once. */
pmm_status_t pmm__ws_know(pmm__import_t *import, const char *condition, const char *slug, pmm_market_t **desc);
/* bids and asks of a book message into the present message; mirrored: they are the NO token's. */
pmm_status_t pmm__polymarket_book(pmm__import_t *import, const pmm_json_node_t *message, bool mirrored);
#endif
