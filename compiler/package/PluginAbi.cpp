// Part of every pass plug-in: a reference to a symbol that only the nncc has for which the plug-in
// was built. Another one refuses to load it.
extern "C" const char NNCC_ABI_SYMBOL;
extern "C" __attribute__((visibility("default"))) const char *const nncc_plugin_abi =
    &NNCC_ABI_SYMBOL;
