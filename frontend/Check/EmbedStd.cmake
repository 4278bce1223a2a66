# Writes OUT: the texts of the standard modules MODULES in FOLDER as C++. The parts of a
# module, in a folder of its name, follow it.
set(entries "")
foreach(module ${MODULES})
  file(READ "${FOLDER}/${module}.mad" text)
  file(GLOB parts "${FOLDER}/${module}/*.mad") # in the order of their names
  foreach(part ${parts})
    file(READ "${part}" more)
    string(APPEND text "\n${more}")
  endforeach()
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
