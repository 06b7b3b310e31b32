/* Leaves a trace where a library's code has run. */
#include <stdlib.h>

__attribute__((constructor)) static void leaveTrace(void) {
  setenv("NNCC_TEST_CONSTRUCTOR", "1", 1);
}
