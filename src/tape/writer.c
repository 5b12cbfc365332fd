/* Writing a tape: records gather in one block's buffer; a full block goes out in two writes (header, payload), preceded by
   a META block when markets were added or changed since the last. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
#include "format.h"
#include "pmm/hash.h"

struct pmm_tape_writer {
  int fd;
  char *path, *tmp;
  uint64_t at; /* bytes written */
  pmm__packer_t *packer;
  pmm_md_t *md; /* the block under way */
  uint32_t cnt;
  uint64_t records; /* in finished blocks */
  uint32_t blocks;
  int64_t first_ns, last_ns;
  pmm__tables_t tables;
  bool *market_dirty; /* changed since the last META block */
  bool underlying_dirty[PMM_TAPE_UNDER_MAX], any_dirty;
  uint32_t *id_slot; /* open addressing: market id -> index + 1 */
  pmm__index_entry_t *index;
  uint32_t index_cnt, index_cap;
  pmm__bytes_t entries; /* payload of META and INDEX blocks */
};

#define ID_SLOTS (2u * PMM_TAPE_MARKETS_MAX)

static void writer_free(pmm_tape_writer_t *w) {
  if (w->fd >= 0) close(w->fd);
  pmm__packer_free(w->packer);
  pmm__tables_fini(&w->tables);
  free(w->path);
  free(w->tmp);
  free(w->md);
  free(w->market_dirty);
  free(w->id_slot);
  free(w->index);
  free(w->entries.data);
  free(w);
}

static pmm_status_t io_error(const char *path, const char *doing, pmm_error_t *err) {
  return pmm_error_set(err, PMM_IO, "%s: %s: %s", path, doing, strerror(errno));
}

static pmm_status_t write_all(pmm_tape_writer_t *w, const void *data, size_t len, pmm_error_t *err) {
  const unsigned char *p = data;
  while (len > 0) {
    ssize_t const n = write(w->fd, p, len);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENOSPC;
    if (n <= 0) return io_error(w->tmp, "write", err);
    p += n;
    len -= (size_t)n;
    w->at += (uint64_t)n;
  }
  return PMM_OK;
}

static pmm_status_t out_of_memory(const pmm_tape_writer_t *w, pmm_error_t *err) {
  return pmm_error_set(err, PMM_FULL, "%s: out of memory", w->path);
}

static pmm_status_t write_block(pmm_tape_writer_t *w, pmm__block_header_t *header, const void *payload, size_t len, pmm_error_t *err) {
  unsigned char head[PMM__HEADER_LEN];
  header->number = w->blocks++;
  header->packed_len = len;
  header->records = w->records;
  header->payload_crc = pmm_crc32c(0, payload, len);
  pmm__block_header_put(head, header);
  pmm_status_t const st = write_all(w, head, sizeof head, err);
  return st == PMM_OK ? write_all(w, payload, len, err) : st;
}

/* Entries of everything changed, or (everything) of all tables and the provenance. */
static uint32_t put_entries(pmm_tape_writer_t *w, bool everything, bool *ok) {
  uint32_t cnt = 0;
  w->entries.len = 0;
  *ok = true;
  if (everything && ++cnt) *ok = pmm__entry_put_provenance(&w->entries, w->tables.provenance) && *ok;
  for (uint32_t i = 0; i < w->tables.underlying_cnt; i++)
    if ((everything || w->underlying_dirty[i]) && ++cnt) *ok = pmm__entry_put_underlying(&w->entries, i, &w->tables.underlying[i]) && *ok;
  for (uint32_t i = 0; i < w->tables.market_cnt; i++)
    if ((everything || w->market_dirty[i]) && ++cnt) *ok = pmm__entry_put_market(&w->entries, i, &w->tables.market[i]) && *ok;
  return cnt;
}

static pmm_status_t write_tables(pmm_tape_writer_t *w, bool everything, pmm_error_t *err) {
  bool ok;
  pmm__block_header_t header = {.type = PMM__BLOCK_META, .count = put_entries(w, everything, &ok)};
  if (!ok) return out_of_memory(w, err);
  header.raw_len = w->entries.len;
  memset(w->market_dirty, 0, w->tables.market_cnt * sizeof *w->market_dirty);
  memset(w->underlying_dirty, 0, sizeof w->underlying_dirty);
  w->any_dirty = false;
  return write_block(w, &header, w->entries.data, w->entries.len, err);
}

static bool index_add(pmm_tape_writer_t *w, const pmm__block_header_t *header, size_t len) {
  if (w->index_cnt == w->index_cap) {
    uint32_t const cap = w->index_cap ? w->index_cap * 2 : 64;
    pmm__index_entry_t *const grown = realloc(w->index, cap * sizeof *grown);
    if (!grown) return false;
    w->index = grown;
    w->index_cap = cap;
  }
  w->index[w->index_cnt++] = (pmm__index_entry_t){.at = w->at,
                                                  .packed_len = len,
                                                  .first_ns = header->first_ns,
                                                  .last_ns = header->last_ns,
                                                  .count = header->count,
                                                  .number = w->blocks};
  return true;
}

/* Ends the block under way, if it holds anything. */
static pmm_status_t write_records(pmm_tape_writer_t *w, pmm_error_t *err) {
  if (w->cnt == 0) return PMM_OK;
  if (w->any_dirty) {
    pmm_status_t const st = write_tables(w, false, err);
    if (st != PMM_OK) return st;
  }
  const unsigned char *payload;
  size_t len;
  pmm__block_header_t header = {.type = PMM__BLOCK_DATA,
                                .count = w->cnt,
                                .raw_len = w->cnt * sizeof(pmm_md_t),
                                .first_ns = w->md[0].recv_ns,
                                .last_ns = w->md[w->cnt - 1].recv_ns};
  if (pmm__pack(w->packer, w->md, w->cnt, &payload, &len) != PMM_OK || !index_add(w, &header, len)) return out_of_memory(w, err);
  pmm_status_t const st = write_block(w, &header, payload, len, err);
  w->records += w->cnt;
  w->cnt = 0;
  return st;
}

/* The lock tells a live writer's file from one left over by a crash. */
static pmm_status_t open_tmp(pmm_tape_writer_t *w, pmm_error_t *err) {
  w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (w->fd < 0 && errno == EEXIST)
    return pmm_error_set(err, PMM_EXISTS, "%s: already there: another writer is at work, or a recording was cut off; move it away", w->tmp);
  if (w->fd < 0) return io_error(w->tmp, "create", err);
  flock(w->fd, LOCK_EX | LOCK_NB);
  return PMM_OK;
}

void pmm__tape_remove_leftover(const char *out_path) {
  char *tmp;
  if (asprintf(&tmp, "%s.tmp", out_path) < 0) return;
  int const fd = open(tmp, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(tmp);
  if (fd >= 0) close(fd);
  free(tmp);
}

static pmm_status_t writer_start(pmm_tape_writer_t *w, const char *provenance, pmm_error_t *err) {
  unsigned char header[PMM__HEADER_LEN];
  pmm_status_t st = open_tmp(w, err);
  if (st != PMM_OK) {
    writer_free(w);
    return st;
  }
  pmm__file_header_put(header);
  st = write_all(w, header, sizeof header, err);
  if (st == PMM_OK && pmm__tables_set_provenance(&w->tables, provenance, strlen(provenance)) != PMM_OK) st = out_of_memory(w, err);
  if (st == PMM_OK) st = write_tables(w, true, err);
  if (st != PMM_OK) pmm_tape_abort(w);
  return st;
}

pmm_status_t pmm_tape_create(pmm_tape_writer_t **writer, const char *path, const char *provenance, pmm_error_t *err) {
  pmm_tape_writer_t *const w = calloc(1, sizeof *w);
  if (!w) return pmm_error_set(err, PMM_FULL, "%s: out of memory", path);
  w->fd = -1;
  w->last_ns = PMM_TIME_NONE;
  w->path = strdup(path);
  bool ok = w->path && asprintf(&w->tmp, "%s.tmp", path) >= 0;
  ok = (w->packer = pmm__packer_new()) && ok;
  ok = (w->md = malloc(PMM_TAPE_BLOCK_RECORDS * sizeof *w->md)) && ok;
  ok = (w->market_dirty = calloc(PMM_TAPE_MARKETS_MAX, sizeof *w->market_dirty)) && ok;
  ok = (w->id_slot = calloc(ID_SLOTS, sizeof *w->id_slot)) && ok;
  if (!ok) {
    writer_free(w);
    return pmm_error_set(err, PMM_FULL, "%s: out of memory", path);
  }
  pmm_status_t const st = writer_start(w, provenance, err);
  if (st == PMM_OK) *writer = w;
  return st;
}

/* The slot of id in the open-addressing table: its index + 1, or 0 where it would go. */
static uint32_t *slot_of(pmm_tape_writer_t *w, const char *id) {
  uint32_t at = (uint32_t)pmm_hash64(id, strlen(id), 0) % ID_SLOTS;
  while (w->id_slot[at] && strcmp(w->tables.market[w->id_slot[at] - 1].id, id) != 0) at = (at + 1) % ID_SLOTS;
  return &w->id_slot[at];
}

pmm_status_t pmm_tape_add_market(pmm_tape_writer_t *w, const pmm_market_t *market, uint32_t *index, pmm_error_t *err) {
  pmm_status_t st = pmm_market_check(market, err);
  if (st != PMM_OK) return st;
  uint32_t *const slot = slot_of(w, market->id);
  uint32_t const at = *slot ? *slot - 1 : w->tables.market_cnt;
  st = pmm__tables_set_market(&w->tables, at, market);
  if (st != PMM_OK) return pmm_error_set(err, st, "%s: more than %d markets", w->path, PMM_TAPE_MARKETS_MAX);
  *slot = at + 1;
  w->market_dirty[at] = w->any_dirty = true;
  *index = at;
  return PMM_OK;
}

static bool same_source(const pmm_underlying_t *a, const pmm_underlying_t *b) {
  return strcmp(a->id, b->id) == 0 && strcmp(a->source, b->source) == 0 && a->kind == b->kind;
}

static bool is_text(const char text[PMM_ID_MAX]) { return memchr(text, '\0', PMM_ID_MAX) != NULL; }

pmm_status_t pmm_tape_add_underlying(pmm_tape_writer_t *w, const pmm_underlying_t *underlying, uint32_t *index, pmm_error_t *err) {
  if (!is_text(underlying->id) || !is_text(underlying->source) || underlying->id[0] == '\0' || underlying->kind > PMM_UNDER_TWAP)
    return pmm_error_set(err, PMM_INVAL, "%s: underlying without a name or of unknown kind", w->path);
  uint32_t at = 0;
  while (at < w->tables.underlying_cnt && !same_source(&w->tables.underlying[at], underlying)) at++;
  pmm_status_t const st = pmm__tables_set_underlying(&w->tables, at, underlying);
  if (st != PMM_OK) return pmm_error_set(err, st, "%s: more than %d underlyings", w->path, PMM_TAPE_UNDER_MAX);
  w->underlying_dirty[at] = w->any_dirty = true;
  *index = at;
  return PMM_OK;
}

static pmm_status_t refuse(const pmm_tape_writer_t *w, const pmm_md_t *md, const char *why, pmm_error_t *err) {
  return pmm_error_set(err, PMM_INVAL, "%s: record %llu (kind %u, market %u): %s", w->path, (unsigned long long)(w->records + w->cnt),
                       md->kind, md->market, why);
}

pmm_status_t pmm_tape_append(pmm_tape_writer_t *w, const pmm_md_t *md, pmm_error_t *err) {
  if (!pmm__md_is_sane(md, w->tables.market_cnt, w->tables.underlying_cnt)) return refuse(w, md, "unknown kind, side or market", err);
  if (md->recv_ns < w->last_ns || md->recv_ns == PMM_TIME_NONE) return refuse(w, md, "receive time goes back", err);
  if (md->exch_ns != PMM_TIME_NONE && (md->exch_ns <= -PMM__EXCH_MAX || md->exch_ns >= PMM__EXCH_MAX))
    return refuse(w, md, "venue time out of range", err);
  if (w->records + w->cnt == 0) w->first_ns = md->recv_ns;
  w->last_ns = md->recv_ns;
  w->md[w->cnt++] = *md;
  return w->cnt == PMM_TAPE_BLOCK_RECORDS ? write_records(w, err) : PMM_OK;
}

pmm_status_t pmm_tape_flush(pmm_tape_writer_t *w, pmm_error_t *err) {
  pmm_status_t const st = write_records(w, err);
  if (st != PMM_OK) return st;
  return fsync(w->fd) == 0 ? PMM_OK : io_error(w->tmp, "fsync", err);
}

/* -- the end -- */
static pmm_status_t write_index(pmm_tape_writer_t *w, uint64_t tables_at, pmm_error_t *err) {
  size_t const len = 8 + (size_t)w->index_cnt * PMM__INDEX_ENTRY_LEN;
  w->entries.len = 0;
  if (!pmm__bytes_reserve(&w->entries, len)) return out_of_memory(w, err);
  pmm__put64(w->entries.data, tables_at);
  for (uint32_t i = 0; i < w->index_cnt; i++) pmm__index_entry_put(w->entries.data + 8 + (size_t)i * PMM__INDEX_ENTRY_LEN, &w->index[i]);
  pmm__block_header_t header = {.type = PMM__BLOCK_INDEX, .count = w->index_cnt, .raw_len = len};
  return write_block(w, &header, w->entries.data, len, err);
}

static pmm_status_t write_trailer(pmm_tape_writer_t *w, uint64_t index_at, pmm_error_t *err) {
  unsigned char bytes[PMM__HEADER_LEN];
  pmm__trailer_t const trailer = {.index_at = index_at,
                                  .file_len = w->at + PMM__HEADER_LEN,
                                  .records = w->records,
                                  .blocks = w->blocks,
                                  .first_ns = w->records ? w->first_ns : 0,
                                  .last_ns = w->records ? w->last_ns : 0};
  pmm__trailer_put(bytes, &trailer);
  return write_all(w, bytes, sizeof bytes, err);
}

static pmm_status_t add_note(pmm_tape_writer_t *w, const char *note, pmm_error_t *err) {
  char *text;
  if (!note || note[0] == '\0') return PMM_OK;
  if (asprintf(&text, "%s%s%s", w->tables.provenance, w->tables.provenance[0] ? "\n" : "", note) < 0) return out_of_memory(w, err);
  pmm_status_t const st = pmm__tables_set_provenance(&w->tables, text, strlen(text));
  free(text);
  return st == PMM_OK ? PMM_OK : out_of_memory(w, err);
}

static pmm_status_t write_end(pmm_tape_writer_t *w, const char *note, pmm_error_t *err) {
  pmm_status_t st = write_records(w, err);
  if (st == PMM_OK) st = add_note(w, note, err);
  uint64_t const tables_at = w->at;
  if (st == PMM_OK) st = write_tables(w, true, err);
  uint64_t const index_at = w->at;
  if (st == PMM_OK) st = write_index(w, tables_at, err);
  if (st == PMM_OK) st = write_trailer(w, index_at, err);
  if (st == PMM_OK && fsync(w->fd) != 0) st = io_error(w->tmp, "fsync", err);
  return st;
}

/* A rename is on disk only when its directory is. A file system that cannot sync directories is let be. */
static void sync_directory(const char *path) {
  char *const copy = strdup(path);
  int const fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(copy);
}

pmm_status_t pmm_tape_finish(pmm_tape_writer_t *w, const char *note, pmm_error_t *err) {
  pmm_status_t st = write_end(w, note, err);
  if (st == PMM_OK && rename(w->tmp, w->path) != 0) st = io_error(w->path, "rename", err);
  if (st != PMM_OK) {
    pmm_tape_abort(w);
    return st;
  }
  sync_directory(w->path);
  writer_free(w);
  return PMM_OK;
}

void pmm_tape_leave(pmm_tape_writer_t *w) {
  if (w) writer_free(w);
}

void pmm_tape_abort(pmm_tape_writer_t *w) {
  if (!w) return;
  if (w->fd >= 0) unlink(w->tmp);
  writer_free(w);
}
