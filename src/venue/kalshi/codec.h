/* What the files of Kalshi's codec share: the readers, and tables that say which key of an object goes into which field. */
#ifndef PMM_VENUE_KALSHI_CODEC_H
#define PMM_VENUE_KALSHI_CODEC_H
#include <string.h>
#include "base/json.h"
#include "pmm/kalshi.h"

#define PMM__KALSHI_NODES_MAX 8192 /* of the tokeniser; a message with more goes to simdjson */
#define PMM__KALSHI_DEPTH_MAX 16

struct pmm_kalshi_codec {
  pmm_json_parser_t *json;
  pmm_kalshi_reader_t reader;
  pmm_kalshi_level_t level[2][PMM_KALSHI_LEVELS_MAX];
  pmm_json_node_t node[PMM__KALSHI_NODES_MAX];
};

/* -- scan.c -- */
/* A BOOK or DELTA frame of exactly the bytes the venue usually sends; false: read it otherwise, *frame is as it was. */
bool pmm__kalshi_scan_book(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_frame_t *frame);
/* JSON without blanks and escapes, all ASCII, into nodes as simdjson's would be; false: something unusual. */
bool pmm__kalshi_tokens(pmm_json_node_t *node, size_t cap, const char *text, size_t len);

/* -- fields.c -- */
typedef enum pmm__kind {
  F_TEXT,    /* pmm_kalshi_text_t */
  F_PRICE,   /* int32_t e4, 0 .. 1 dollar */
  F_QTY,     /* int64_t e6, not negative */
  F_E6,      /* int64_t, signed, exact */
  F_E8,      /* int64_t, cut to 8 decimals */
  F_INT,     /* int64_t */
  F_COUNT,   /* uint64_t, not negative */
  F_ID,      /* uint32_t */
  F_BOOL,    /* bool */
  F_MS,      /* int64_t ns, from milliseconds */
  F_TIME,    /* int64_t ns, from RFC 3339 text, seconds, or (above 10^11) milliseconds: "ts" is any of them, by channel */
  F_BOOK_SIDE, /* uint8_t pmm_side_t, from bid, ask */
  F_OUTCOME, /* uint8_t pmm_side_t, from yes, no */
  F_WORD,    /* uint8_t, place in words, 0 when none of them */
  F_NODE     /* const pmm_json_node_t * */
} pmm__kind_t;
typedef struct pmm__field {
  const char *key;
  uint8_t len, kind;
  bool needed;
  uint16_t at;              /* offset in the struct filled */
  const char *const *words; /* F_WORD: [1..], NULL-terminated */
} pmm__field_t;
#define PMM__FIELD(type, member, key, kind, needed) {key, sizeof key - 1, kind, needed, offsetof(type, member), NULL}
#define PMM__FIELD_WORD(type, member, key, words) {key, sizeof key - 1, F_WORD, false, offsetof(type, member), words}

typedef struct pmm__read { const char *text; pmm_error_t *err; } pmm__read_t; /* err may be NULL */
pmm_status_t pmm__kalshi_bad(const pmm__read_t *r, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Fills out from object by the table (at most 32 rows). Keys that are absent or null leave their fields as they were; of equal keys the first counts. */
pmm_status_t pmm__fields(const pmm__read_t *r, const pmm_json_node_t *object, const pmm__field_t *field, size_t cnt, void *out);
/* One value, as its row of a table wants it. */
pmm_status_t pmm__value(const pmm__read_t *r, const pmm_json_node_t *value, const pmm__field_t *field, void *out);
pmm_status_t pmm__array(const pmm__read_t *r, const pmm_json_node_t *object, const char *key,
                        const pmm_json_node_t **out); /* PMM_PARSE when missing or no array */
/* Text of a node into a buffer of cap bytes, NUL-terminated; PMM_PARSE when too long. */
pmm_status_t pmm__copy(const pmm__read_t *r, pmm_kalshi_text_t text, char *out, size_t cap, const char *what);
#define PMM__COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* -- frame.c, rest.c -- */
/* Root node of a document, by the quickest reader that understands it. */
pmm_status_t pmm__kalshi_root(pmm_kalshi_codec_t *codec, const char *text, size_t len, const pmm_json_node_t **root, pmm_error_t *err);
/* [[price, count], ...] into the codec's store for a side; a node that is NULL is an empty side. */
pmm_status_t pmm__kalshi_levels(pmm_kalshi_codec_t *codec, const pmm__read_t *r, int side, const pmm_json_node_t *array, pmm_kalshi_frame_t *frame);
pmm_status_t pmm__kalshi_order(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_order_t *out);
pmm_status_t pmm__kalshi_fill(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_fill_t *out);
pmm_status_t pmm__kalshi_position(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_position_t *out);
/* A page: the array `many`, or the single object `one` (may be NULL), each item of `size` bytes by take; then the cursor. */
typedef struct pmm__list {
  const char *many, *one;
  size_t size;
  pmm_status_t (*take)(const pmm__read_t *r, const pmm_json_node_t *object, void *out);
} pmm__list_t;
pmm_status_t pmm__kalshi_list(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm__list_t list, void *out, size_t cap,
                              pmm_kalshi_page_t *page, pmm_error_t *err);
/* price_ranges to a grid. */
pmm_status_t pmm__kalshi_grid(const pmm__read_t *r, const pmm_json_node_t *ranges, pmm_grid_t *out);
#endif
