/* Opening libraries and weights files, and every way in which these can be wrong. The argument is
 * the folder of the libraries that CMakeLists.txt makes from model.c; the program works in a
 * temporary folder. */
#include "arguments.h"
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *libraries;
static char folder[512];

/* Paths, four of which can be in use at a time. */
static const char *in(const char *parent, const char *name) {
  static char paths[4][600];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", parent, name);
  return path;
}

static const char *library(const char *name) { return in(libraries, name); }
static const char *own(const char *name) { return in(folder, name); }

static void writeFile(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(data, 1, size, file) == size);
  if (file)
    fclose(file);
}

/* Copies the first bytes of a file. */
static void copyFile(const char *from, const char *to, size_t most) {
  static char data[1 << 20];
  FILE *file = fopen(from, "rb");
  size_t size = file ? fread(data, 1, sizeof data, file) : 0;
  if (file)
    fclose(file);
  CHECK(size > 0 && size < sizeof data);
  writeFile(to, data, size < most ? size : most);
}

static void writeWeights(const char *path, nncc_weights_header header, float first, size_t most) {
  static char data[NNCC_WEIGHTS_OFFSET + MODEL_WEIGHTS_SIZE];
  float values[] = MODEL_WEIGHTS;
  values[0] = first;
  memset(data, 0, sizeof data);
  memcpy(data, &header, sizeof header);
  memcpy(data + NNCC_WEIGHTS_OFFSET, values, sizeof values);
  writeFile(path, data, most < sizeof data ? most : sizeof data);
}

static const nncc_weights_header goodHeader = {NNCC_WEIGHTS_MAGIC, MODEL_WEIGHTS_SIZE,
                                               MODEL_WEIGHTS_HASH};

static nncc_status openModel(const char *path, uint32_t flags, const char *symbol,
                             const char *weights) {
  nncc_open_options options = NNCC_OPEN_OPTIONS_INIT;
  nncc_model *model = NULL;
  options.flags = flags;
  options.symbol = symbol;
  options.weights_path = weights;
  nncc_status status = nncc_model_open(path, &options, &model);
  CHECK((model == NULL) == (status != NNCC_OK));
  nncc_model_close(model);
  return status;
}

static void runModel(const char *path, const nncc_open_options *options) {
  nncc_model *model = NULL;
  nncc_instance *instance = NULL;
  static Arguments a;
  CHECK_OK(nncc_model_open(path, options, &model));
  if (!model)
    return;
  CHECK_OK(nncc_instance_create(model, NULL, &instance));
  setArguments(&a, 11, 0);
  CHECK_OK(nncc_instance_run(instance, a.inputs, 2, a.outputs, 2));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(instance);
  nncc_model_close(model);
}

static void testGood(void) {
  runModel(library("embedded.so"), NULL);
  copyFile(library("embedded.so"), own("renamed-net.bin"), -1);
  runModel(own("renamed-net.bin"), NULL);
  CHECK(chdir(folder) == 0);
  runModel("renamed-net.bin", NULL); /* not searched for in the system's folders */
  CHECK_OK(openModel(library("two.so"), 0, "nncc_model_other", NULL));
  CHECK_OK(openModel(library("embedded.so"), NNCC_OPEN_VERIFY_WEIGHTS, NULL, NULL));
  CHECK_OK(openModel(library("strange-isa.so"), NNCC_OPEN_ANY_ISA, NULL, NULL));
}

static void testWrongLibraries(void) {
  CHECK_FAILS(NNCC_IO_ERROR, openModel(own("none.so"), 0, NULL, NULL), "none.so", "No such file",
              NULL);
  CHECK_FAILS(NNCC_IO_ERROR, openModel(folder, 0, NULL, NULL), folder, "not a file", NULL);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, openModel(NULL, 0, NULL, NULL), "NULL", NULL, NULL);
  writeFile(own("empty.so"), "", 0);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(own("empty.so"), 0, NULL, NULL), "empty", NULL, NULL);
  writeFile(own("text.so"), "INPUT(libc.so)", 14);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(own("text.so"), 0, NULL, NULL), "not a shared library",
              NULL, NULL);
  unsetenv("NNCC_TEST_CONSTRUCTOR");
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(library("foreign.so"), 0, NULL, NULL),
              "not a compiled model", NULL, NULL);
  CHECK(!getenv("NNCC_TEST_CONSTRUCTOR")); /* none of its code has run */
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, openModel(library("two.so"), 0, NULL, NULL),
              "nncc_model_small", "nncc_model_other", "symbol");
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(library("two.so"), 0, "nncc_model_third", NULL),
              "nncc_model_third", NULL, NULL);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(library("magic.so"), 0, NULL, NULL), "magic", NULL,
              NULL);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(library("major.so"), 0, NULL, NULL), "version 77.",
              "compile the model again", NULL);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(library("short.so"), 0, NULL, NULL), "8 bytes", NULL,
              NULL);
  CHECK_FAILS(NNCC_ISA_MISSING, openModel(library("strange-isa.so"), 0, NULL, NULL), "quantum",
              "generic", NULL);
}

/* Every prefix, and every file with one damaged byte of its headers, opens or fails but never
 * crashes. */
static void testDamage(void) {
  static char data[1 << 20];
  FILE *file = fopen(library("embedded.so"), "rb");
  size_t size = file ? fread(data, 1, sizeof data, file) : 0;
  if (file)
    fclose(file);
  CHECK(size > 1000);
  for (size_t most = 1; most < size; most += most / 8 + 1) {
    writeFile(own("cut.so"), data, most);
    nncc_status status = openModel(own("cut.so"), 0, NULL, NULL);
    CHECK(status == NNCC_ABI_MISMATCH || most > size / 2);
  }
  /* A symbol that nobody has, so that what was damaged is read but not loaded. */
  char *name = NULL;
  for (size_t i = 0; i + 12 < size; ++i)
    if (memcmp(data + i, "nncc_model_small", 12) == 0) {
      name = data + i;
      *name = 'X';
    }
  CHECK(name != NULL);
  for (size_t i = 0; i < size && i < 4096; ++i) {
    char before = data[i];
    data[i] = (char)(before ^ (1 << (i % 8)));
    writeFile(own("damaged.so"), data, size);
    CHECK(openModel(own("damaged.so"), 0, NULL, NULL) != NNCC_OK);
    data[i] = before;
  }
}

static void testWeights(void) {
  const char *path = own("model.so");
  nncc_weights_header other = goodHeader;
  copyFile(library("file.so"), path, -1);
  CHECK_FAILS(NNCC_IO_ERROR, openModel(own("model.so"), 0, NULL, NULL), "small.weights",
              "No such file", NULL);
  for (size_t most = 0; most < NNCC_WEIGHTS_OFFSET + MODEL_WEIGHTS_SIZE; most += 293) {
    writeWeights(own("small.weights"), goodHeader, 1, most);
    CHECK_FAILS(NNCC_IO_ERROR, openModel(own("model.so"), 0, NULL, NULL), "small.weights",
                "cut off", NULL);
  }
  writeWeights(own("small.weights"), goodHeader, 1, -1);
  runModel(own("model.so"), NULL);
  CHECK_OK(openModel(own("model.so"), NNCC_OPEN_VERIFY_WEIGHTS, NULL, NULL));
  nncc_open_options copying = NNCC_OPEN_OPTIONS_INIT;
  copying.flags = NNCC_OPEN_COPY_WEIGHTS | NNCC_OPEN_VERIFY_WEIGHTS;
  runModel(own("model.so"), &copying);

  other.hash ^= 1;
  writeWeights(own("small.weights"), other, 1, -1);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(own("model.so"), 0, NULL, NULL), "another model",
              "'small'", NULL);
  other = goodHeader;
  other.size = 24;
  writeWeights(own("small.weights"), other, 1, -1);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(own("model.so"), 0, NULL, NULL), "another model",
              "24 bytes", NULL);
  other = goodHeader;
  other.magic = 1;
  writeWeights(own("small.weights"), other, 1, -1);
  CHECK_FAILS(NNCC_ABI_MISMATCH, openModel(own("model.so"), 0, NULL, NULL), "not a weights file",
              NULL, NULL);

  writeWeights(own("small.weights"), goodHeader, 9, -1); /* one value is wrong */
  CHECK_OK(openModel(own("model.so"), 0, NULL, NULL));
  CHECK_FAILS(NNCC_DATA_ERROR, openModel(own("model.so"), NNCC_OPEN_VERIFY_WEIGHTS, NULL, NULL),
              "damaged", "small.weights", NULL);
}

static void testPlacesOfWeights(void) {
  CHECK(mkdir(own("weights"), 0700) == 0 && mkdir(own("links"), 0700) == 0);
  writeWeights(own("weights/elsewhere"), goodHeader, 1, -1);
  nncc_open_options options = NNCC_OPEN_OPTIONS_INIT;
  options.weights_path = own("weights/elsewhere");
  runModel(library("file.so"), &options);
  CHECK_FAILS(NNCC_IO_ERROR, openModel(library("file.so"), 0, NULL, folder), "not a file", NULL,
              NULL);

  /* A link to the library: the weights lie beside the link or beside the library. */
  writeWeights(own("small.weights"), goodHeader, 1, -1);
  CHECK(symlink("../model.so", own("links/net.so")) == 0);
  runModel(own("links/net.so"), NULL);
  CHECK(rename(own("small.weights"), own("links/small.weights")) == 0);
  runModel(own("links/net.so"), NULL);

  static const struct {
    _Alignas(NNCC_ALIGNMENT) float values[5];
    char tail[NNCC_ALIGNMENT];
  } memory = {MODEL_WEIGHTS, {0}};
  nncc_open_options hosted = NNCC_OPEN_OPTIONS_INIT;
  nncc_model *model = NULL;
  hosted.weights = &memory;
  hosted.weights_size = MODEL_WEIGHTS_SIZE;
  hosted.flags = NNCC_OPEN_VERIFY_WEIGHTS;
  runModel(library("file.so"), &hosted);
  hosted.weights_size = 8;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_model_open(library("file.so"), &hosted, &model),
              "8 bytes", "needs 20", NULL);
  hosted.weights = (const char *)&memory + 4;
  hosted.weights_size = MODEL_WEIGHTS_SIZE;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_model_open(library("file.so"), &hosted, &model),
              "aligned", NULL, NULL);
}

int main(int argc, char **argv) {
  const char *temporary = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/nncc-open-XXXXXX", temporary ? temporary : P_tmpdir);
  if (argc != 2 || !mkdtemp(folder))
    return 2;
  libraries = argv[1];
  testGood();
  testWrongLibraries();
  testDamage();
  testWeights();
  testPlacesOfWeights();
  char command[600];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return system(command) || checkResult();
}
