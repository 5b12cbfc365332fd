/* tape/format.h -- the bytes of a tape, shared by writer, reader and verify. docs/tape-format.md is the reference.
   Everything is little endian, written and read byte by byte, so that structs and machines do not matter. */
#ifndef PMM_TAPE_FORMAT_H
#define PMM_TAPE_FORMAT_H
#include <string.h>
#include "pmm/tape.h"

#define PMM__TAPE_MAGIC "PMMTAPE1"    /* first 8 bytes of a file */
#define PMM__TRAILER_MAGIC "PMMTEND1" /* first 8 bytes of the last 64 */
#define PMM__BLOCK_MAGIC 0x424d4d50u  /* "PMMB" */
#define PMM__HEADER_LEN 64            /* of file header, block header and trailer alike */
#define PMM__CRC_AT 60                /* each ends with a CRC-32C of the 60 bytes before it */
#define PMM__INDEX_ENTRY_LEN 40
#define PMM__PACKED_MAX (1u << 30) /* no payload is longer */
#define PMM__EXCH_MAX (INT64_C(1) << 62)

enum { PMM__BLOCK_DATA = 1, PMM__BLOCK_META = 2, PMM__BLOCK_INDEX = 3 };
enum { PMM__ENTRY_PROVENANCE = 1, PMM__ENTRY_MARKET = 2, PMM__ENTRY_UNDERLYING = 3 };

typedef struct pmm__block_header {
  uint8_t type;
  uint32_t count;  /* records, entries or index lines in the payload */
  uint32_t number; /* blocks before this one */
  uint64_t raw_len, packed_len;
  int64_t first_ns, last_ns; /* of DATA, else 0 */
  uint64_t records;          /* DATA records before this block */
  uint32_t payload_crc;
} pmm__block_header_t;

typedef struct pmm__trailer {
  uint64_t index_at, file_len, records, blocks;
  int64_t first_ns, last_ns;
} pmm__trailer_t;

typedef struct pmm__index_entry {
  uint64_t at, packed_len;
  int64_t first_ns, last_ns;
  uint32_t count, number;
} pmm__index_entry_t; /* of a DATA block */

/* -- bytes -- */
static inline void pmm__put16(unsigned char *p, uint16_t v) {
  p[0] = (unsigned char)v;
  p[1] = (unsigned char)(v >> 8);
}
static inline void pmm__put32(unsigned char *p, uint32_t v) {
  pmm__put16(p, (uint16_t)v);
  pmm__put16(p + 2, (uint16_t)(v >> 16));
}
static inline void pmm__put64(unsigned char *p, uint64_t v) {
  pmm__put32(p, (uint32_t)v);
  pmm__put32(p + 4, (uint32_t)(v >> 32));
}
static inline uint16_t pmm__get16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t pmm__get32(const unsigned char *p) { return pmm__get16(p) | (uint32_t)pmm__get16(p + 2) << 16; }
static inline uint64_t pmm__get64(const unsigned char *p) { return pmm__get32(p) | (uint64_t)pmm__get32(p + 4) << 32; }

/* -- headers (format.c) -- each get checks magic and CRC and gives false when either does not hold */
void pmm__file_header_put(unsigned char out[PMM__HEADER_LEN]);
/* PMM_PARSE not a tape, PMM_TRUNCATED, PMM_CORRUPT, PMM_VERSION; err names path. */
pmm_status_t pmm__file_header_check(const unsigned char *data, size_t len, const char *path, pmm_error_t *err);
void pmm__block_header_put(unsigned char out[PMM__HEADER_LEN], const pmm__block_header_t *header);
bool pmm__block_header_get(const unsigned char in[PMM__HEADER_LEN], pmm__block_header_t *header);
void pmm__trailer_put(unsigned char out[PMM__HEADER_LEN], const pmm__trailer_t *trailer);
bool pmm__trailer_get(const unsigned char in[PMM__HEADER_LEN], pmm__trailer_t *trailer);
void pmm__index_entry_put(unsigned char out[PMM__INDEX_ENTRY_LEN], const pmm__index_entry_t *entry);
void pmm__index_entry_get(const unsigned char in[PMM__INDEX_ENTRY_LEN], pmm__index_entry_t *entry);

/* What makes a tape out of files can be run again, so the temporary file that a killed one left behind may go; a live
   writer's is locked and stays. (writer.c) */
void pmm__tape_remove_leftover(const char *out_path);

/* -- tables (table.c) -- META entries: u16 kind, u16 reserved, u32 length, then that many bytes. */
typedef struct pmm__bytes {
  unsigned char *data;
  size_t len, cap;
} pmm__bytes_t;                                            /* grows by realloc; owner frees data */
bool pmm__bytes_reserve(pmm__bytes_t *bytes, size_t more); /* false: out of memory */
bool pmm__entry_put_provenance(pmm__bytes_t *out, const char *text);
bool pmm__entry_put_market(pmm__bytes_t *out, uint32_t index, const pmm_market_t *market);
bool pmm__entry_put_underlying(pmm__bytes_t *out, uint32_t index, const pmm_underlying_t *underlying);

/* What a tape's META blocks have said so far; later entries replace earlier ones of the same index. */
typedef struct pmm__tables {
  pmm_market_t *market;
  pmm_underlying_t *underlying;
  uint32_t market_cnt, market_cap, underlying_cnt;
  char *provenance; /* malloc'd, NUL-terminated, or NULL */
} pmm__tables_t;
void pmm__tables_fini(pmm__tables_t *tables);
/* Both add at index == count and replace below it. PMM_INVAL, PMM_FULL. */
pmm_status_t pmm__tables_set_market(pmm__tables_t *tables, uint32_t index, const pmm_market_t *market);
pmm_status_t pmm__tables_set_underlying(pmm__tables_t *tables, uint32_t index, const pmm_underlying_t *underlying);
pmm_status_t pmm__tables_set_provenance(pmm__tables_t *tables, const char *text, size_t len);
/* Reads the payload of a META block; unknown entries and unknown trailing fields are skipped. PMM_CORRUPT with *why,
   PMM_FULL; the tables may then hold part of it. */
pmm_status_t pmm__tables_read(pmm__tables_t *tables, const unsigned char *data, size_t len, const char **why);

/* -- records (codec.c) -- */
/* A record that may stand on a tape: known kind, market or underlying in the table, side of its kind. */
bool pmm__md_is_sane(const pmm_md_t *md, uint32_t market_cnt, uint32_t underlying_cnt);

typedef struct pmm__packer pmm__packer_t;     /* scratch of a writer, about 3 MB */
typedef struct pmm__unpacker pmm__unpacker_t; /* scratch of a cursor, about 1 MB */
pmm__packer_t *pmm__packer_new(void);         /* NULL: out of memory */
void pmm__packer_free(pmm__packer_t *packer);
pmm__unpacker_t *pmm__unpacker_new(void);
void pmm__unpacker_free(pmm__unpacker_t *unpacker);
/* pmm__pack compresses md[0..cnt), 1 <= cnt <= PMM_TAPE_BLOCK_RECORDS; *out is the packer's memory until the next call.
   PMM_FULL out of memory. */
pmm_status_t pmm__pack(pmm__packer_t *packer, const pmm_md_t *md, uint32_t cnt, const unsigned char **out, size_t *len);
/* pmm__unpack restores exactly the records packed into md (room for cnt). Any bytes are safe: PMM_CORRUPT with *why unless
   they decode to cnt sane records in time order. first_ns: of the block header. */
pmm_status_t pmm__unpack(pmm__unpacker_t *unpacker, const unsigned char *data, size_t len, uint32_t cnt, int64_t first_ns,
                         uint32_t market_cnt, uint32_t underlying_cnt, pmm_md_t *md, const char **why);
#endif
