# Writes OUT: the texts of the standard modules MODULES in FOLDER as C++. The parts of a
# module, in a folder of its name, follow it.
set(entries "")
foreach(module ${MODULES})
  string(REPLACE "." "/" file "${module}")
  file(READ "${FOLDER}/${file}.mad" text)
  file(GLOB parts "${FOLDER}/${file}/*.mad") # in the order of their names
  foreach(part ${parts})
    file(READ "${part}" more)
    string(APPEND text "\n${more}")
  endforeach()
  string(APPEND entries "    {\"std.${module}\", R\"mad(${text})mad\"},\n")
endforeach()
file(WRITE "${OUT}" "// Written by EmbedStd.cmake from frontend/std.
#include \"frontend/Check/Check.h\"

static const struct {
  const char *name, *text;
} modules[] = {
${entries}};

std::vector<std::string> mad::standardModules() {
  std::vector<std::string> names;
  for (const auto &module : modules)
    names.push_back(module.name);
  return names;
}

const char *mad::standardModule(const std::string &name) {
  for (const auto &module : modules)
    if (name == module.name)
      return module.text;
  return nullptr;
}
")
