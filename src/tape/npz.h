/* tape/npz.h -- the file form of hftbacktest 2.x: a zip archive with one entry data.npy, a numpy array of 64-byte rows.
   Constants are those of the package (hftbacktest.types, 2.4.4). */
#ifndef PMM_TAPE_NPZ_H
#define PMM_TAPE_NPZ_H
#include <stdio.h>
#include "pmm/tape.h"

#define PMM__NPZ_ENTRY "data.npy"
#define PMM__NPZ_DESCR \
  "[('ev','<u8'),('exch_ts','<i8'),('local_ts','<i8'),('px','<f8'),('qty','<f8'),('order_id','<u8'),('ival','<i8'),('fval','<f8')]"
#define PMM__NPZ_ROW 64

enum { /* low byte of ev */
  PMM__EV_DEPTH = 1,
  PMM__EV_TRADE = 2,
  PMM__EV_DEPTH_CLEAR = 3,
  PMM__EV_DEPTH_SNAPSHOT = 4,
  PMM__EV_DEPTH_BBO = 5,
};
#define PMM__EV_SELL (UINT64_C(1) << 28)
#define PMM__EV_BUY (UINT64_C(1) << 29)
#define PMM__EV_LOCAL (UINT64_C(1) << 30)
#define PMM__EV_EXCH (UINT64_C(1) << 31)

typedef struct pmm__npz_row { /* order_id, ival and fval are of other kinds of event */
  uint64_t ev;
  int64_t exch_ns, local_ns;
  double px, qty;
} pmm__npz_row_t;
void pmm__npz_put(unsigned char out[PMM__NPZ_ROW], const pmm__npz_row_t *row);
void pmm__npz_get(const unsigned char in[PMM__NPZ_ROW], pmm__npz_row_t *row);

/* Writes market's records as rows; out must be a file that can seek. */
pmm_status_t pmm__npz_export(const pmm_tape_t *tape, uint32_t market, const pmm_tape_progress_t *progress, FILE *out, pmm_error_t *err);
#endif
