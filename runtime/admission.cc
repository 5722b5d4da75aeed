#include "runtime/admission.h"

#include <algorithm>
#include <utility>

namespace tokura::runtime {
namespace {

using std::chrono::milliseconds;

constexpr double kCostly = 200;        // units from which a request counts as costly
constexpr double kCostlyShare = 0.75;  // of the limit, for costly requests
constexpr double kCutMost = 0.3;       // of the limit, in one interval
constexpr double kRise = 1.1;          // of a used limit, in one interval without a standing queue
constexpr double kCutLeast = 0.9;
// Rounds and pauses that are too short to matter beside the target, and long enough to cost
// nothing.
constexpr std::chrono::microseconds kShortRound(200);
constexpr std::chrono::microseconds kProbeEvery(500);
// Of the line, in one turn of the loop: whichever comes first. Half of the target, for what comes
// meanwhile is not read.
constexpr milliseconds kSlice(10);
constexpr double kSliceUnits = 10'000;
constexpr int kIdleIntervals = 10;
constexpr milliseconds kRetryMin(100);
constexpr milliseconds kRetryMax(2'000);
constexpr int kRetryFactor = 5;  // of the delay: so long, and the queue has turned over

double Seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

}  // namespace

struct Admission::Meters {
  Meters(Metrics& metrics, const std::string& part)
      : calls(metrics.gauge(Name(part, "calls"), "Requests taken on and not yet answered.")),
        cost(metrics.gauge(Name(part, "cost"),
                           "Estimated cost of the requests taken on, in units of about 1 us.")),
        limit(metrics.gauge(Name(part, "cost_limit"),
                            "Cost that may be taken on at once; falls under overload.")),
        calls_limit(
            metrics.gauge(Name(part, "calls_limit"), "Requests that may be taken on at once.")),
        delay(metrics.histogram(Name(part, "delay_seconds"),
                                "Time that work waits for its event loop.")),
        line(metrics.histogram(Name(part, "line_seconds"),
                               "Time that requests stood in line before they were begun.")),
        callers(metrics.gauge(Name(part, "callers"),
                              "Connections that asked in the last interval, sharing the limit.")),
        over_calls(Refusals(metrics, part, "calls")),
        over_memory(Refusals(metrics, part, "memory")),
        overload(Refusals(metrics, part, "overload")),
        over_share(Refusals(metrics, part, "share")),
        too_late(Refusals(metrics, part, "deadline")) {}

  static std::string Name(const std::string& part, const char* what) {
    return "tokura_" + part + "_admission_" + what;
  }
  static Counter& Refusals(Metrics& metrics, const std::string& part, const char* reason) {
    return metrics.counter(Name(part, "refused_total"), "Requests refused before any work.",
                           {{"reason", reason}});
  }

  Gauge& calls;
  Gauge& cost;
  Gauge& limit;
  Gauge& calls_limit;
  Histogram& delay;
  Histogram& line;
  Gauge& callers;
  Counter& over_calls;
  Counter& over_memory;
  Counter& overload;
  Counter& over_share;
  Counter& too_late;
};

Admission::Place::Place(Place&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      caller_(other.caller_),
      units_(other.units_),
      waits_(other.waits_),
      memory_(std::move(other.memory_)) {}

Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
  std::swap(admission_, other.admission_);
  std::swap(caller_, other.caller_);
  std::swap(units_, other.units_);
  std::swap(waits_, other.waits_);
  std::swap(memory_, other.memory_);
  return *this;
}

Admission::Place::~Place() {
  if (admission_ != nullptr) admission_->Release(*this);
}

void Admission::Turn::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  since_ = admission_.clock_.Monotonic();
  admission_.line_.push_back(this);
  admission_.PostLine();
}

Admission::Turn::~Turn() {
  if (waiter_) std::ranges::replace(admission_.line_, this, static_cast<Turn*>(nullptr));
}

Admission::Admission(Executor& executor, Clock& clock, const std::string& part, Metrics& metrics,
                     MemoryBudget* budget, AdmissionOptions options)
    : executor_(executor),
      clock_(clock),
      budget_(budget),
      options_(options),
      meters_(std::make_unique<Meters>(metrics, part)),
      limit_(options.cost_max),
      interval_begun_(clock.Monotonic()),
      alive_(std::make_shared<Admission*>(this)) {
  meters_->limit.Add(limit_);
  meters_->calls_limit.Add(static_cast<double>(options_.calls_max));
}

Admission::~Admission() {
  *alive_ = nullptr;
  meters_->limit.Add(-limit_);
  meters_->calls_limit.Add(-static_cast<double>(options_.calls_max));
  meters_->callers.Add(-static_cast<double>(callers_before_));
}

Result<Admission::Place> Admission::Admit(RequestCost cost, size_t bytes,
                                          std::optional<Time> deadline, Caller* caller) {
  const Time now = clock_.Monotonic();
  if (!probing_) {
    if (now - interval_begun_ >= kIdleIntervals * options_.delay_interval) Forget();
    if (now - probed_ >= kProbeEvery) {
      rounds_ = 0;
      PostProbe(now);
    }
  }
  if (now - interval_begun_ >= options_.delay_interval) CloseInterval(now);
  if (caller != nullptr) CountCaller(caller);
  if (deadline.has_value() && *deadline <= now + standing_delay_) {
    meters_->too_late.Add();
    return DeadlineExceeded("the deadline would pass before the request is begun");
  }
  if (!cost.unsheddable) {
    if (calls_ >= options_.calls_max) {
      return Refuse(meters_->over_calls, "too many requests are in flight; try again later");
    }
    // Something is always taken on, however costly it is.
    if (in_flight_ > 0 && in_flight_ + cost.units > LimitFor(cost.units)) {
      limit_used_ = true;
      return Refuse(meters_->overload, "the server is overloaded; try again later");
    }
    if (caller != nullptr && caller->in_flight_ > 0 && has_line() &&
        caller->in_flight_ + cost.units > Share()) {
      limit_used_ = true;
      return Refuse(meters_->over_share,
                    "the server is overloaded, most by this connection; try again later");
    }
  }
  Place place;
  if (budget_ != nullptr && !cost.unsheddable) {
    place.memory_ = MemoryBudget::Share(*budget_);
    if (!place.memory_.Resize(bytes)) {
      return Refuse(meters_->over_memory, "the memory for requests is taken; try again later");
    }
  }
  place.admission_ = this;
  place.caller_ = caller;
  place.units_ = cost.units;
  place.waits_ = !cost.unsheddable;
  ++calls_;
  if (caller != nullptr) caller->in_flight_ += cost.units;
  in_flight_ += cost.units;
  units_in_round_ += cost.units;
  in_flight_peak_ = std::max(in_flight_peak_, in_flight_);
  meters_->calls.Add(1);
  meters_->cost.Add(cost.units);
  return place;
}

double Admission::LimitFor(double units) const {
  return std::max(options_.cost_floor, units >= kCostly ? limit_ * kCostlyShare : limit_);
}

// Called more often than anything else in an overload, so it makes one string.
Status Admission::Refuse(Counter& reason, const char* why) {
  reason.Add();
  const auto delay = std::chrono::duration_cast<milliseconds>(standing_delay_);
  return ResourceExhausted(why).WithRetryAfter(
      std::clamp(delay * kRetryFactor, kRetryMin, kRetryMax));
}

void Admission::CountCaller(Caller* caller) {
  if (std::exchange(caller->asked_in_, interval_) != interval_) ++callers_;
}

double Admission::Share() const {
  return limit_ / static_cast<double>(std::max(callers_, callers_before_));
}

void Admission::Release(const Place& place) {
  const double units = place.units_;
  if (place.caller_ != nullptr) place.caller_->in_flight_ -= units;
  --calls_;
  // Sums of estimates: without calls there is no cost, whatever was rounded.
  in_flight_ = calls_ == 0 ? 0 : in_flight_ - units;
  meters_->calls.Add(-1);
  meters_->cost.Add(-units);
}

void Admission::PostLine() {
  if (std::exchange(line_posted_, true)) return;
  executor_.Post([alive = alive_] {
    if (*alive != nullptr) (*alive)->RunLine();
  });
}

void Admission::RunLine() {
  line_posted_ = false;
  const Time begun = clock_.Monotonic();
  double units = 0;
  for (Time now = begun; !line_.empty() && units < kSliceUnits && now - begun < kSlice;
       now = clock_.Monotonic()) {
    Turn* const first = line_.front();
    line_.pop_front();
    if (first == nullptr) continue;
    meters_->line.Observe(Seconds(now - first->since_));
    line_waits_ += now - first->since_;
    ++line_begun_;
    units += first->units_;
    std::exchange(first->waiter_, {}).resume();
  }
  if (!line_.empty()) PostLine();
}

// The first round only takes the probe behind what is in the queue already, the burst that it was
// posted in; it goes on as long as rounds take time. Without requests there is none, and no timer.
void Admission::PostProbe(Time now) {
  probing_ = true;
  executor_.Post([alive = alive_, now] {
    if (*alive != nullptr) (*alive)->OnProbe(now);
  });
}

void Admission::OnProbe(Time posted) {
  const Time now = clock_.Monotonic();
  const Time round = now - posted;
  meters_->delay.Observe(Seconds(round));
  squares_ += Seconds(round) * Seconds(round);
  round_ = round;
  units_in_round_ = 0;
  if (now - interval_begun_ >= options_.delay_interval) CloseInterval(now);
  if (++rounds_ < 2 || round > kShortRound) {
    PostProbe(now);
    return;
  }
  probing_ = false;
  probed_ = now;
}

// Nobody came for a while, so that what was measured before says nothing.
void Admission::Forget() {
  squares_ = 0;
  round_ = Time(0);
  units_in_round_ = 0;
  was_over_ = false;
  limit_used_ = false;
  meters_->limit.Add(options_.cost_max - limit_);
  limit_ = options_.cost_max;
}

void Admission::CloseInterval(Time now) {
  const double seconds = Seconds(now - interval_begun_);
  const double in_line =
      line_begun_ == 0 ? 0 : Seconds(line_waits_) / static_cast<double>(line_begun_);
  const double delay = squares_ / seconds + in_line;
  const bool over = delay > Seconds(options_.delay_target);
  // A turn that took longer than several intervals says as much as they would.
  const bool stands = over && (was_over_ || seconds > 2 * Seconds(options_.delay_interval));
  const double before = limit_;
  if (stands) {
    const double standing = std::max(delay, Seconds(options_.delay_target));
    standing_delay_ = std::chrono::duration_cast<Time>(std::chrono::duration<double>(standing));
    const double passes = std::max(kCutMost, Seconds(options_.delay_target) / standing);
    limit_ = std::min(limit_, in_flight_peak_) * std::min(passes, kCutLeast);
  } else {
    standing_delay_ = Time(0);
    if (limit_used_ && !over) limit_ *= kRise;
  }
  limit_ = std::clamp(limit_, options_.cost_floor, options_.cost_max);
  meters_->limit.Add(limit_ - before);
  was_over_ = over;
  limit_used_ = false;
  in_flight_peak_ = in_flight_;
  squares_ = 0;
  line_waits_ = Time(0);
  line_begun_ = 0;
  meters_->callers.Add(static_cast<double>(callers_) - static_cast<double>(callers_before_));
  callers_before_ = std::exchange(callers_, 0);
  ++interval_;
  interval_begun_ = now;
}

}  // namespace tokura::runtime
