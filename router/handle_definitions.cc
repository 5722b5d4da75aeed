#include "router/handlers.h"

namespace tokura::router {

using runtime::Task;

Task<Result<Handlers::Applied>> Handlers::Apply(std::vector<catalog::DefinitionText> texts,
                                                catalog::ApplyOptions apply, CallOptions options) {
  Result<catalog::Plan> plan = Internal("the apply did not run");
  // The catalog writes and syncs files: not on the event loop.
  const runtime::Mutex::Guard alone = co_await applying_.Lock();
  TOKURA_CO_RETURN_IF_ERROR(co_await RunElsewhere(
      [this, &plan, &texts, &apply] { plan = catalog_.Apply(texts, apply); }));
  if (!plan.ok()) co_return plan.status();
  Applied applied;
  applied.revision = plan->next->revision;
  // A plan says which revision it was made against, so that apply can ask for just that one.
  if (apply.dry_run && !plan->changes.empty()) --applied.revision.value;
  applied.changes = std::move(plan->changes);
  applied.warnings = std::move(plan->warnings);
  co_return applied;
}

Task<Result<Handlers::Definitions>> Handlers::Read(CallOptions options) {
  co_return catalog_.Current();
}

}  // namespace tokura::router
