// Compiled into every plug-in by lra_add_plugin: the interface that it was made for, as text that can be found before
// the library is loaded.
extern "C" {
extern const char lra_plugin_abi[];
const char lra_plugin_abi[] = "lra plugin ABI " LRA_ABI;
}
