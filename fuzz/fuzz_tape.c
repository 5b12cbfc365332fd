/* fuzz_tape.c -- the tape reader against arbitrary bytes: open, tables, every block, seek, verify. A file is sound, cut or
   damaged; the reader says which and never reads outside it. What verify calls sound must read to its end.
   Checksums would keep the fuzzer out of everything behind them: after a first byte 'M' they are mended in the bytes that follow. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "pmm/hash.h"
#include "pmm/tape.h"
#include "tape/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_header(unsigned char *header) { pmm__put32(header + PMM__CRC_AT, pmm_crc32c(0, header, PMM__CRC_AT)); }

/* Follows the blocks by the lengths they claim; the trailer is the last 64 bytes. */
static void mend(unsigned char *file, size_t size) {
  if (size < 2 * PMM__HEADER_LEN) return;
  mend_header(file);
  mend_header(file + size - PMM__HEADER_LEN);
  for (size_t at = PMM__HEADER_LEN; at + 2 * PMM__HEADER_LEN <= size;) {
    uint64_t const room = size - at - 2 * PMM__HEADER_LEN, packed = pmm__get64(file + at + 24);
    if (packed <= room) pmm__put32(file + at + 56, pmm_crc32c(0, file + at + PMM__HEADER_LEN, packed));
    mend_header(file + at);
    if (packed > room) return;
    at += PMM__HEADER_LEN + packed;
  }
}

static uint64_t read_all(const pmm_tape_t *tape, pmm_status_t *last) {
  pmm_tape_cursor_t *cursor;
  pmm_error_t err;
  uint64_t n = 0;
  if ((*last = pmm_tape_cursor_open(&cursor, tape, &err)) != PMM_OK) return 0;
  const pmm_md_t *md;
  size_t cnt;
  while ((*last = pmm_tape_cursor_next(cursor, &md, &cnt, &err)) == PMM_OK)
    for (size_t i = 0; i < cnt; i++) n += md[i].kind != 0;
  pmm_tape_cursor_seek(cursor, pmm_tape_info(tape)->last_ns, &err);
  pmm_tape_cursor_close(cursor);
  return n;
}

/* What a sound tape promises: its figures can be had, and a cut of it is sound again. */
static void use_sound(const pmm_tape_t *tape) {
  char path[64];
  pmm_error_t err = {0};
  pmm_tape_stats_t stats;
  pmm_tape_cut_opts_t opts;
  pmm_tape_cut_stats_t cut;
  pmm_tape_check_t check;
  snprintf(path, sizeof path, "%s/pmm-fuzz-cut-%d.tape", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
  if (pmm_tape_stats(tape, NULL, &stats, &err) != PMM_OK) { fprintf(stderr, "a sound tape has no figures: %s\n", err.text); abort(); }
  pmm_tape_stats_fini(&stats);
  pmm_tape_cut_opts_default(&opts);
  const pmm_tape_info_t *const info = pmm_tape_info(tape);
  opts.from_ns = info->first_ns / 2 + info->last_ns / 2;
  if (pmm_tape_cut(tape, &opts, path, &cut, &err) != PMM_OK) return; /* nothing in that half */
  if (pmm_tape_verify(path, &check, &err) != PMM_OK) { fprintf(stderr, "a cut of a sound tape is not sound: %s\n", err.text); abort(); }
  unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bool const mended = size > 0 && data[0] == 'M';
  size_t const len = size - mended;
  unsigned char *const file = malloc(len + 1);
  if (!file) abort();
  if (len) memcpy(file, data + mended, len);
  if (mended) mend(file, len);
  int const fd = memfd_create("tape", 0);
  if (fd < 0 || write(fd, file, len) != (ssize_t)len) abort();
  free(file);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  bool const sound = pmm_tape_verify(path, &check, &err) == PMM_OK;
  if (pmm_tape_open(&tape, path, &err) == PMM_OK) {
    for (uint32_t i = 0; i < pmm_tape_market_cnt(tape); i++) (void)pmm_tape_market(tape, i)->id[0];
    for (uint32_t i = 0; i < pmm_tape_underlying_cnt(tape); i++) (void)pmm_tape_underlying(tape, i)->id[0];
    pmm_status_t last;
    uint64_t const n = read_all(tape, &last);
    if (sound && (last != PMM_END || n != check.records)) { fprintf(stderr, "a sound tape does not read to its end\n"); abort(); }
    if (sound) use_sound(tape);
    pmm_tape_close(tape);
  } else if (sound || err.text[0] == '\0') {
    fprintf(stderr, "verify and open disagree\n");
    abort();
  }
  close(fd);
  return 0;
}
