/* pmm quote -- ask a strategy what it would do: a situation a line in, its answer a line out. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "out.h"
#include "quote_json.h"

static const char help[] =
  "usage: pmm quote < questions.jsonl\n"
  "\n"
  "Asks a strategy one question for each line of standard input and answers each with a line.\n"
  "A question is a JSON object; what is left out takes its default:\n"
  "  {\"id\":\"1\",\"strategy\":\"linear\",\"params\":{\"spread_bps\":200},\"market\":{\"tick\":\"0.01\",\"time_left_s\":3600},\n"
  "   \"book\":{\"bids\":[[\"0.49\",\"100\"]],\"asks\":[[\"0.51\",\"100\"]]},\"position\":{\"yes\":\"25\",\"no\":\"0\"}}\n"
  "The strategy is a built-in name (linear, adaptive, logit, digital) or the path of a shared object; params may name a\n"
  "\"preset\". docs/models.md lists every member. A line that cannot be answered gets {\"id\":..,\"error\":\"..\"}.\n"
  "\n"
  "  --help   this text\n"
  "\n"
  "Exit status: 0 all lines answered, 1 a line was refused, 2 wrong usage.\n";

int pmm_cmd_quote(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  int c;
  while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
    if (c != 'h') return pmm_app_usage("quote", NULL);
    fputs(help, stdout);
    return PMM_EXIT_DONE;
  }
  if (optind < argc) return pmm_app_usage("quote", "questions come on standard input, not as '%s'", argv[optind]);
  pmm_quote_json_t *const asker = pmm_quote_json_open();
  if (!asker) {
    pmm_app_error("out of memory");
    return PMM_EXIT_FAILED;
  }
  int const status = pmm_jsonl_run(pmm_quote_json_answer, asker);
  pmm_quote_json_close(asker);
  return status;
}
