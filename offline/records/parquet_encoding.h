// How the columns of a data file are encoded: plain or with a dictionary, which is decided by their
// first rows. Nothing newer, so that every reader of Parquet reads them. Included by .cc files of
// offline/ only.
#pragma once

#include <cstdint>
#include <memory>

#include <arrow/type_fwd.h>
#include <parquet/properties.h>

namespace tokura::offline {

// Whether values come again often enough for a dictionary: of a sample of `array`, more than an
// eighth were there before. Of types that it does not look into: yes.
bool ValuesRepeat(const arrow::Array& array);

// `first`: the first rows of the file, in its order.
std::shared_ptr<parquet::WriterProperties> PropertiesFor(const arrow::RecordBatch& first,
                                                         int64_t row_group_rows_max);

}  // namespace tokura::offline
