//! What ships beside a bundle. In: the modules that are in it. Out: the trace of everything that they ask
//! for and that is not. Never lists what is in the bundle, unless a file beside it needs that, too.

use std::collections::{BTreeSet, VecDeque};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Trace, TraceOptions, Walk};
use crate::js::graph::{Graph, How};
use crate::js::scan::{Form, Request};
use crate::path::AbsPath;
use crate::store::Real;

/// The modules of a bundle, by real path.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Inlined {
    /// Those of which something is left.
    pub modules: BTreeSet<AbsPath>,
    /// Those that were looked at.
    pub inputs: BTreeSet<AbsPath>,
}

/// Does a bundler see it? What is computed in the user's own modules is made literal.
fn is_bundled(importer: &AbsPath, request: &Request) -> bool {
    let is_seen = match request.form {
        Form::Import | Form::Require => request.is_literal,
        Form::DynamicImport => request.is_literal || !importer.in_node_modules(),
        _ => false,
    };
    is_seen && !request.is_aliased && request.base.is_none()
}

/// Traces what the modules of a bundle from `entry`, a real path, need besides.
pub fn trace_beside(graph: &Graph, entry: &AbsPath, inlined: &Inlined, options: &TraceOptions) -> Trace {
    let _span = tracing::info_span!("trace").entered();
    let mut walk = Walk::new(graph, options);
    let format = options.loading.map_or_else(|| graph.format(entry), |loading| loading.format);
    let mut ahead = VecDeque::from([entry.clone()]);
    walk.inlined.insert(entry.clone(), None);
    while let Some(path) = ahead.pop_front() {
        let module = graph.module(&path);
        walk.check(&path, &module);
        for (index, edge) in module.edges.iter().enumerate() {
            let outcomes = [&edge.outcome, &*walk.targets(&path, format, edge)];
            let mut targets = outcomes.into_iter().filter_map(|outcome| outcome.as_ref().ok()?.modules.first());
            let target = targets.find(|target| inlined.inputs.contains(&target.path)).cloned();
            // What is only asked for at run time is looked for on the disk.
            let target = target.filter(|_| is_bundled(&path, &edge.request));
            match target {
                Some(target) => walk.go_on(&target.path, &path, inlined, &mut ahead),
                None => walk.follow(&path, format, index, edge, 0),
            }
        }
        let is_inside = |how: How, file: &Real| {
            let is_import = how == How::Pattern(Form::DynamicImport) && !path.in_node_modules();
            is_import && inlined.inputs.contains(&file.path)
        };
        for (how, named, _) in &module.named {
            for file in named.files.iter().filter(|file| is_inside(*how, file)) {
                walk.go_on(&file.path, &path, inlined, &mut ahead);
            }
        }
        walk.take_named(&path, &module, 0, &is_inside);
    }
    walk.finish(std::slice::from_ref(entry))
}

impl Walk<'_> {
    /// A module of the bundle, asked for by another.
    fn go_on(&mut self, path: &AbsPath, by: &AbsPath, inlined: &Inlined, ahead: &mut VecDeque<AbsPath>) {
        if inlined.modules.contains(path) && !self.inlined.contains_key(path) {
            self.inlined.insert(path.clone(), Some(by.clone()));
            ahead.push_back(path.clone());
        }
    }
}
