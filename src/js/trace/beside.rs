//! What ships beside a bundle. In: the modules that are in it. Out: the trace of everything that they ask
//! for and that is not. Never lists what is in the bundle, unless a file beside it needs that, too.

use std::collections::{BTreeSet, VecDeque};

use super::{Trace, TraceOptions, Walk};
use crate::js::graph::Graph;
use crate::js::scan::{Form, Request};
use crate::path::AbsPath;

/// The modules of a bundle, by real path.
#[derive(Debug, Clone, Default)]
pub struct Inlined {
    /// Those of which something is left.
    pub modules: BTreeSet<AbsPath>,
    /// Those that were looked at.
    pub inputs: BTreeSet<AbsPath>,
}

/// Does a bundler see it?
fn is_bundled(request: &Request) -> bool {
    let is_loaded = matches!(request.form, Form::Import | Form::Require | Form::DynamicImport);
    is_loaded && request.is_literal && request.base.is_none()
}

/// Traces what the modules of a bundle from `entry`, a real path, need besides.
pub fn trace_beside(graph: &Graph, entry: &AbsPath, inlined: &Inlined, options: &TraceOptions) -> Trace {
    let mut walk = Walk::new(graph, options);
    let format = options.loading.map_or_else(|| graph.format(entry), |loading| loading.format);
    let mut ahead = VecDeque::from([entry.clone()]);
    walk.inlined.insert(entry.clone(), None);
    while let Some(path) = ahead.pop_front() {
        let module = graph.module(&path);
        walk.check(&path, &module);
        for (index, edge) in module.edges.iter().enumerate() {
            let outcome = walk.targets(&path, format, edge);
            let target = outcome.as_ref().as_ref().ok().and_then(|targets| targets.modules.first()).cloned();
            // What is only asked for at run time is looked for on the disk.
            let target = target.filter(|_| is_bundled(&edge.request));
            match target.filter(|target| inlined.inputs.contains(&target.path)) {
                Some(target) => {
                    if inlined.modules.contains(&target.path) && !walk.inlined.contains_key(&target.path) {
                        walk.inlined.insert(target.path.clone(), Some(path.clone()));
                        ahead.push_back(target.path.clone());
                    }
                }
                None => walk.follow(&path, format, index, edge, 0),
            }
        }
        walk.take_named(&path, &module, 0);
    }
    walk.finish(std::slice::from_ref(entry))
}
