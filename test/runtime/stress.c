/* Several models, several instances, several threads at once, with errors and cancelled runs among
 * them. It is worth most under ThreadSanitizer. */
#include "arguments.h"
#include "check.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define USERS 4
#define ROUNDS 150

typedef struct User {
  pthread_t thread;
  nncc_model *model;
  int number;
  int failures;
} User;

typedef struct Canceller {
  nncc_instance *instance;
  atomic_bool done;
} Canceller;

/* Again and again: one that comes before the run has begun does nothing. */
static void *cancelLater(void *argument) {
  Canceller *canceller = argument;
  while (!atomic_load(&canceller->done)) {
    usleep(500);
    nncc_instance_cancel(canceller->instance);
  }
  return NULL;
}

static bool runOnce(User *user, nncc_instance *instance, Arguments *a, int round) {
  int64_t rows = 1 + (round * 37 + user->number * 11) % 12 + (round % 5 == 0 ? 400 : 20);
  setArguments(a, rows, round);
  nncc_status expected = NNCC_OK;
  Canceller canceller = {instance, false};
  pthread_t thread;
  if (round % 10 == 3) {
    a->x[4 * (rows - 1)] = NAN;
    expected = NNCC_DATA_ERROR;
  }
  if (round % 25 == 7) {
    a->x[0] = MODEL_ENDLESS;
    expected = NNCC_CANCELLED;
    pthread_create(&thread, NULL, cancelLater, &canceller);
  }
  nncc_status status = nncc_instance_run(instance, a->inputs, 2, a->outputs, 2);
  atomic_store(&canceller.done, true);
  if (expected == NNCC_CANCELLED)
    pthread_join(thread, NULL);
  bool good = status == expected && (status || resultsAreRight(a));
  if (!good)
    fprintf(stderr, "user %d, round %d: %s, expected %s: %s\n", user->number, round,
            nncc_status_name(status), nncc_status_name(expected), nncc_last_error());
  return good;
}

static void *useModel(void *argument) {
  User *user = argument;
  Arguments *a = malloc(sizeof *a);
  for (int i = 0; i < 3; ++i) {
    nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
    nncc_instance *instance = NULL;
    options.threads = 1 + (user->number + i) % 4;
    options.flags = i == 1 ? NNCC_INSTANCE_PROFILE : 0;
    options.spin_us = i == 2 ? 0 : user->number % 2 ? 50 : -1;
    if (nncc_instance_create(user->model, &options, &instance)) {
      ++user->failures;
      continue;
    }
    for (int round = 0; round < ROUNDS; ++round) {
      user->failures += !runOnce(user, instance, a, round);
      if (round % 16 == 0)
        usleep(300); /* long enough for workers to go to sleep */
    }
    nncc_instance_destroy(instance);
  }
  free(a);
  return NULL;
}

int main(void) {
  nncc_model *models[2] = {NULL, NULL};
  User users[USERS];
  for (int i = 0; i < 2; ++i)
    CHECK_OK(nncc_model_from_descriptor(nncc_model_small(), NULL, &models[i]));
  for (int i = 0; i < USERS; ++i) {
    users[i] = (User){.model = models[i % 2], .number = i};
    CHECK(pthread_create(&users[i].thread, NULL, useModel, &users[i]) == 0);
  }
  for (int i = 0; i < USERS; ++i) {
    pthread_join(users[i].thread, NULL);
    CHECK(users[i].failures == 0);
  }
  nncc_model_close(models[0]);
  nncc_model_close(models[1]);
  return checkResult();
}
