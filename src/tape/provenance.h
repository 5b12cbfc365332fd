/* tape/provenance.h -- JSON text for provenance: names quoted, folders of this machine left out. */
#ifndef PMM_TAPE_PROVENANCE_H
#define PMM_TAPE_PROVENANCE_H
#include <stdio.h>

void pmm__put_quoted(FILE *out, const char *text);
const char *pmm__file_name(const char *path); /* behind the last slash */
#endif
