/* pmm/param.h -- parameters as a table: name, type, unit, range, default and help of each field of a plain struct.
   From the one table come checking, `pmm config init`, `pmm config check`, the reference page and forms. */
#ifndef PMM_PARAM_H
#define PMM_PARAM_H
#include "pmm/types.h"

typedef enum pmm_param_type {
  PMM_PARAM_F64,      /* double */
  PMM_PARAM_INT,      /* int64_t */
  PMM_PARAM_BOOL,     /* bool */
  PMM_PARAM_ENUM,     /* int32_t: index into choices */
  PMM_PARAM_QTY,      /* int64_t qty_e6, written as a decimal number of contracts */
  PMM_PARAM_CASH,     /* int64_t cash_e6, written as a decimal number of dollars */
  PMM_PARAM_PRICE,    /* int32_t price_e4, written as dollars */
  PMM_PARAM_DURATION, /* int64_t ns, written as 250ms, 1.5s, 10m; a bare number is seconds */
  PMM_PARAM_TEXT      /* char[PMM_PARAM_TEXT_MAX] */
} pmm_param_type_t;
#define PMM_PARAM_TEXT_MAX 256

typedef struct pmm_param {
  const char *name;
  pmm_param_type_t type;
  size_t offset;       /* of the field in its struct */
  const char *def;     /* default, as a user would write it */
  double min, max;     /* inclusive, in the written unit; ignored for BOOL, ENUM, TEXT */
  const char *unit;    /* "dollars", "contracts", "s", "1/s", "" */
  const char *choices; /* ENUM: "linear|logit"; else NULL */
  const char *help;    /* one line */
} pmm_param_t;

typedef struct pmm_preset { const char *name; const char *help; const char *const *set; /* "key=value", ..., NULL */ } pmm_preset_t;

/* pmm_params_default fills a zeroed struct from the table's defaults. Asserts that they parse. */
void pmm_params_default(const pmm_param_t *params, size_t cnt, void *out);
/* pmm_param_set parses text into the field of `out`. PMM_PARSE, PMM_INVAL (range, choice) with err saying
   "name: reason (allowed: ...)"; the field is then unchanged. NaN, inf and overlong numbers are refused. */
pmm_status_t pmm_param_set(const pmm_param_t *param, void *out, const char *text, pmm_error_t *err);
/* pmm_param_set_number is the same from a JSON number. */
pmm_status_t pmm_param_set_number(const pmm_param_t *param, void *out, double value, pmm_error_t *err);
/* pmm_param_print writes the field as a user would (buf of PMM_PARAM_TEXT_MAX); returns the length. */
size_t pmm_param_print(const pmm_param_t *param, const void *in, char *buf);
/* pmm_param_find: NULL when there is none. pmm_param_nearest: the valid name with the smallest edit distance. */
const pmm_param_t *pmm_param_find(const pmm_param_t *params, size_t cnt, const char *name);
const char *pmm_param_nearest(const pmm_param_t *params, size_t cnt, const char *name);
/* pmm_preset_apply: PMM_NOT_FOUND with the known names in err. */
pmm_status_t pmm_preset_apply(const pmm_preset_t *presets, size_t preset_cnt, const char *name, const pmm_param_t *params,
                              size_t cnt, void *out, pmm_error_t *err);
#endif
