/* module.c -- pmm_mpi.so: OpenMPI behind pmm_sweep_ranks_t. A library of its own, loaded only by --mpi, so that pmm runs where no MPI is
   installed. One message is one MPI message; only one thread of a process calls in here. */
#include <mpi.h>
#include <stdlib.h>
#include "pmm/sweep.h"

#define TAG 1

static pmm_status_t failed(int code, const char *what, pmm_error_t *err) {
  char text[MPI_MAX_ERROR_STRING];
  int len = 0;
  MPI_Error_string(code, text, &len);
  return pmm_error_set(err, PMM_IO, "MPI: %s: %.*s", what, len, text);
}

static pmm_status_t send(int to, const void *data, size_t len, pmm_error_t *err) {
  if (len > INT32_MAX) return pmm_error_set(err, PMM_FULL, "MPI: a message of %zu bytes (--batch takes fewer sets at once)", len);
  int const code = MPI_Send(data, (int)len, MPI_BYTE, to, TAG, MPI_COMM_WORLD);
  return code == MPI_SUCCESS ? PMM_OK : failed(code, "sending", err);
}

static pmm_status_t poll(int *from, void **data, size_t *len, pmm_error_t *err) {
  *data = NULL;
  MPI_Status status;
  MPI_Message message;
  int there = 0, bytes = 0;
  int code = MPI_Improbe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &there, &message, &status);
  if (code != MPI_SUCCESS) return failed(code, "looking for messages", err);
  if (!there) return PMM_OK;
  MPI_Get_count(&status, MPI_BYTE, &bytes);
  void *const text = malloc((size_t)bytes + 1);
  if (!text) return pmm_error_set(err, PMM_FULL, "MPI: no memory for a message");
  code = MPI_Mrecv(text, bytes, MPI_BYTE, &message, &status);
  if (code != MPI_SUCCESS) {
    free(text);
    return failed(code, "receiving", err);
  }
  *from = status.MPI_SOURCE;
  *data = text;
  *len = (size_t)bytes;
  return PMM_OK;
}

static pmm_status_t start(pmm_sweep_ranks_t *ranks, pmm_error_t *err) {
  int level = 0;
  int const code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  if (code != MPI_SUCCESS) return failed(code, "starting", err);
  if (level < MPI_THREAD_FUNNELED) {
    MPI_Finalize();
    return pmm_error_set(err, PMM_UNSUPPORTED, "MPI: this installation allows no threads");
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &ranks->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks->size);
  ranks->send = send;
  ranks->poll = poll;
  return PMM_OK;
}

static void stop(void) { MPI_Finalize(); }

extern const pmm_sweep_module_t pmm_sweep_module;
const pmm_sweep_module_t pmm_sweep_module = {.abi = PMM_SWEEP_MODULE_ABI, .start = start, .stop = stop};
