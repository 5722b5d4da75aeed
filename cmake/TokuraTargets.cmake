# The three kinds of target. Sources are globbed so that adding a file is adding a file; folders are
# small, and CONFIGURE_DEPENDS makes the build look again.

add_library(tokura_options INTERFACE)
target_include_directories(tokura_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tokura_options INTERFACE -Wall -Wextra -Werror -Wno-unused-parameter
                       -fno-omit-frame-pointer)
if(TOKURA_ASAN)
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(TOKURA_TSAN)
  set(sanitize -fsanitize=thread)
endif()
if(TOKURA_FUZZERS)
  # Everything reports its coverage to libFuzzer, not the target's own file alone: without it the
  # search is blind to the code under test.
  target_compile_options(tokura_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_compile_options(tokura_options INTERFACE ${sanitize})
target_link_options(tokura_options INTERFACE ${sanitize})
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(tokura_options INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros ${CCACHE})
endif()

# tokura_library(NAME [DEPS lib...] [SUBFOLDER dir]): every .cc of the folder but main.cc.
function(tokura_library name)
  cmake_parse_arguments(ARG "" "SUBFOLDER" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SUBFOLDER}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/[a-z_]*main\\.cc$")
  if(NOT sources)  # a folder of headers only
    add_library(tokura_${name} INTERFACE)
    target_link_libraries(tokura_${name} INTERFACE tokura_options ${ARG_DEPS})
    return()
  endif()
  add_library(tokura_${name} STATIC ${sources})
  target_link_libraries(tokura_${name} PUBLIC tokura_options ${ARG_DEPS})
  set_target_properties(tokura_${name} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

# tokura_program(NAME MAIN [DEPS lib...])
function(tokura_program name main)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE tokura_options ${ARG_DEPS})
  if(TARGET PkgConfig::JEMALLOC)
    target_link_libraries(${name} PRIVATE PkgConfig::JEMALLOC)
  endif()
endfunction()

# tokura_test(FOLDER [DEPS lib...]): tests/FOLDER/*_test.cc as one program, one ctest case a test.
function(tokura_test folder)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_fuzzer\\.cc$")
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE tokura_options ${ARG_DEPS} GTest::gtest_main)
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()

# tokura_fuzzer(NAME SOURCE CORPUS_DIR [DEPS lib...]): with TOKURA_FUZZERS a libFuzzer program, else
# a program that runs the target over the corpus and seeded mutations of it, as a ctest case. The
# target `fuzzers` builds all of them.
add_custom_target(fuzzers)
function(tokura_fuzzer name source corpus)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE tokura_options ${ARG_DEPS})
  add_dependencies(fuzzers ${name})
  if(TOKURA_FUZZERS)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus_main.cc)
    add_test(NAME Fuzz.${name} COMMAND ${name} ${corpus})
    set_tests_properties(Fuzz.${name} PROPERTIES TIMEOUT 300)
  endif()
endfunction()
include(GoogleTest)
