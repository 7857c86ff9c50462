//! From a function to a plan: one file a kind of function, chosen by what the function is. In: a
//! [`Function`]. Out: a [`Plan`], or the diagnostics that say why there is none. Never writes.

mod included;
mod javascript;
mod prebuilt;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Function, Runtime};
use crate::js::graph::Graph;
use crate::plan::Plan;
use crate::settings::Settings;

/// Plans a function. The diagnostics of a failure have at least one error among them.
///
/// # Errors
/// Everything that is wrong with the function.
pub fn plan(function: &Function, graph: &Graph, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    let planned = match function.runtime {
        Runtime::JavaScript if function.ready_made => prebuilt::plan(function, graph.store()),
        Runtime::JavaScript => javascript::plan(function, graph, settings),
        Runtime::Go | Runtime::Rust => Err(vec![
            Diagnostic::error(
                Code::NotSupported,
                format!("building functions of runtime `{}` is not supported yet", function.runtime),
            )
            .at(&function.main_file)
            .hint("put the compiled function in a ready-made .zip"),
        ]),
    };
    let about = |diagnostic: Diagnostic| diagnostic.of(function.name.as_str());
    let mut plan = planned.map_err(|diagnostics| diagnostics.into_iter().map(about).collect::<Vec<_>>())?;
    plan.diagnostics = plan.diagnostics.into_iter().map(about).collect();
    let fatal = if settings.strict { Severity::Warning } else { Severity::Error };
    if plan.diagnostics.iter().any(|diagnostic| diagnostic.severity <= fatal) {
        return Err(plan.diagnostics);
    }
    Ok(plan)
}
