// Part of the tools where they are built with AddressSanitizer.
//
// LLVM's bump allocators mark their free memory as poisoned, but only in code that is built with the
// sanitizer. Their inline functions are, in ours, those inside of the LLVM libraries are not: these
// would hand out memory that is still marked.
extern "C" const char *__asan_default_options() { return "allow_user_poisoning=0"; }
