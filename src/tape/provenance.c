#include "provenance.h"
#include <string.h>

void pmm__put_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
    if (*s < 0x20) {
      fprintf(out, "\\u%04x", *s);
      continue;
    }
    if (*s == '"' || *s == '\\') fputc('\\', out);
    fputc(*s, out);
  }
  fputc('"', out);
}

const char *pmm__file_name(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}
