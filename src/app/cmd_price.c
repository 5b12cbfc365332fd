/* pmm price -- ask a pricing model: a question a line in, its results a line out. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "out.h"
#include "price_json.h"

static const char help_head[] =
  "usage: pmm price < questions.jsonl\n"
  "\n"
  "Asks a pricing model one question for each line of standard input and answers each with a line:\n"
  "  {\"id\":\"1\",\"model\":\"digital\",\"spot\":95100,\"strike\":95000,\"time_s\":300,\"volatility\":0.5}\n"
  "  {\"id\":\"1\",\"d2\":0.6822...,\"p\":0.7524...}\n"
  "A line that cannot be answered gets {\"id\":..,\"error\":\"..\"}.\n"
  "\n"
  "models and their inputs (in brackets: may be left out):\n";
static const char help_tail[] =
  "\n"
  "  --help   this text\n"
  "\n"
  "Exit status: 0 all lines answered, 1 a line was refused, 2 wrong usage.\n";

static int print_help(void) {
  fputs(help_head, stdout);
  pmm_price_json_list();
  fputs(help_tail, stdout);
  return PMM_EXIT_DONE;
}

int pmm_cmd_price(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  int c;
  while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
    if (c != 'h') return pmm_app_usage("price", NULL);
    return print_help();
  }
  if (optind < argc) return pmm_app_usage("price", "questions come on standard input, not as '%s'", argv[optind]);
  return pmm_jsonl_run(pmm_price_json_answer, NULL);
}
