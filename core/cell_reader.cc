#include "core/cell_reader.h"

namespace tokura {

bool CellReader::TakeList(CellBytes* cell) {
  const std::string_view list = cursor_.rest();
  ListReader elements(list);
  for (CellBytes element; elements.Next(&element);) {
  }
  if (!elements.ok()) return false;
  return cursor_.Take(cell->size = list.size() - elements.rest().size(), &cell->bytes);
}

}  // namespace tokura
