/* app/jsonl.h -- JSON lines in, JSON lines out: the frame of `pmm quote` and `pmm price`.
   One object a line, of any length. A line that cannot be answered gets {"id":..,"error":".."} and the run goes on; numbers
   leave with 17 significant digits, so that they read back to the same bits. */
#ifndef PMM_APP_JSONL_H
#define PMM_APP_JSONL_H
#include <jansson.h>

#include "pmm/param.h"

/* Adds the answer to `in` to `out`, which already holds the id. On failure err->text starts with the field's name. */
typedef pmm_status_t pmm_jsonl_answer_t(void *ctx, const json_t *in, json_t *out, pmm_error_t *err);

/* Reads standard input to its end, answering each line on standard output as it comes. Returns the exit status: 1 when any
   line was refused or reading failed. */
int pmm_jsonl_run(pmm_jsonl_answer_t *answer, void *ctx);

/* Sets the field of `out` that param names from a JSON value: numbers, strings (exact decimals) and truth values. where
   ("market", or "" at the top) comes before the name in err. */
pmm_status_t pmm_jsonl_set(const pmm_param_t *param, const char *where, const json_t *value, void *out, pmm_error_t *err);
/* The same for every member of an object, refusing members that the table does not know. A NULL object sets nothing. */
pmm_status_t pmm_jsonl_set_all(const pmm_param_t *params, size_t cnt, const char *where, const json_t *object, void *out,
                               pmm_error_t *err);
/* "where.key: unknown (nearest: ...)" */
pmm_status_t pmm_jsonl_unknown(const pmm_param_t *params, size_t cnt, const char *where, const char *key, pmm_error_t *err);
/* PMM_INVAL unless name is one of the '|'-separated known members of the top object. */
pmm_status_t pmm_jsonl_check_members(const json_t *object, const char *known, pmm_error_t *err);
/* A number, or null where it is not finite. New reference. */
json_t *pmm_jsonl_real(double x);
#endif
