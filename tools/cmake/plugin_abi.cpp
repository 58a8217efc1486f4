// Compiled into every plug-in by lra_add_plugin: the version of the interface that it was built for, as text that lra
// finds in the file before loading the library.
extern "C" {
extern const char lra_plugin_abi[];
const char lra_plugin_abi[] = "lra plugin ABI " LRA_ABI;
}
