/* Teams: nncc_services.team_run and barrier, those of the runtime and those of a host. Worth most
 * under ThreadSanitizer.
 *
 * In each step every cell becomes the sum of all cells of the step before, and 1. A worker computes
 * its share of them; who does not wait for the others gets another result. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CELLS 12
#define STEPS 60
#define NEVER (-1)

#ifdef __SANITIZE_THREAD__ /* does not allow threads after a fork */
#define CAN_FORK 0
#else
#define CAN_FORK 1
#endif

/* What the next run does. */
static int32_t wanted;             /* workers */
static int failsAt, failingWorker; /* the step in which one returns; NEVER */
static bool isEndless;             /* until it is cancelled */
static atomic_int teams;           /* calls of the kernel in a team */

static nncc_status kernel(const nncc_call *call, int64_t begin, int64_t end, int32_t worker) {
  uint32_t *cells[2] = {call->buffers[0], (uint32_t *)call->scratch};
  int32_t members = call->workers > 1 ? call->workers : 1;
  int32_t own = call->workers > 1 ? worker : 0;
  if (members > 1) {
    atomic_fetch_add(&teams, 1);
    if (begin != worker || end != worker + 1 || worker >= members)
      return NNCC_INTERNAL;
  }
  for (int step = 0; step < STEPS || isEndless; ++step) {
    const uint32_t *before = cells[step % 2];
    if (isEndless && call->services->cancelled(call->host))
      return NNCC_CANCELLED;
    if (step == failsAt && own == failingWorker) {
      call->services->error(call->host, NNCC_DATA_ERROR, "Team_0", "a bad value");
      return NNCC_DATA_ERROR;
    }
    for (int cell = CELLS * own / members; cell < CELLS * (own + 1) / members; ++cell) {
      uint32_t sum = 1 + (uint32_t)cell;
      for (int i = 0; i < CELLS && failsAt == NEVER; ++i)
        sum += before[i];
      cells[1 - step % 2][cell] = sum;
    }
    if (members > 1)
      call->services->barrier(call->host);
  }
  return NNCC_OK;
}

static const nncc_dispatch dispatch = {
    sizeof dispatch, 0, "kernel", "Team_0", kernel, 1, 1e9, 1e6, NULL};
static const nncc_dispatch *const dispatches[] = {&dispatch};

static nncc_status plan(const int64_t *dims, int64_t *arena, int64_t *scratch) {
  *arena = 0;
  *scratch = CELLS * sizeof(uint32_t);
  return NNCC_OK;
}

static nncc_status run(const nncc_frame *frame) {
  const nncc_services *s = frame->services;
  nncc_call call = {
      frame->outputs, frame->dims, frame->scratch, frame->scratch_stride, s, frame->host, 0};
  int32_t workers = wanted < frame->workers ? wanted : frame->workers;
  memset(frame->outputs[0], 0, CELLS * sizeof(uint32_t));
  if (workers > 1 && s->team_run) {
    call.workers = workers;
    nncc_status status = s->team_run(frame->host, &dispatch, &call, workers);
    if (status != NNCC_NOT_SUPPORTED)
      return status;
    call.workers = 0;
  }
  return s->parallel_for(frame->host, &dispatch, &call, 1);
}

static const int64_t shape[] = {CELLS};
static const nncc_tensor_info output = {"y", NNCC_UINT32, 1, shape};
static const nncc_descriptor descriptor = {.magic = NNCC_ABI_MAGIC,
                                           .abi_major = NNCC_ABI_MAJOR,
                                           .struct_size = sizeof descriptor,
                                           .name = "team",
                                           .isa = "",
                                           .num_outputs = 1,
                                           .outputs = &output,
                                           .num_dispatches = 1,
                                           .dispatches = dispatches,
                                           .plan = plan,
                                           .run = run};
static nncc_model *model;
static uint32_t y[CELLS], expected[CELLS];

static nncc_instance *newInstance(int32_t threads, int32_t spin, const nncc_services *services) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = threads;
  options.spin_us = spin;
  options.services = services;
  options.flags = NNCC_INSTANCE_PROFILE;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  return instance;
}

static nncc_status runOnce(nncc_instance *instance) {
  nncc_tensor tensor = {y, NNCC_UINT32, 1, shape, NULL};
  memset(y, 0xff, sizeof y);
  return nncc_instance_run(instance, NULL, 0, &tensor, 1);
}

/* A run that ends well, by a team of so many; 0 for none. */
static void checkRun(nncc_instance *instance, int32_t members) {
  atomic_store(&teams, 0);
  CHECK_OK(runOnce(instance));
  CHECK(memcmp(y, expected, sizeof y) == 0);
  CHECK(atomic_load(&teams) == members);
}

/* The next runs: those of a team that had not a processor for each have none for a while. */
static void checkRuns(nncc_instance *instance, int runs) {
  for (int i = 0; i < runs; ++i) {
    CHECK_OK(runOnce(instance));
    CHECK(memcmp(y, expected, sizeof y) == 0);
  }
}

/* Teams as large as the pool and smaller ones, with members that look for each other for a while
 * and with such that soon sleep, whatever processors there are. */
static void testSizes(void) {
  for (int32_t threads = 1; threads <= 5; ++threads)
    for (wanted = 2; wanted <= 6; ++wanted)
      for (int32_t spin = 1; spin <= 100; spin += 99) {
        nncc_instance *instance = newInstance(threads, spin, NULL);
        nncc_profile profile;
        checkRun(instance, threads == 1 ? 0 : wanted < threads ? wanted : threads);
        checkRuns(instance, 2);
        CHECK_OK(nncc_instance_profile(instance, 0, &profile));
        CHECK(profile.count == 3);
        nncc_instance_destroy(instance);
      }
}

/* Members that may not spin would sleep in each step: there is no team. */
static void testWithoutSpinning(void) {
  nncc_instance *instance = newInstance(3, 0, NULL);
  wanted = 3;
  checkRun(instance, 0);
  nncc_instance_destroy(instance);
}

/* One who returns early is not waited for, and says why the run has failed. */
static void testErrors(void) {
  wanted = 3;
  for (failingWorker = 0; failingWorker < 3; ++failingWorker)
    for (int i = 0; i < 3; ++i) {
      nncc_instance *instance = newInstance(3, 50, NULL);
      failsAt = (int[]){0, 1, STEPS - 1}[i];
      CHECK_FAILS(NNCC_DATA_ERROR, runOnce(instance), "node 'Team_0'", "a bad value", NULL);
      failsAt = NEVER;
      checkRuns(instance, 2);
      nncc_instance_destroy(instance);
    }
}

typedef struct Canceller {
  nncc_instance *instance;
  atomic_bool done;
} Canceller;

static void *cancelSoon(void *argument) {
  Canceller *canceller = argument;
  while (!atomic_load(&canceller->done)) { /* one that comes before the run does nothing */
    usleep(2000);
    nncc_instance_cancel(canceller->instance);
  }
  return NULL;
}

static void testCancel(void) {
  Canceller canceller = {newInstance(3, 50, NULL), false};
  pthread_t thread;
  wanted = 3;
  isEndless = true;
  CHECK(pthread_create(&thread, NULL, cancelSoon, &canceller) == 0);
  CHECK_FAILS(NNCC_CANCELLED, runOnce(canceller.instance), "cancelled", NULL, NULL);
  atomic_store(&canceller.done, true);
  pthread_join(thread, NULL);
  isEndless = false;
  checkRuns(canceller.instance, 2);
  nncc_instance_destroy(canceller.instance);
}

/* A child has none of the threads. */
static void testFork(void) {
  nncc_instance *instance = newInstance(3, 50, NULL);
  wanted = 3;
  checkRun(instance, 3);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    checkRun(instance, 0);
    nncc_instance_destroy(instance);
    _exit(checkFailures != 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  checkRuns(instance, 2);
  nncc_instance_destroy(instance);
}

/* Two instances at once: each has threads of its own. */
static void *runMany(void *argument) {
  nncc_tensor tensor = {calloc(CELLS, sizeof(uint32_t)), NNCC_UINT32, 1, shape, NULL};
  intptr_t failures = 0;
  for (int i = 0; i < 8; ++i)
    failures += nncc_instance_run(argument, NULL, 0, &tensor, 1) != NNCC_OK ||
                memcmp(tensor.data, expected, sizeof expected) != 0;
  free(tensor.data);
  return (void *)failures;
}

static void testTwoAtOnce(void) {
  nncc_instance *first = newInstance(2, 50, NULL), *second = newInstance(3, 50, NULL);
  pthread_t thread;
  void *failures = NULL;
  wanted = 3;
  CHECK(pthread_create(&thread, NULL, runMany, first) == 0);
  CHECK(runMany(second) == NULL);
  pthread_join(thread, &failures);
  CHECK(failures == NULL);
  nncc_instance_destroy(first);
  nncc_instance_destroy(second);
}

/* A host's own team: threads of the moment. */
typedef struct Member {
  pthread_t thread;
  const nncc_call *call;
  int32_t number;
} Member;

static pthread_barrier_t hostsBarrier;

static void *runMember(void *argument) {
  Member *member = argument;
  intptr_t status = kernel(member->call, member->number, member->number + 1, member->number);
  return (void *)status;
}

static nncc_status hostTeamRun(void *host, const nncc_dispatch *called, const nncc_call *call,
                               int32_t workers) {
  Member members[8];
  nncc_status first = NNCC_OK;
  pthread_barrier_init(&hostsBarrier, NULL, (unsigned)workers);
  for (int32_t i = 0; i < workers; ++i) {
    members[i] = (Member){.call = call, .number = i};
    pthread_create(&members[i].thread, NULL, runMember, &members[i]);
  }
  for (int32_t i = 0; i < workers; ++i) {
    void *status = NULL;
    pthread_join(members[i].thread, &status);
    first = first ? first : (nncc_status)(intptr_t)status;
  }
  pthread_barrier_destroy(&hostsBarrier);
  return first;
}

static void hostBarrier(void *host) { pthread_barrier_wait(&hostsBarrier); }

static nncc_status hostParallelFor(void *host, const nncc_dispatch *called, const nncc_call *call,
                                   int64_t units) {
  return called->function(call, 0, units, 0);
}

static void testHost(void) {
  nncc_services services = {.struct_size = sizeof services, .parallel_for = hostParallelFor};
  nncc_instance *instance = newInstance(3, -1, &services);
  wanted = 3;
  checkRun(instance, 0); /* offers no team */
  nncc_instance_destroy(instance);
  services.team_run = hostTeamRun;
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.services = &services;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance), "team_run",
              "barrier", NULL);
  services.barrier = hostBarrier;
  instance = newInstance(3, -1, &services);
  checkRun(instance, 3);
  nncc_instance_destroy(instance);
}

int main(void) {
  failsAt = NEVER;
  CHECK_OK(nncc_model_from_descriptor(&descriptor, NULL, &model));
  nncc_instance *instance = newInstance(1, -1, NULL);
  CHECK_OK(runOnce(instance));
  memcpy(expected, y, sizeof y);
  nncc_instance_destroy(instance);
  testSizes();
  testWithoutSpinning();
  testErrors();
  testCancel();
  if (CAN_FORK)
    testFork();
  testTwoAtOnce();
  testHost();
  nncc_model_close(model);
  return checkResult();
}
