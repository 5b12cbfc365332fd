/* Headers of the tape format; see format.h. */
#include "format.h"
#include "pmm/hash.h"

static void seal(unsigned char out[PMM__HEADER_LEN]) { pmm__put32(out + PMM__CRC_AT, pmm_crc32c(0, out, PMM__CRC_AT)); }
static bool is_sealed(const unsigned char in[PMM__HEADER_LEN]) { return pmm__get32(in + PMM__CRC_AT) == pmm_crc32c(0, in, PMM__CRC_AT); }

void pmm__file_header_put(unsigned char out[PMM__HEADER_LEN]) {
  memset(out, 0, PMM__HEADER_LEN);
  memcpy(out, PMM__TAPE_MAGIC, 8);
  pmm__put32(out + 8, PMM_TAPE_VERSION);
  pmm__put32(out + 12, PMM__HEADER_LEN);
  pmm__put32(out + 16, sizeof(pmm_md_t));
  pmm__put32(out + 20, PMM_TAPE_BLOCK_RECORDS);
  seal(out);
}

pmm_status_t pmm__file_header_check(const unsigned char *data, size_t len, const char *path, pmm_error_t *err) {
  if (len == 0) return pmm_error_set(err, PMM_INVAL, "%s: empty file", path);
  if (memcmp(data, PMM__TAPE_MAGIC, len < 8 ? len : 8) != 0) return pmm_error_set(err, PMM_PARSE, "%s: not a tape", path);
  if (len < PMM__HEADER_LEN) return pmm_error_set(err, PMM_TRUNCATED, "%s: cut off inside its header, at byte %zu", path, len);
  if (!is_sealed(data)) return pmm_error_set(err, PMM_CORRUPT, "%s: byte 0: file header damaged (CRC)", path);
  uint32_t const version = pmm__get32(data + 8);
  if (version != PMM_TAPE_VERSION)
    return pmm_error_set(err, PMM_VERSION, "%s: tape version %u, this program reads %d", path, version, PMM_TAPE_VERSION);
  if (pmm__get32(data + 12) != PMM__HEADER_LEN || pmm__get32(data + 16) != sizeof(pmm_md_t))
    return pmm_error_set(err, PMM_CORRUPT, "%s: byte 12: header or record length is not this version's", path);
  return PMM_OK;
}

void pmm__block_header_put(unsigned char out[PMM__HEADER_LEN], const pmm__block_header_t *h) {
  pmm__put32(out, PMM__BLOCK_MAGIC);
  pmm__put32(out + 4, h->type);
  pmm__put32(out + 8, h->count);
  pmm__put32(out + 12, h->number);
  pmm__put64(out + 16, h->raw_len);
  pmm__put64(out + 24, h->packed_len);
  pmm__put64(out + 32, (uint64_t)h->first_ns);
  pmm__put64(out + 40, (uint64_t)h->last_ns);
  pmm__put64(out + 48, h->records);
  pmm__put32(out + 56, h->payload_crc);
  seal(out);
}

bool pmm__block_header_get(const unsigned char in[PMM__HEADER_LEN], pmm__block_header_t *h) {
  if (pmm__get32(in) != PMM__BLOCK_MAGIC || !is_sealed(in)) return false;
  *h = (pmm__block_header_t){.type = in[4],
                             .count = pmm__get32(in + 8),
                             .number = pmm__get32(in + 12),
                             .raw_len = pmm__get64(in + 16),
                             .packed_len = pmm__get64(in + 24),
                             .first_ns = (int64_t)pmm__get64(in + 32),
                             .last_ns = (int64_t)pmm__get64(in + 40),
                             .records = pmm__get64(in + 48),
                             .payload_crc = pmm__get32(in + 56)};
  return true;
}

void pmm__trailer_put(unsigned char out[PMM__HEADER_LEN], const pmm__trailer_t *t) {
  memset(out, 0, PMM__HEADER_LEN);
  memcpy(out, PMM__TRAILER_MAGIC, 8);
  pmm__put64(out + 8, t->index_at);
  pmm__put64(out + 16, t->file_len);
  pmm__put64(out + 24, t->records);
  pmm__put64(out + 32, t->blocks);
  pmm__put64(out + 40, (uint64_t)t->first_ns);
  pmm__put64(out + 48, (uint64_t)t->last_ns);
  seal(out);
}

bool pmm__trailer_get(const unsigned char in[PMM__HEADER_LEN], pmm__trailer_t *t) {
  if (memcmp(in, PMM__TRAILER_MAGIC, 8) != 0 || !is_sealed(in)) return false;
  *t = (pmm__trailer_t){.index_at = pmm__get64(in + 8),
                        .file_len = pmm__get64(in + 16),
                        .records = pmm__get64(in + 24),
                        .blocks = pmm__get64(in + 32),
                        .first_ns = (int64_t)pmm__get64(in + 40),
                        .last_ns = (int64_t)pmm__get64(in + 48)};
  return true;
}

void pmm__index_entry_put(unsigned char out[PMM__INDEX_ENTRY_LEN], const pmm__index_entry_t *e) {
  pmm__put64(out, e->at);
  pmm__put64(out + 8, (uint64_t)e->first_ns);
  pmm__put64(out + 16, (uint64_t)e->last_ns);
  pmm__put32(out + 24, e->count);
  pmm__put32(out + 28, e->number);
  pmm__put64(out + 32, e->packed_len);
}

void pmm__index_entry_get(const unsigned char in[PMM__INDEX_ENTRY_LEN], pmm__index_entry_t *e) {
  *e = (pmm__index_entry_t){.at = pmm__get64(in),
                            .first_ns = (int64_t)pmm__get64(in + 8),
                            .last_ns = (int64_t)pmm__get64(in + 16),
                            .count = pmm__get32(in + 24),
                            .number = pmm__get32(in + 28),
                            .packed_len = pmm__get64(in + 32)};
}
