/* tape/feeds.h -- messages of spot exchanges into values of underlyings: trades, and the middle of best bid and ask. A spot
   book is no book of prices in (0,1), so its depth is left out. docs/data.md, "Feeds". */
#ifndef PMM_TAPE_FEEDS_H
#define PMM_TAPE_FEEDS_H
#include "import.h"

typedef struct pmm__feed { /* one symbol of one exchange */
  char symbol[PMM_ID_MAX];
  const char *exchange; /* "binance", "coinbase": static text */
  uint32_t trade, mid;  /* underlyings, PMM_UNDER_NONE before the first */
  uint64_t trade_id, quote_id, depth_id; /* last ones; 0: none */
  uint64_t trades_missing, trade_holes, depth_holes;
} pmm__feed_t;
typedef struct pmm__feeds {
  pmm__feed_t *feed;
  size_t cnt;
  pmm_json_parser_t *json; /* for messages that are text within a line */
  char *text;
  size_t text_cap;
} pmm__feeds_t; /* zeroed: empty */
void pmm__feeds_fini(pmm__feeds_t *feeds);
void pmm__feeds_note(pmm__import_t *import, const pmm__feeds_t *feeds); /* what the numbering says is missing */

/* One message as the exchange sends it. Kinds that hold neither trade nor best prices count as skipped. */
pmm_status_t pmm__binance_take(pmm__import_t *import, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *message);
pmm_status_t pmm__coinbase_take(pmm__import_t *import, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *message);
/* The message of a field that is either an object or the text of one; *root is valid until the next call. Errors in it name
   the byte of the field. */
pmm_status_t pmm__embedded(pmm__import_t *import, pmm__source_t *source, pmm__feeds_t *feeds, const pmm_json_node_t *field,
                           const pmm_json_node_t **root);

/* "BTCUSDT", "btc/usd", "BTC-USD" -> "BTC-USD": the dollar and its stable coins are one here, so that all feeds of an asset
   share a name; other pairs keep theirs in capitals. */
void pmm__feed_id(const char *symbol, size_t len, char out[PMM_ID_MAX]);
/* A time in Unix s (decimals allowed), ms, us or ns, told apart by its digits. */
pmm_status_t pmm__any_time(const pmm__import_t *import, const pmm_json_node_t *where, const char *text, size_t len, const char *what,
                           int64_t *out_ns);
/* A price that is an integer x 10^18, rounded down to 8 decimals; PMM_PARSE, PMM_OVERFLOW. */
pmm_status_t pmm__parse_e18(const char *text, size_t len, int64_t *value_e8);
#endif
