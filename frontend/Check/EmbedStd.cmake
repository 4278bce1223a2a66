# Writes OUT: the texts of the standard modules MODULES in FOLDER as C++.
set(entries "")
foreach(module ${MODULES})
  file(READ "${FOLDER}/${module}.mad" text)
  string(APPEND entries "    {\"std.${module}\", R\"mad(${text})mad\"},\n")
endforeach()
file(WRITE "${OUT}" "// Written by EmbedStd.cmake from frontend/std.
#include \"frontend/Check/Check.h\"

const char *mad::standardModule(const std::string &name) {
  static const struct {
    const char *name, *text;
  } modules[] = {
${entries}  };
  for (const auto &module : modules)
    if (name == module.name)
      return module.text;
  return nullptr;
}
")
