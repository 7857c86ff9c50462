//! From a function to a plan: one file a kind of function, chosen by what the function is. In: a
//! [`Function`]. Out: a [`Plan`], or the diagnostics that say why there is none. Never writes.

mod bootstrap;
mod development;
mod handler;
mod included;
mod javascript;
mod layout;
mod modules;
mod prebuilt;
mod telemetry;
mod way;

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Function, Runtime};
use crate::js::graph::Graph;
use crate::js::trace::TraceOptions;
use crate::plan::Plan;
use crate::settings::Settings;

/// Plans a function. The diagnostics of a failure have at least one error among them.
///
/// # Errors
/// Everything that is wrong with the function.
pub fn plan(function: &Function, graph: &Arc<Graph>, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
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
    let about = |diagnostic: Diagnostic| diagnostic.of(function.name.as_str()).under(settings.strict);
    let about_all = |diagnostics: Vec<Diagnostic>| diagnostics.into_iter().map(about).collect::<Vec<_>>();
    let plan = planned.map_err(about_all)?;
    let plan = Plan { diagnostics: about_all(plan.diagnostics), ..plan };
    if plan.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(plan.diagnostics);
    }
    Ok(plan)
}

/// How the modules of a function are followed; none if it is not followed at all.
pub fn trace_options(function: &Function, settings: &Settings) -> Option<TraceOptions> {
    let followed = function.runtime == Runtime::JavaScript && !function.ready_made;
    followed.then(|| javascript::trace_options(function, settings))
}
