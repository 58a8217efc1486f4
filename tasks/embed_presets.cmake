# Writes OUTPUT, a C++ file that holds the texts of FILES.
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND entries "      {\"${name}\", R\"preset(${text})preset\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"tasks/preset.h\"

namespace lra {

const std::vector<EmbeddedPreset>& embedded_presets() {
  static const std::vector<EmbeddedPreset> all = {
${entries}  };
  return all;
}

}  // namespace lra
")
