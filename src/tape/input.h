/* tape/input.h -- source files of an import, plain or gzip, line by line or whole; bounded memory but for the longest
   line. Lines come with readable bytes behind them, as base/json.h wants. */
#ifndef PMM_TAPE_INPUT_H
#define PMM_TAPE_INPUT_H
#include "pmm/types.h"

#define PMM__LINE_MAX ((size_t)1 << 28) /* a longer line, or whole document, is refused */

typedef struct pmm__input pmm__input_t;
pmm_status_t pmm__input_open(pmm__input_t **input, const char *path, pmm_error_t *err); /* PMM_IO, PMM_FULL */
/* The same over a block of memory, which must outlive it. */
pmm_status_t pmm__input_memory(pmm__input_t **input, const char *name, const void *data, size_t len, pmm_error_t *err);
void pmm__input_close(pmm__input_t *input); /* NULL is fine */

/* The next line that is not blank, without its end of line; valid until the next call. PMM_END, PMM_IO, PMM_PARSE
   (damaged gzip data, line too long). */
pmm_status_t pmm__input_line(pmm__input_t *input, const char **line, size_t *len, pmm_error_t *err);
/* Everything that is left, as one text. */
pmm_status_t pmm__input_rest(pmm__input_t *input, const char **text, size_t *len, pmm_error_t *err);

const char *pmm__input_name(const pmm__input_t *input);
uint64_t pmm__input_line_no(const pmm__input_t *input);  /* of the last line given, from 1 */
uint64_t pmm__input_consumed(const pmm__input_t *input); /* bytes of the file read so far */
#endif
