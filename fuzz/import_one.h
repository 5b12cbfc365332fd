/* import_one.h -- what every import must keep to, whatever it is given: a tape that verifies, or a word of why and no tape. */
#ifndef PMM_FUZZ_IMPORT_ONE_H
#define PMM_FUZZ_IMPORT_ONE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "pmm/tape.h"

static inline void import_one(const pmm_import_opts_t *opts, const char *name, const uint8_t *data, size_t size, const char *path) {
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  if (pmm_import_buffer(opts, name, data, size, path, &stats, &err) == PMM_OK) {
    pmm_tape_check_t check;
    if (pmm_tape_verify(path, &check, &err) != PMM_OK) {
      fprintf(stderr, "an imported tape does not verify: %s\n", err.text);
      abort();
    }
    unlink(path);
  } else if (err.text[0] == '\0' || access(path, F_OK) == 0) {
    fprintf(stderr, "a failed import left %s\n", err.text[0] ? "a tape" : "no word");
    abort();
  }
}
#endif
