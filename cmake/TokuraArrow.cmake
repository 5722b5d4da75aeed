# Arrow C++ and Parquet as the target Tokura::parquet. The distribution's own package first; where it
# has none (Debian 12), the libraries and headers inside the pinned pyarrow wheel, which
# ops/setup.sh installs into build/venv.
set(TOKURA_VENV ${CMAKE_SOURCE_DIR}/build/venv CACHE PATH "virtual environment of ops/setup.sh")
find_package(Arrow QUIET)
find_package(Parquet QUIET)
add_library(tokura_parquet INTERFACE)
add_library(Tokura::parquet ALIAS tokura_parquet)
if(Arrow_FOUND AND Parquet_FOUND)
  target_link_libraries(tokura_parquet INTERFACE Arrow::arrow_shared Parquet::parquet_shared)
else()
  file(GLOB pyarrow_dir ${TOKURA_VENV}/lib/python3*/site-packages/pyarrow)
  if(NOT EXISTS ${pyarrow_dir}/libarrow.so)
    message(FATAL_ERROR "Arrow C++ not found: neither a system package nor ${TOKURA_VENV}; "
                        "run ops/setup.sh")
  endif()
  message(STATUS "Arrow: ${pyarrow_dir}")
  target_include_directories(tokura_parquet SYSTEM INTERFACE ${pyarrow_dir}/include)
  target_link_directories(tokura_parquet INTERFACE ${pyarrow_dir})
  target_link_libraries(tokura_parquet INTERFACE ${pyarrow_dir}/libarrow.so
                        ${pyarrow_dir}/libparquet.so)
endif()
