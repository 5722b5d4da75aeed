// What the view counts. Internal to node/view.cc.
#pragma once

#include "runtime/metrics.h"

namespace tokura::node {

struct ViewMetrics {
  explicit ViewMetrics(runtime::Metrics& metrics)
      : writes(metrics.counter("tokura_view_writes_total", "Batches written to the view")),
        written_rows(metrics.counter("tokura_view_written_rows_total",
                                     "Rows written to the view or removed from it")),
        written_bytes(metrics.counter("tokura_view_written_bytes_total",
                                      "Bytes of keys and rows written to the view")),
        gets(metrics.counter("tokura_view_gets_total", "Keys looked up in the view")),
        errors(metrics.counter("tokura_view_errors_total", "Failed calls of the view")),
        get_seconds(metrics.histogram("tokura_view_get_seconds",
                                      "Duration of one lookup of some keys in the view")),
        flush_seconds(
            metrics.histogram("tokura_view_flush_seconds", "Duration of making the view durable")),
        disk_bytes(metrics.gauge("tokura_view_disk_bytes", "Bytes of the view's tables")),
        tables(metrics.gauge("tokura_view_tables", "Tables of the view")) {}

  runtime::Counter& writes;
  runtime::Counter& written_rows;
  runtime::Counter& written_bytes;
  runtime::Counter& gets;
  runtime::Counter& errors;
  runtime::Histogram& get_seconds;
  runtime::Histogram& flush_seconds;
  runtime::Gauge& disk_bytes;
  runtime::Gauge& tables;
};

}  // namespace tokura::node
