/* tape/reader.h -- an open tape from inside, for verify. */
#ifndef PMM_TAPE_READER_H
#define PMM_TAPE_READER_H
#include "format.h"

struct pmm_tape {
  char *path;
  const unsigned char *data; /* the whole file, mapped */
  size_t len;
  pmm__tables_t tables;
  pmm__index_entry_t *index; /* DATA blocks */
  uint32_t index_cnt, index_cap;
  pmm_tape_info_t info;
};

/* The block at byte `at`: false when its header does not hold or its payload does not fit the file. The payload's CRC is
   the caller's to check. */
bool pmm__tape_block(const pmm_tape_t *tape, uint64_t at, pmm__block_header_t *header, const unsigned char **payload);
#endif
