# Writes FILES as C arrays pmm__report_<NAMES> to OUT. Run by cmake -P.
set(code "/* Made by cmake/embed.cmake from web/report. */\n#include \"backtest/report_impl.h\"\n")
foreach(name file IN ZIP_LISTS NAMES FILES)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND code "const unsigned char pmm__report_${name}[] = {${bytes}};\nconst size_t pmm__report_${name}_size = sizeof pmm__report_${name};\n")
endforeach()
file(WRITE ${OUT} "${code}")
