/* Reading a tape through mmap. With a trailer the index tells where the blocks lie; without one the blocks are walked
   from the start and the last whole one ends the tape. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "reader.h"
#include "pmm/hash.h"

void pmm_tape_close(pmm_tape_t *t) {
  if (!t) return;
  if (t->data) munmap((void *)(uintptr_t)t->data, t->len);
  pmm__tables_fini(&t->tables);
  free(t->index);
  free(t->path);
  free(t);
}

static pmm_status_t corrupt(const pmm_tape_t *t, uint64_t at, const char *why, pmm_error_t *err) {
  return pmm_error_set(err, PMM_CORRUPT, "%s: byte %llu: %s", t->path, (unsigned long long)at, why);
}

bool pmm__tape_block(const pmm_tape_t *t, uint64_t at, pmm__block_header_t *header, const unsigned char **payload) {
  if (at > t->len || t->len - at < PMM__HEADER_LEN) return false;
  if (!pmm__block_header_get(t->data + at, header)) return false;
  if (header->packed_len > PMM__PACKED_MAX || header->packed_len > t->len - at - PMM__HEADER_LEN) return false;
  *payload = t->data + at + PMM__HEADER_LEN;
  return true;
}

static bool payload_holds(const pmm__block_header_t *header, const unsigned char *payload) {
  return header->payload_crc == pmm_crc32c(0, payload, header->packed_len);
}

static bool index_add(pmm_tape_t *t, const pmm__index_entry_t *entry) {
  if (t->index_cnt == t->index_cap) {
    uint32_t const cap = t->index_cap ? t->index_cap * 2 : 64;
    pmm__index_entry_t *const grown = realloc(t->index, cap * sizeof *grown);
    if (!grown) return false;
    t->index = grown;
    t->index_cap = cap;
  }
  t->index[t->index_cnt++] = *entry;
  return true;
}

static bool add_data_block(pmm_tape_t *t, const pmm__index_entry_t *entry) {
  if (!index_add(t, entry)) return false;
  if (t->info.records == 0) t->info.first_ns = entry->first_ns;
  t->info.records += entry->count;
  t->info.last_ns = entry->last_ns;
  t->info.data_bytes += PMM__HEADER_LEN + entry->packed_len;
  return true;
}

/* -- with a trailer -- */
static pmm_status_t read_tables(pmm_tape_t *t, uint64_t at, pmm_error_t *err) {
  pmm__block_header_t header;
  const unsigned char *payload;
  const char *why;
  if (!pmm__tape_block(t, at, &header, &payload) || header.type != PMM__BLOCK_META || !payload_holds(&header, payload))
    return corrupt(t, at, "tables damaged (CRC)", err);
  pmm_status_t const st = pmm__tables_read(&t->tables, payload, header.packed_len, &why);
  return st == PMM_OK ? PMM_OK : pmm_error_set(err, st, "%s: byte %llu: %s", t->path, (unsigned long long)at, why);
}

static bool entry_is_sane(const pmm_tape_t *t, const pmm__index_entry_t *e, uint64_t after) {
  if (e->at < after || e->at > t->len - PMM__HEADER_LEN || e->packed_len > t->len - PMM__HEADER_LEN - e->at) return false;
  return e->count > 0 && e->count <= PMM_TAPE_BLOCK_RECORDS && e->last_ns >= e->first_ns &&
         (t->index_cnt == 0 || e->first_ns >= t->info.last_ns);
}

static pmm_status_t read_index_entries(pmm_tape_t *t, uint64_t at, const pmm__block_header_t *header, const unsigned char *p,
                                       pmm_error_t *err) {
  uint64_t after = PMM__HEADER_LEN;
  for (uint32_t i = 0; i < header->count; i++) {
    pmm__index_entry_t entry;
    pmm__index_entry_get(p + 8 + (size_t)i * PMM__INDEX_ENTRY_LEN, &entry);
    if (!entry_is_sane(t, &entry, after)) return corrupt(t, at, "index entry out of order", err);
    if (!add_data_block(t, &entry)) return pmm_error_set(err, PMM_FULL, "%s: out of memory", t->path);
    after = entry.at + PMM__HEADER_LEN + entry.packed_len;
  }
  return PMM_OK;
}

static pmm_status_t read_index(pmm_tape_t *t, const pmm__trailer_t *trailer, pmm_error_t *err) {
  pmm__block_header_t header;
  const unsigned char *payload;
  uint64_t const at = trailer->index_at;
  if (!pmm__tape_block(t, at, &header, &payload) || header.type != PMM__BLOCK_INDEX || !payload_holds(&header, payload))
    return corrupt(t, at, "index damaged (CRC)", err);
  if (header.packed_len != 8 + (uint64_t)header.count * PMM__INDEX_ENTRY_LEN)
    return corrupt(t, at, "index length does not fit its count", err);
  pmm_status_t st = read_tables(t, pmm__get64(payload), err);
  if (st == PMM_OK) st = read_index_entries(t, at, &header, payload, err);
  if (st != PMM_OK) return st;
  if (t->info.records != trailer->records) return corrupt(t, at, "index and trailer disagree on the number of records", err);
  t->info.blocks = trailer->blocks;
  return PMM_OK;
}

/* -- without -- */
/* Takes the block at `at` into tables or index; false when it cannot be part of the tape. */
static bool take_block(pmm_tape_t *t, uint64_t at, const pmm__block_header_t *header, const unsigned char *payload) {
  const char *why;
  if (header->number != t->info.blocks || !payload_holds(header, payload)) return false;
  if (header->type == PMM__BLOCK_META) return pmm__tables_read(&t->tables, payload, header->packed_len, &why) == PMM_OK;
  if (header->type != PMM__BLOCK_DATA) return header->type == PMM__BLOCK_INDEX;
  pmm__index_entry_t const entry = {.at = at,
                                    .packed_len = header->packed_len,
                                    .first_ns = header->first_ns,
                                    .last_ns = header->last_ns,
                                    .count = header->count,
                                    .number = header->number};
  return entry_is_sane(t, &entry, at) && add_data_block(t, &entry);
}

static void walk_blocks(pmm_tape_t *t) {
  uint64_t at = PMM__HEADER_LEN;
  pmm__block_header_t header;
  const unsigned char *payload;
  while (pmm__tape_block(t, at, &header, &payload) && take_block(t, at, &header, payload)) {
    at += PMM__HEADER_LEN + header.packed_len;
    t->info.blocks++;
  }
  t->info.truncated = true;
  t->info.lost_bytes = t->len - at;
}

/* -- open -- */
static pmm_status_t map_fd(pmm_tape_t *t, int fd, pmm_error_t *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) return pmm_error_set(err, PMM_IO, "%s: %s", t->path, strerror(errno));
  if (!S_ISREG(st.st_mode)) return pmm_error_set(err, PMM_IO, "%s: not a regular file", t->path);
  if (st.st_size == 0) return PMM_OK;
  void *const data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return pmm_error_set(err, PMM_IO, "%s: mmap: %s", t->path, strerror(errno));
  t->data = data;
  t->len = (size_t)st.st_size;
  return PMM_OK;
}

static pmm_status_t map_file(pmm_tape_t *t, pmm_error_t *err) {
  int const fd = open(t->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return pmm_error_set(err, PMM_IO, "%s: %s", t->path, strerror(errno));
  pmm_status_t const st = map_fd(t, fd, err);
  close(fd);
  return st;
}

static pmm_status_t read_tape(pmm_tape_t *t, pmm_error_t *err) {
  pmm__trailer_t trailer;
  pmm_status_t st = pmm__file_header_check(t->data, t->len, t->path, err);
  if (st != PMM_OK) return st;
  t->info.version = PMM_TAPE_VERSION;
  t->info.bytes = t->len;
  bool const ended =
      t->len >= 2 * PMM__HEADER_LEN && pmm__trailer_get(t->data + t->len - PMM__HEADER_LEN, &trailer) && trailer.file_len == t->len;
  if (ended) st = read_index(t, &trailer, err);
  else walk_blocks(t);
  t->info.raw_bytes = t->info.records * sizeof(pmm_md_t);
  t->info.provenance = t->tables.provenance ? t->tables.provenance : "";
  return st;
}

pmm_status_t pmm_tape_open(pmm_tape_t **tape, const char *path, pmm_error_t *err) {
  pmm_tape_t *const t = calloc(1, sizeof *t);
  if (!t || !(t->path = strdup(path))) {
    free(t);
    return pmm_error_set(err, PMM_FULL, "%s: out of memory", path);
  }
  pmm_status_t st = map_file(t, err);
  if (st == PMM_OK) st = read_tape(t, err);
  if (st == PMM_OK) *tape = t;
  else pmm_tape_close(t);
  return st;
}

const pmm_tape_info_t *pmm_tape_info(const pmm_tape_t *t) { return &t->info; }
uint32_t pmm_tape_market_cnt(const pmm_tape_t *t) { return t->tables.market_cnt; }
const pmm_market_t *pmm_tape_market(const pmm_tape_t *t, uint32_t index) {
  return index < t->tables.market_cnt ? &t->tables.market[index] : NULL;
}
uint32_t pmm_tape_underlying_cnt(const pmm_tape_t *t) { return t->tables.underlying_cnt; }
const pmm_underlying_t *pmm_tape_underlying(const pmm_tape_t *t, uint32_t index) {
  return index < t->tables.underlying_cnt ? &t->tables.underlying[index] : NULL;
}

/* -- cursor -- */
struct pmm_tape_cursor {
  const pmm_tape_t *tape;
  uint32_t next; /* index entry to hand out */
  pmm__unpacker_t *unpacker;
  pmm_md_t md[PMM_TAPE_BLOCK_RECORDS];
};

pmm_status_t pmm_tape_cursor_open(pmm_tape_cursor_t **cursor, const pmm_tape_t *tape, pmm_error_t *err) {
  pmm_tape_cursor_t *const c = malloc(sizeof *c);
  pmm__unpacker_t *const u = pmm__unpacker_new();
  if (!c || !u) {
    free(c);
    pmm__unpacker_free(u);
    return pmm_error_set(err, PMM_FULL, "%s: out of memory", tape->path);
  }
  c->tape = tape;
  c->next = 0;
  c->unpacker = u;
  *cursor = c;
  return PMM_OK;
}

void pmm_tape_cursor_close(pmm_tape_cursor_t *c) {
  if (!c) return;
  pmm__unpacker_free(c->unpacker);
  free(c);
}

static bool header_matches(const pmm__block_header_t *header, const pmm__index_entry_t *entry) {
  return header->type == PMM__BLOCK_DATA && header->count == entry->count && header->number == entry->number &&
         header->packed_len == entry->packed_len && header->first_ns == entry->first_ns && header->last_ns == entry->last_ns &&
         header->raw_len == entry->count * sizeof(pmm_md_t);
}

pmm_status_t pmm_tape_cursor_next(pmm_tape_cursor_t *c, const pmm_md_t **md, size_t *cnt, pmm_error_t *err) {
  const pmm_tape_t *const t = c->tape;
  if (c->next == t->index_cnt) return PMM_END;
  const pmm__index_entry_t *const entry = &t->index[c->next];
  pmm__block_header_t header;
  const unsigned char *payload;
  if (!pmm__tape_block(t, entry->at, &header, &payload)) return corrupt(t, entry->at, "block header damaged (CRC)", err);
  if (!header_matches(&header, entry)) return corrupt(t, entry->at, "block is not the one the index names", err);
  if (!payload_holds(&header, payload)) return corrupt(t, entry->at, "block damaged (CRC)", err);
  const char *why;
  if (pmm__unpack(c->unpacker, payload, header.packed_len, header.count, header.first_ns, t->tables.market_cnt, t->tables.underlying_cnt,
                  c->md, &why) != PMM_OK)
    return corrupt(t, entry->at, why, err);
  if (c->md[header.count - 1].recv_ns != header.last_ns) return corrupt(t, entry->at, "block does not end when its header says", err);
  c->next++;
  *md = c->md;
  *cnt = header.count;
  return PMM_OK;
}

pmm_status_t pmm_tape_cursor_seek(pmm_tape_cursor_t *c, int64_t recv_ns, pmm_error_t *err) {
  const pmm_tape_t *const t = c->tape;
  uint32_t low = 0, high = t->index_cnt; /* the first block whose last record is not before recv_ns */
  while (low < high) {
    uint32_t const mid = low + (high - low) / 2;
    if (t->index[mid].last_ns < recv_ns) low = mid + 1;
    else high = mid;
  }
  c->next = low;
  return low < t->index_cnt ? PMM_OK : pmm_error_set(err, PMM_END, "%s: nothing that late", t->path);
}
