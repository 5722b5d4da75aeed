// RespDialects: Redis in the two layouts that feature stores use: a hash an entity with 4-byte
// hashed field names (as Feast does), and one string an entity that holds the packed row.
#pragma once

#include <memory>

#include "bench/load/dialect.h"

namespace tokura::bench {

// Reads: one HMGET an entity, pipelined. Writes: HSET and EXPIRE an entity, pipelined.
std::unique_ptr<Dialect> MakeRedisHashes(const RowShape& shape);
// Reads: one MGET. Writes: SET with EX an entity, pipelined.
std::unique_ptr<Dialect> MakeRedisPacked(const RowShape& shape);

}  // namespace tokura::bench
