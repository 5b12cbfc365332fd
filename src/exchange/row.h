/* exchange/row.h -- one row of a parameter table: a field of struct_ with its name, default, range, unit and help. */
#ifndef PMM_EXCHANGE_ROW_H
#define PMM_EXCHANGE_ROW_H
#include "pmm/param.h"

#define PMM__ROW(struct_, type_, field_, name_, def_, min_, max_, unit_, choices_, help_) \
  {.name = name_, .type = PMM_PARAM_##type_, .offset = offsetof(struct_, field_), .def = def_, .min = min_, .max = max_, .unit = unit_, .choices = choices_, .help = help_}
#endif
