/* The least that a test program needs: checks that count, and go on. */
#ifndef NNCC_TEST_RUNTIME_CHECK_H
#define NNCC_TEST_RUNTIME_CHECK_H

#include "nncc/nncc.h"

#include <stdio.h>
#include <string.h>

static int checkFailures;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                              \
      ++checkFailures;                                                                             \
    }                                                                                              \
  } while (0)

/* The call returns the status, and the last error contains each of the words (at most three). */
#define CHECK_FAILS(status, call, ...) checkFails(__FILE__, __LINE__, status, call, __VA_ARGS__)

static inline void checkFails(const char *file, int line, nncc_status expected, nncc_status found,
                              const char *first, const char *second, const char *third) {
  const char *words[] = {first, second, third};
  if (found != expected) {
    fprintf(stderr, "%s:%d: status '%s', expected '%s': %s\n", file, line, nncc_status_name(found),
            nncc_status_name(expected), nncc_last_error());
    ++checkFailures;
    return;
  }
  for (int i = 0; i < 3; ++i)
    if (words[i] && !strstr(nncc_last_error(), words[i])) {
      fprintf(stderr, "%s:%d: message '%s' lacks '%s'\n", file, line, nncc_last_error(), words[i]);
      ++checkFailures;
    }
}

#define CHECK_OK(call)                                                                             \
  do {                                                                                             \
    nncc_status checkStatus = (call);                                                              \
    if (checkStatus) {                                                                             \
      fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call,                            \
              nncc_status_name(checkStatus), nncc_last_error());                                   \
      ++checkFailures;                                                                             \
    }                                                                                              \
  } while (0)

static inline int checkResult(void) {
  if (checkFailures)
    fprintf(stderr, "%d checks failed\n", checkFailures);
  return checkFailures != 0;
}

#endif
