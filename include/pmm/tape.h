/* pmm/tape.h -- market data on disk. A tape is a stream of 40-byte records (pmm_md_t) of many markets in receive
   order, in zstd blocks with CRC32C, with a table of markets and underlyings and a text of provenance.

   Layout (little endian; docs/tape-format.md has every byte):
     file header | block*  | footer block (index, final tables) | trailer
     block = 64-byte header {magic, type, record count, raw and packed length, first and last recv_ns, CRC32C of
     header and of payload} + payload.   types: DATA records, META tables and provenance, INDEX
   Written as a stream: markets may be added while writing; a tape cut short by a crash or a full disk opens up to
   its last whole block and says so. Read by mmap. One writer; any number of readers, one cursor per thread. */
#ifndef PMM_TAPE_H
#define PMM_TAPE_H
#include <stdio.h>
#include "pmm/event.h"
#include "pmm/market.h"

#define PMM_TAPE_VERSION 1
#define PMM_TAPE_BLOCK_RECORDS 32768 /* records per block at most */
#define PMM_TAPE_MARKETS_MAX 65536
#define PMM_TAPE_UNDER_MAX 256

/* -- writing -- */
typedef struct pmm_tape_writer pmm_tape_writer_t;
/* pmm_tape_create writes to PATH.tmp; pmm_tape_finish renames it to PATH after fsync, so nothing half-written ever
   bears the final name. provenance: free text (JSON by habit), copied. Errors name the file and the reason. */
pmm_status_t pmm_tape_create(pmm_tape_writer_t **writer, const char *path, const char *provenance, pmm_error_t *err);
/* Adds a market or underlying, giving its index; or updates one already added (same id). */
pmm_status_t pmm_tape_add_market(pmm_tape_writer_t *writer, const pmm_market_t *market, uint32_t *index, pmm_error_t *err);
pmm_status_t pmm_tape_add_underlying(pmm_tape_writer_t *writer, const pmm_underlying_t *underlying, uint32_t *index, pmm_error_t *err);
/* Appends one record. PMM_INVAL (kind, market index, recv_ns going back), PMM_IO (disk). */
pmm_status_t pmm_tape_append(pmm_tape_writer_t *writer, const pmm_md_t *md, pmm_error_t *err);
pmm_status_t pmm_tape_flush(pmm_tape_writer_t *writer, pmm_error_t *err); /* ends the block and fsyncs */
/* Writes index and trailer, fsyncs, renames; frees the writer in every case. note (may be NULL) is added to the
   provenance. On failure the temporary file is removed. */
pmm_status_t pmm_tape_finish(pmm_tape_writer_t *writer, const char *note, pmm_error_t *err);
void pmm_tape_abort(pmm_tape_writer_t *writer); /* removes the temporary file; NULL is fine */
/* Frees the writer and leaves PATH.tmp as it is, readable up to its last whole block: for a recorder whose disk is full. NULL is fine. */
void pmm_tape_leave(pmm_tape_writer_t *writer);

/* -- reading -- */
typedef struct pmm_tape pmm_tape_t;
typedef struct pmm_tape_info {
  uint32_t version;
  uint64_t records, blocks, bytes, raw_bytes, data_bytes;
  int64_t first_ns, last_ns;
  bool truncated;          /* no valid trailer: opened up to the last whole block */
  uint64_t lost_bytes;     /* bytes after the last whole block when truncated */
  const char *provenance;
} pmm_tape_info_t;
/* PMM_IO, PMM_PARSE (not a tape), PMM_VERSION, PMM_CORRUPT (header or index CRC, with the byte offset), PMM_INVAL (empty file).
   A truncated tape is PMM_OK with info.truncated. */
pmm_status_t pmm_tape_open(pmm_tape_t **tape, const char *path, pmm_error_t *err);
void pmm_tape_close(pmm_tape_t *tape);
const pmm_tape_info_t *pmm_tape_info(const pmm_tape_t *tape);
uint32_t pmm_tape_market_cnt(const pmm_tape_t *tape);
const pmm_market_t *pmm_tape_market(const pmm_tape_t *tape, uint32_t index);
uint32_t pmm_tape_underlying_cnt(const pmm_tape_t *tape);
const pmm_underlying_t *pmm_tape_underlying(const pmm_tape_t *tape, uint32_t index);

/* A cursor hands out whole blocks: *md points to *cnt records, valid until the next call. PMM_OK, PMM_END, or
   PMM_CORRUPT with the block's byte offset. */
typedef struct pmm_tape_cursor pmm_tape_cursor_t;
pmm_status_t pmm_tape_cursor_open(pmm_tape_cursor_t **cursor, const pmm_tape_t *tape, pmm_error_t *err);
void pmm_tape_cursor_close(pmm_tape_cursor_t *cursor);
pmm_status_t pmm_tape_cursor_next(pmm_tape_cursor_t *cursor, const pmm_md_t **md, size_t *cnt, pmm_error_t *err);
pmm_status_t pmm_tape_cursor_seek(pmm_tape_cursor_t *cursor, int64_t recv_ns, pmm_error_t *err); /* first block reaching recv_ns */

/* pmm_tape_verify reads everything: every CRC, every record's kind, market index and order, every book operation on a
   ladder. Any flipped bit is found. err names the byte offset, block and record. */
typedef struct pmm_tape_check { uint64_t records, blocks, markets, levels, trades, crossed_msgs, gaps; } pmm_tape_check_t;
pmm_status_t pmm_tape_verify(const char *path, pmm_tape_check_t *check, pmm_error_t *err);

/* -- figures -- */
typedef struct pmm_tape_progress { /* may be NULL wherever it is asked for */
  void (*step)(void *ctx, uint64_t done_records, uint64_t total_records);
  void *ctx;
} pmm_tape_progress_t;

/* Receive minus venue time: the offset of the recorder's clock from the venue's, plus the way of the message. Only the
   venue's own messages that bear both times count. */
typedef struct pmm_tape_skew {
  uint64_t cnt;
  int64_t median_ns, p1_ns, p99_ns; /* within 1/16384; 0 without messages */
  double negative_share;            /* received before they were sent: the clock is behind */
  double drift_ms_per_h;            /* slope through the quickest tenth of each of 32 equal parts of the tape (Theil-Sen) */
  bool has_drift;                   /* at least three parts had messages */
} pmm_tape_skew_t;

typedef struct pmm_tape_stream { /* one market, or one underlying */
  const char *id, *source;       /* the tape's memory; source: of an underlying, else NULL */
  uint64_t records[PMM_MD_KIND_END];
  uint64_t messages;
  int64_t first_ns, last_ns; /* PMM_TIME_NONE without records */
  int64_t volume_e6;         /* of its trades */
  uint64_t spread_cnt;       /* messages that left a book of two sides, neither locked nor crossed nor within a gap */
  int32_t spread_median_e4, spread_p95_e4;
  double one_tick_share;                            /* of them, those at the narrowest spread the grid allows */
  int64_t best_qty_e6[2];                           /* median size at the best bid and ask */
  uint64_t one_sided_msgs, locked_msgs, crossed_msgs; /* messages that left such a book */
  uint64_t gaps;
  int64_t gap_longest_ns; /* until the next book or the close; a gap that neither ends has no length */
  pmm_tape_skew_t skew;
} pmm_tape_stream_t;
typedef struct pmm_tape_stats {
  uint32_t market_cnt, cnt;  /* stream[0..market_cnt) markets in table order, then up to cnt the underlyings */
  pmm_tape_stream_t *stream; /* owned */
  pmm_tape_skew_t skew;      /* of all markets together */
} pmm_tape_stats_t;
/* Reads everything once; memory grows with the number of markets only. PMM_CORRUPT, PMM_FULL. */
pmm_status_t pmm_tape_stats(const pmm_tape_t *tape, const pmm_tape_progress_t *progress, pmm_tape_stats_t *stats, pmm_error_t *err);
void pmm_tape_stats_fini(pmm_tape_stats_t *stats);
#define PMM_TAPE_SKEW_BLOCKS 16
/* The skew of all markets from PMM_TAPE_SKEW_BLOCKS places of the tape, for a quick look: no drift. */
pmm_status_t pmm_tape_skew(const pmm_tape_t *tape, pmm_tape_skew_t *skew, pmm_error_t *err);
const char *pmm_md_kind_to_string(uint8_t kind); /* "level", "trade", ...; "unknown" for a kind that is not on tapes */

/* -- cutting and merging -- */
/* pmm_tape_cut writes the records of some markets and of from_ns <= recv_ns < to_ns to a new tape. It begins with the state at
   from_ns, flagged PMM_F_KEYFRAME: last values of underlyings, then per market tick, life, phase, settlement, volume, price,
   the book as CLEAR and LEVELs (PMM_F_SNAPSHOT; its last is PMM_F_LAST) or, in a gap, the GAP. A replay of the cut has from
   there the books of a replay of the whole. The table's life is that at from_ns.
   PMM_INVAL (times), PMM_NOT_FOUND (no such market, nothing in that time), PMM_CORRUPT, PMM_IO, PMM_FULL; then no tape. */
typedef struct pmm_tape_cut_opts {
  int64_t from_ns, to_ns;        /* PMM_TIME_NONE, PMM_NS_MAX: from the beginning, to the end */
  const char *const *market;     /* shell patterns (fnmatch) of ids; none: all */
  size_t market_cnt;
  const char *const *underlying; /* none: with market patterns those that settle the markets kept, else all */
  size_t underlying_cnt;
  pmm_tape_progress_t progress;
} pmm_tape_cut_opts_t;
void pmm_tape_cut_opts_default(pmm_tape_cut_opts_t *opts);
typedef struct pmm_tape_cut_stats { uint64_t records, state_records; uint32_t markets, underlyings; } pmm_tape_cut_stats_t;
pmm_status_t pmm_tape_cut(const pmm_tape_t *tape, const pmm_tape_cut_opts_t *opts, const char *out_path, pmm_tape_cut_stats_t *stats,
                          pmm_error_t *err);

/* pmm_tape_merge unites tapes by receive time; at one time the order of the inputs decides. Markets keep rows of their own;
   underlyings that agree in id, source and kind become one. A market that two inputs hold is an error, unless join: then
   its parts follow each other in one row, a GAP between them, and it ends when its last part does. They must not overlap in
   time and must agree in venue and grid. Only tapes that overlap in time are open at once.
   PMM_INVAL (a market twice, parts that overlap or differ), PMM_CORRUPT, PMM_IO, PMM_FULL; then no tape. */
typedef struct pmm_tape_merge_opts {
  bool join;
  pmm_tape_progress_t progress;
} pmm_tape_merge_opts_t;
typedef struct pmm_tape_merge_stats { uint64_t records, dropped; uint32_t markets, underlyings, joined; } pmm_tape_merge_stats_t; /* dropped: life cycle of parts that were not the last */
pmm_status_t pmm_tape_merge(const char *const *path, size_t n, const pmm_tape_merge_opts_t *opts, const char *out_path,
                            pmm_tape_merge_stats_t *stats, pmm_error_t *err);

/* -- exporting -- */
/* pmm_tape_export writes records as text: csv (one heading, one line a record) or jsonl (one object a record); prices and
   sizes as decimals, times as integer nanoseconds. market: only this market's records (its id), or NULL for everything.
   npz writes the books and trades of one market as hftbacktest reads them; out must be a file that can seek, and market may be
   NULL when the tape has one only.
   PMM_INVAL (format, npz of several markets), PMM_NOT_FOUND (market), PMM_IO (out), PMM_CORRUPT. */
typedef struct pmm_export_opts {
  const char *format, *market;
  void (*progress)(void *ctx, uint64_t done_records, uint64_t total_records); /* may be NULL */
  void *ctx;
} pmm_export_opts_t;
pmm_status_t pmm_tape_export(const pmm_tape_t *tape, const pmm_export_opts_t *opts, FILE *out, pmm_error_t *err);

/* -- importing -- */
typedef struct pmm_import_opts {
  const char *format;             /* one of pmm_import_format */
  const char *outcome;            /* yes, no, void, auto; auto: the source's own, else docs/data.md's rule of the last book */
  bool infer_trades;              /* kalshi-ws: infer trades from volume steps (default true) */
  void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes); /* may be NULL */
  void *ctx;
  const char *outcomes_path;      /* a file of lines "market,yes|no|void" that goes before outcome, or NULL */
  int64_t gap_ns;                 /* a source silent for longer is not to be trusted: PMM_MD_GAP for its markets. 0: the format's
                                     default, PMM_NS_MAX: never */
  const char *map;                /* csv-bbo: "time=COLUMN,market=COLUMN,..."; docs/data.md lists the keys */
  /* hftbacktest, whose files have no tables: */
  const char *market;             /* id of the market they are of */
  int32_t tick_e4;                /* its grid at the beginning (default 100); finer prices refine it */
  double scale;                   /* prices are divided by it to be dollars (default 1) */
} pmm_import_opts_t;
void pmm_import_opts_default(pmm_import_opts_t *opts);
/* pmm_import_format names the formats one after another, with what each reads in a few words (static text); NULL after the
   last. */
const char *pmm_import_format(size_t index, const char **what);
typedef struct pmm_import_stats {
  uint64_t lines, messages, records, trades, inferred; /* inferred ones are among the trades */
  uint64_t skipped; /* lines or events that are no message of a market or underlying, or could not be used (after a gap) */
  uint64_t gaps;    /* GAP records */
  uint64_t clamped; /* messages whose receive time went back: they take the time before */
} pmm_import_stats_t;
/* pmm_import reads path[0..n) (gzip or plain) as a stream in bounded memory into a new tape at out_path. A malformed
   line stops it with err "file:line: byte: reason" and no tape. */
pmm_status_t pmm_import(const pmm_import_opts_t *opts, const char *const *path, size_t n, const char *out_path,
                        pmm_import_stats_t *stats, pmm_error_t *err);
/* pmm_import_buffer runs one importer over a block of memory (a fuzz target's entrance): lines of one file. */
pmm_status_t pmm_import_buffer(const pmm_import_opts_t *opts, const char *name, const void *data, size_t len, const char *out_path,
                               pmm_import_stats_t *stats, pmm_error_t *err);
#endif
