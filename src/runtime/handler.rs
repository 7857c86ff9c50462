//! Does a function export what the platform calls? In: a main file and the graph. Out: a warning, if
//! it provably does not, or not in the syntax of its format (spec: functions.md section 2). What cannot be known is trusted.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::js::config::{Analysis, hides_exports};
use crate::js::graph::Graph;
use crate::js::parse::parse;
use crate::path::AbsPath;
use crate::plan::ModuleFormat;

/// What is to be said of the main file, if anything.
pub(super) fn missing(main: &AbsPath, format: ModuleFormat, graph: &Graph) -> Option<Diagnostic> {
    if !lacks(main, graph, &|analysis| analysis.has_handler || analysis.has_default) {
        return None;
    }
    let exported = &graph.module(main).analysis.exported;
    let message = "exports neither a `handler` nor a default: the platform has nothing to call";
    let near = exported.iter().find(|name| !did_you_mean(name, std::iter::once("handler")).is_empty());
    let hint = match (near, format) {
        (Some(name), _) => format!("it exports `{name}`: did you mean `handler`?"),
        (None, ModuleFormat::Esm) => {
            "write `export const handler = …` (version 1) or `export default …` (version 2)".to_owned()
        }
        (None, ModuleFormat::Cjs) => "write `exports.handler = …`".to_owned(),
    };
    Some(Diagnostic::warning(Code::NoHandler, message).at(main).hint(hint))
}

/// Exports in the syntax that the format of a file of the user's does not have: Node cannot load it.
pub(super) fn of_other_format(path: &AbsPath, graph: &Graph) -> Option<Diagnostic> {
    let module = graph.module(path);
    let analysis = &module.analysis;
    let assigns =
        analysis.assigns_exports && ["exports", "module"].iter().any(|name| analysis.borrowed.contains(*name));
    let is_commonjs = assigns || !analysis.is_esm && !analysis.exported.is_empty();
    let (message, hint) = if graph.is_called_module(path) && is_commonjs {
        let message =
            format!("is an ES module by {}, where there is neither `exports` nor `module`", named_so_by(path));
        let hint = match path.extension() {
            "ts" | "mts" | "tsx" => "write `export …`, or call the file `.cts`",
            _ => "write `export …`, or call the file `.cjs`",
        };
        (message, hint)
    } else if path.extension() == "cjs" && analysis.is_esm {
        let message = "is CommonJS by its name, which has no `import` and `export` statements".to_owned();
        (message, "call the file `.mjs`, or write `exports.… = …`")
    } else {
        return None;
    };
    Some(Diagnostic::error(Code::ModuleFormat, message).at(path).hint(hint))
}

fn named_so_by(main: &AbsPath) -> &'static str {
    if matches!(main.extension(), "mjs" | "mts") { "its name" } else { "the `type` of its package.json" }
}

/// Does a module provably not export what is wanted, nor pass it on?
pub fn lacks(main: &AbsPath, graph: &Graph, wanted: &dyn Fn(&Analysis) -> bool) -> bool {
    lacking(main, graph, wanted, &mut BTreeSet::new())
}

/// What has been looked at adds nothing the second time.
fn lacking(path: &AbsPath, graph: &Graph, wanted: &dyn Fn(&Analysis) -> bool, seen: &mut BTreeSet<AbsPath>) -> bool {
    if !seen.insert(path.clone()) {
        return true;
    }
    let module = graph.module(path);
    let analysis = &module.analysis;
    if module.failure.is_some() || wanted(analysis) || analysis.is_open {
        return false;
    }
    if matches!(path.extension(), "json" | "node" | "wasm") || !analysis.is_esm && hides(path, graph) {
        return false;
    }
    // What is passed on is looked into, where it is found.
    analysis.passed_on.iter().all(|specifier| {
        let edge = module.edges.iter().find(|edge| edge.request.specifier == *specifier);
        let targets = edge.and_then(|edge| edge.outcome.as_ref().ok());
        targets.is_some_and(|targets| targets.modules.iter().all(|next| lacking(&next.path, graph, wanted, seen)))
    })
}

/// Parsed once more, which hardly any function needs.
fn hides(path: &AbsPath, graph: &Graph) -> bool {
    let Ok(bytes) = graph.store().read(path) else { return true };
    let source = String::from_utf8_lossy(&bytes);
    parse(path.extension(), &source, hides_exports).unwrap_or(true)
}
