# Writes OUT: the pages of FOLDER, one an error code, as C++.
file(GLOB pages "${FOLDER}/E*.md")
list(SORT pages)
set(entries "")
foreach(page ${pages})
  get_filename_component(name "${page}" NAME_WE)
  string(SUBSTRING "${name}" 1 -1 digits)
  file(READ "${page}" text)
  # A leading 0 would make the digits octal.
  string(APPEND entries "    {1${digits} - 10000, R\"page(${text})page\"},\n")
endforeach()
file(WRITE "${OUT}" "// Written by EmbedErrors.cmake from docs/errors.
#include \"tools/mad/ErrorPages.h\"

const char *mad::tool::errorPage(uint16_t code) {
  static const struct {
    uint16_t code;
    const char *text;
  } pages[] = {
${entries}  };
  for (const auto &page : pages)
    if (code == page.code)
      return page.text;
  return nullptr;
}
")
