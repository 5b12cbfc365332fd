/* pmm/version.h -- the version of library and program; a test holds it to CMakeLists.txt's. */
#ifndef PMM_VERSION_H
#define PMM_VERSION_H
#define PMM_VERSION "0.1.0"
#endif
