// Admission: decides, before a request is parsed, whether its executor takes it on. It keeps the
// queue short when more is asked than can be served: what is answered is answered in time, and the
// rest is told at once when to come again.
//
// How: while requests come, a probe goes round in the executor's queue, and the time of one round
// is how long the loop's turns take. A request waits for a turn to end, unread, and then through
// the next, so what a request that came at any moment would have waited is the sum of the squares
// of the rounds over the time. Once turns are long, requests stand in line (Turn) and are begun in
// slices, so that turns stay short: between two slices the loop reads what came meanwhile, and
// nothing grows old where it cannot be seen. When unread and in line a request waits longer than
// the target for a second interval (a burst passes, a standing queue does not; this is CoDel's
// rule), the cost that may be in flight is cut to what passes within the target. While there is no
// standing queue it rises again, as far as it is used. Costs are estimates made from method and
// bytes: only their ratios matter. Costly requests are refused at three quarters of what cheap ones
// may use, so they go first; and while there is a line no caller takes more than its share of it.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/memory_budget.h"
#include "runtime/metrics.h"

namespace tokura::runtime {

struct RequestCost {
  double units = 1;          // about µs of one core
  bool unsheddable = false;  // health, status, replication: small, and needed in trouble
};

struct AdmissionOptions {
  size_t calls_max = 16'384;  // in flight on this executor
  std::chrono::nanoseconds delay_target = std::chrono::milliseconds(20);
  std::chrono::nanoseconds delay_interval = std::chrono::milliseconds(100);
  // So much is taken on whatever the delay: a machine that is busy with other things must not
  // refuse its few callers.
  double cost_floor = 4'000;
  // So much is taken on at most: what a sudden overload may queue before it is measured.
  double cost_max = 100'000;
};

// What a program's flags bound; each server takes its part.
struct ServingLimits {
  size_t connections_max = 10'000;  // of each server: native, HTTP
  size_t calls_max = 16'384;        // in flight on an executor
  size_t http_body_bytes_max = 8 << 20;
  size_t blocking_queue_max = 256;  // work for other threads that waits, beyond which none is added
};

// Lives on one executor, and outlives its Places. Ends after the executor stopped, or once idle.
class Admission {
 public:
  // `part`: whose requests ("router", "node"), for metric names; objects of one part share them.
  // `budget` may be null. All outlive it.
  Admission(Executor& executor, Clock& clock, const std::string& part, Metrics& metrics,
            MemoryBudget* budget, AdmissionOptions options = {});
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Who asks, as a connection does: those who ask at the same time share alike. Outlives its
  // Places.
  class Caller {
   private:
    friend class Admission;
    double in_flight_ = 0;
    uint64_t asked_in_ = 0;  // the interval
  };

  // What one request takes of the limits, as long as it lives.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place();

   private:
    friend class Admission;
    Admission* admission_ = nullptr;
    Caller* caller_ = nullptr;
    double units_ = 0;
    bool waits_ = false;  // in line, if there is one
    MemoryBudget::Share memory_;
  };

  // Awaited before a request's work is begun: resumes at once, or in its turn if there is a line.
  // What is unsheddable does not wait.
  class Turn {
   public:
    Turn(Admission& admission, const Place& place)
        : admission_(admission), units_(place.units_), waits_(place.waits_) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();
    bool await_ready() const { return !waits_ || !admission_.has_line(); }
    void await_suspend(std::coroutine_handle<> waiter);
    void await_resume() const {}

   private:
    friend class Admission;
    Admission& admission_;
    const double units_;
    const bool waits_;
    std::coroutine_handle<> waiter_;  // while it stands in line
    std::chrono::nanoseconds since_{};
  };

  // RESOURCE_EXHAUSTED with retry_after: over a limit or shed. DEADLINE: by the delay of the moment
  // `deadline` (monotonic) would pass before the work begins. Nothing was done in either case.
  // `caller` may be null: then it has no share.
  Result<Place> Admit(RequestCost cost, size_t bytes,
                      std::optional<std::chrono::nanoseconds> deadline, Caller* caller = nullptr);

  double cost_limit() const { return limit_; }
  double cost_in_flight() const { return in_flight_; }

 private:
  struct Meters;
  using Time = std::chrono::nanoseconds;
  static constexpr Time kLongRound = std::chrono::milliseconds(2);
  static constexpr double kLongRoundUnits = 2'000;

  // Requests wait for each other: they are then to stand in line, where they can be bounded.
  bool has_line() const {
    return !line_.empty() || standing_delay_ > Time(0) || round_ > kLongRound ||
           units_in_round_ > kLongRoundUnits;
  }
  void PostLine();
  void RunLine();
  void PostProbe(Time now);
  void OnProbe(Time posted);
  void Forget();
  void CloseInterval(Time now);
  double LimitFor(double units) const;
  double Share() const;
  void CountCaller(Caller* caller);
  Status Refuse(Counter& reason, const char* why);
  void Release(const Place& place);

  Executor& executor_;
  Clock& clock_;
  MemoryBudget* const budget_;
  const AdmissionOptions options_;
  const std::unique_ptr<Meters> meters_;
  size_t calls_ = 0;
  double in_flight_ = 0;
  double limit_;
  bool limit_used_ = false;    // in this interval something was refused for the limit
  double in_flight_peak_ = 0;  // in this interval
  std::deque<Turn*> line_;     // first come, first served; null: gone
  bool line_posted_ = false;
  Time line_waits_{};          // of the requests begun in this interval, summed
  size_t line_begun_ = 0;      // their number
  uint64_t interval_ = 1;      // its number
  size_t callers_ = 0;         // that asked in this interval
  size_t callers_before_ = 0;  // in the last one
  Time interval_begun_{};
  double squares_ = 0;     // of the rounds in this interval, s^2
  bool was_over_ = false;  // the last interval was over the target
  Time standing_delay_{};  // of the last interval; 0: no standing queue
  bool probing_ = false;
  int rounds_ = 0;                     // of the probe under way
  Time round_{};                       // the last one
  double units_in_round_ = 0;          // taken on since the last one
  Time probed_{};                      // when the last probe ended
  std::shared_ptr<Admission*> alive_;  // joint owners: this and the probe under way
};

}  // namespace tokura::runtime
