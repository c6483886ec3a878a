#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace helhed::telemetry {

// Prometheus metrics of one process (prometheus-cpp behind it). Names begin with `helhed_`, end in their unit (`_seconds`,
// `_bytes`,
// `_total`). Labels come from the contract and from literals only: an unbounded label is a leak of memory, and of people's data.
class Counter {
 public:
  void Increment(double by = 1);
  explicit Counter(void* handle) : handle_(handle) {}

 private:
  void* handle_;
};
class Gauge {
 public:
  void Set(double value);
  void Add(double by);
  explicit Gauge(void* handle) : handle_(handle) {}

 private:
  void* handle_;
};
class Histogram {
 public:
  void Observe(double value);
  explicit Histogram(void* handle) : handle_(handle) {}

 private:
  void* handle_;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  // The same name and labels give the same instrument. Instruments are found once, at start, and kept: finding is slow.
  Counter CounterOf(std::string_view name, std::string_view help, Labels labels = {});
  Gauge GaugeOf(std::string_view name, std::string_view help, Labels labels = {});
  // Buckets for durations from 100 us to 10 s.
  Histogram HistogramOf(std::string_view name, std::string_view help, Labels labels = {});

  // Called before each exposition, to set gauges.
  void OnCollect(std::function<void()> hook);

  // The text exposition format, version 0.0.4.
  std::string Expose() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace helhed::telemetry
