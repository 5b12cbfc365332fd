/* app/cmd.h -- the commands of `pmm`, one function and one file cmd_<name>.c each. argv[0] is the command's name;
   a command parses its own options with getopt_long, answers --help itself and returns the exit status. */
#ifndef PMM_APP_CMD_H
#define PMM_APP_CMD_H

#define PMM_EXIT_DONE 0  /* also for --help */
#define PMM_EXIT_FAILED 1 /* the work failed: a file, a disk, a bad tape, a line that is not valid */
#define PMM_EXIT_USAGE 2 /* wrong usage or a configuration error: nothing was done */

int pmm_cmd_backtest(int argc, char **argv);
int pmm_cmd_calibrate(int argc, char **argv);
int pmm_cmd_config(int argc, char **argv);
int pmm_cmd_demo(int argc, char **argv);
int pmm_cmd_exchange(int argc, char **argv);
int pmm_cmd_live(int argc, char **argv);
int pmm_cmd_paper(int argc, char **argv);
int pmm_cmd_price(int argc, char **argv);
int pmm_cmd_quote(int argc, char **argv);
int pmm_cmd_record(int argc, char **argv);
int pmm_cmd_report(int argc, char **argv);
int pmm_cmd_scan(int argc, char **argv);
int pmm_cmd_sign(int argc, char **argv);
int pmm_cmd_sweep(int argc, char **argv);
int pmm_cmd_tape(int argc, char **argv);

#endif
