//! From a function to a plan: one file a kind of function, chosen by what the function is. In: a
//! [`Function`]. Out: a [`Plan`], or the diagnostics that say why there is none. Never writes.

mod bootstrap;
mod development;
mod go;
mod handler;
mod included;
mod inputs;
mod javascript;
mod layout;
mod modules;
mod prebuilt;
mod program;
mod rust;
pub mod rustc_wrapper;
mod telemetry;
mod tool;
mod way;

use std::sync::Arc;

pub use self::bootstrap::{BOOTSTRAP_FILE, ENTRY_FILE};
pub use self::handler::lacks;
pub use self::program::{PROGRAM, misfit as program_misfit};

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::function::{Function, Runtime};
use crate::js::graph::Graph;
use crate::js::trace::TraceOptions;
use crate::path::AbsPath;
use crate::plan::Plan;
use crate::process::Workshop;
use crate::settings::Settings;
use crate::store::Store;

/// Plans a function that is not compiled. The diagnostics of a failure have at least one error among them.
///
/// # Errors
/// Everything that is wrong with the function.
pub fn plan(function: &Function, graph: &Arc<Graph>, settings: &Settings) -> Result<Plan, Vec<Diagnostic>> {
    debug_assert!(!function.is_compiled(), "`compile` does that");
    let _span = tracing::info_span!("plan", of = %function.name).entered();
    let planned = match function.runtime {
        Runtime::JavaScript if function.ready_made => prebuilt::archive(function, graph.store(), settings),
        Runtime::JavaScript => javascript::plan(function, graph, settings),
        Runtime::Go | Runtime::Rust => prebuilt::program(function, graph.store(), settings),
        Runtime::Container => prebuilt::image(function, graph.store()),
    };
    judged(planned, function, settings)
}

/// Compiles a function in Go or Rust and plans it. Takes as long as its compiler does, and keeps what
/// that makes in the workshop. A failure without an error among its diagnostics means that the function
/// is left out.
///
/// # Errors
/// Everything that is wrong with the function.
pub fn compile(
    function: &Function,
    store: &Store,
    settings: &Settings,
    workshop: &Workshop,
) -> Result<Plan, Vec<Diagnostic>> {
    debug_assert!(function.is_compiled(), "`plan` does that");
    let _span = tracing::info_span!("compile", of = %function.name).entered();
    let planned = match function.runtime {
        Runtime::Rust => rust::plan(function, store, settings),
        _ => go::plan(function, store, settings, workshop),
    };
    judged(planned, function, settings)
}

/// The files that a function which is compiled is made of, as far as they are its own: its compiler is
/// not asked.
pub fn sources(function: &Function, store: &Store) -> Vec<AbsPath> {
    let manifests = if function.runtime == Runtime::Rust { rust::MANIFESTS } else { go::MANIFESTS };
    inputs::inputs(function, store, &AbsPath::of("/"), [], manifests)
}

/// What is said is about the function, and a plan has no error.
fn judged(
    planned: Result<Plan, Vec<Diagnostic>>,
    function: &Function,
    settings: &Settings,
) -> Result<Plan, Vec<Diagnostic>> {
    let about = |diagnostic: Diagnostic| diagnostic.of(function.name.as_str()).under(settings.strict);
    let about_all = |diagnostics: Vec<Diagnostic>| diagnostics.into_iter().map(about).collect::<Vec<_>>();
    let plan = planned.map_err(about_all)?;
    let plan = Plan { diagnostics: about_all(plan.diagnostics), ..plan };
    if plan.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(plan.diagnostics);
    }
    Ok(plan)
}

fn fail(code: Code, message: impl ToString) -> Vec<Diagnostic> {
    vec![Diagnostic::error(code, message.to_string())]
}

/// How the modules of a function are followed; none if it is not followed at all.
pub fn trace_options(function: &Function, settings: &Settings) -> Option<TraceOptions> {
    let followed = function.runtime == Runtime::JavaScript && !function.ready_made;
    followed.then(|| javascript::trace_options(function, settings))
}
