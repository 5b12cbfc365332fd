/* app/tape_tools.h -- the subcommands of `pmm tape` that make tapes of tapes or count what is on them, and what they share
   with the others. argv[0] is the subcommand's name; the result is the exit status, or PMM_TAPE_HELP for --help. */
#ifndef PMM_APP_TAPE_TOOLS_H
#define PMM_APP_TAPE_TOOLS_H
#include "pmm/tape.h"

#define PMM_TAPE_HELP (-1)
int pmm_tape_cmd_cut(int argc, char **argv);
int pmm_tape_cmd_merge(int argc, char **argv);
int pmm_tape_cmd_stats(int argc, char **argv);
void pmm_tape_print_quoted(const char *text);             /* as a JSON string, to stdout */
void pmm_tape_print_skew(const pmm_tape_skew_t *skew);    /* what the clocks say, in a sentence or two, on one line */
void pmm_tape_print_skew_json(const pmm_tape_skew_t *skew); /* an object */
#endif
