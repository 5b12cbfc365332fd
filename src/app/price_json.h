/* app/price_json.h -- one question to a pricing model as JSON, its results as JSON (docs/models.md, "Asking a model"). */
#ifndef PMM_APP_PRICE_JSON_H
#define PMM_APP_PRICE_JSON_H
#include "jsonl.h"

/* A pmm_jsonl_answer_t; ctx is not used. */
pmm_status_t pmm_price_json_answer(void *ctx, const json_t *in, json_t *out, pmm_error_t *err);
/* Prints one line for each model: its name and inputs. */
void pmm_price_json_list(void);
#endif
