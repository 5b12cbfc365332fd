/* app/quote_json.h -- one situation as JSON to a strategy's answer as JSON (docs/models.md, "Asking a strategy"). */
#ifndef PMM_APP_QUOTE_JSON_H
#define PMM_APP_QUOTE_JSON_H
#include "jsonl.h"

typedef struct pmm_quote_json pmm_quote_json_t;

/* Memory for any number of questions. NULL when the system has none left. */
pmm_quote_json_t *pmm_quote_json_open(void);
void pmm_quote_json_close(pmm_quote_json_t *asker);
/* A pmm_jsonl_answer_t with ctx = the pmm_quote_json_t. Every question meets a fresh strategy. */
pmm_status_t pmm_quote_json_answer(void *asker, const json_t *in, json_t *out, pmm_error_t *err);
#endif
