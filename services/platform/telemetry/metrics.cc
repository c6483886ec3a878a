#include "services/platform/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace helhed::telemetry {
namespace {

std::map<std::string, std::string> ToMap(Metrics::Labels labels) {
  std::map<std::string, std::string> map;
  for (auto const& [name, value] : labels) map.emplace(name, value);
  return map;
}

// Seconds, two or three a decade: fine enough for a p99, few enough for one set per method.
prometheus::Histogram::BucketBoundaries DurationBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

}  // namespace

void Counter::Increment(double by) { static_cast<prometheus::Counter*>(handle_)->Increment(by); }
void Gauge::Set(double value) { static_cast<prometheus::Gauge*>(handle_)->Set(value); }
void Gauge::Add(double by) { static_cast<prometheus::Gauge*>(handle_)->Increment(by); }
void Histogram::Observe(double value) { static_cast<prometheus::Histogram*>(handle_)->Observe(value); }

struct Metrics::State {
  prometheus::Registry registry;
  std::mutex mutex;
  std::vector<std::function<void()>> hooks;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::CounterOf(std::string_view name, std::string_view help, Labels labels) {
  auto& family = prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  return Counter(&family.Add(ToMap(labels)));
}

Gauge Metrics::GaugeOf(std::string_view name, std::string_view help, Labels labels) {
  auto& family = prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  return Gauge(&family.Add(ToMap(labels)));
}

Histogram Metrics::HistogramOf(std::string_view name, std::string_view help, Labels labels) {
  auto& family = prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(state_->registry);
  return Histogram(&family.Add(ToMap(labels), DurationBuckets()));
}

void Metrics::OnCollect(std::function<void()> hook) {
  std::lock_guard const lock(state_->mutex);
  state_->hooks.push_back(std::move(hook));
}

std::string Metrics::Expose() const {
  std::vector<std::function<void()>> hooks;
  {
    std::lock_guard const lock(state_->mutex);
    hooks = state_->hooks;
  }
  for (auto const& hook : hooks) hook();
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace helhed::telemetry
