# The pages of reports: web/report bundled with uPlot by esbuild, both fetched from npm at the versions and hashes of web/package-lock.json,
# as bytes in the library. Fetching happens once in each build folder, and only when something is built.
find_program(PMM_NPM npm)
if(NOT PMM_NPM)
  message(FATAL_ERROR "npm is missing: the report's charts (uPlot) are fetched with it. Install it: apt-get install nodejs npm, or `make deps`.")
endif()

set(PMM_WEB ${CMAKE_BINARY_DIR}/web)
file(GLOB page_sources CONFIGURE_DEPENDS web/report/*.js web/report/*.css)
add_custom_command(
  OUTPUT ${PMM_WEB}/node_modules/.package-lock.json
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PMM_WEB}
  COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/web/package.json ${CMAKE_SOURCE_DIR}/web/package-lock.json ${PMM_WEB}
  COMMAND ${PMM_NPM} ci --prefix ${PMM_WEB} --ignore-scripts --no-audit --no-fund --no-update-notifier --prefer-offline --loglevel=error
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
  DEPENDS web/package.json web/package-lock.json
  COMMENT "Fetching uPlot and esbuild from npm"
  VERBATIM)
add_custom_command(
  OUTPUT ${PMM_WEB}/report.js ${PMM_WEB}/report.css
  COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${PMM_WEB}/node_modules ${PMM_WEB}/node_modules/.bin/esbuild --bundle --minify --format=iife --target=es2020
    --charset=utf8 --legal-comments=inline --log-level=warning --outdir=${PMM_WEB} --entry-names=report ${CMAKE_SOURCE_DIR}/web/report/main.js ${CMAKE_SOURCE_DIR}/web/report/report.css
  DEPENDS ${page_sources} ${PMM_WEB}/node_modules/.package-lock.json
  COMMENT "Bundling the report's page"
  VERBATIM)
add_custom_command(
  OUTPUT ${PMM_WEB}/report_assets.c
  COMMAND ${CMAKE_COMMAND} -DOUT=${PMM_WEB}/report_assets.c "-DNAMES=js;css;html" "-DFILES=${PMM_WEB}/report.js;${PMM_WEB}/report.css;${CMAKE_SOURCE_DIR}/web/report/page.html"
    -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${PMM_WEB}/report.js ${PMM_WEB}/report.css web/report/page.html cmake/embed.cmake
  COMMENT "Embedding the report's page"
  VERBATIM)
target_sources(pmm_backtest PRIVATE ${PMM_WEB}/report_assets.c)
