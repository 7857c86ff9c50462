//! What the computed requests of a file may ask for. In: a module of the user's. Out: the paths that stand
//! for modules there, and the specifiers that load them. Packages ask for their own, as they are.

use super::{Graph, How, Module};
use crate::js::parse::CODE_EXTENSIONS;
use crate::js::scan::Form;
use crate::js::transpile::Computed;
use crate::path::AbsPath;

impl Graph {
    /// The modules that a file's computed requests may ask for, but for those that are left out.
    pub fn computed(&self, path: &AbsPath, module: &Module, is_meant: &dyn Fn(&AbsPath, Form) -> bool) -> Computed {
        let mut computed = Computed::default();
        if path.in_node_modules() {
            return computed;
        }
        let directory = path.parent().unwrap_or_else(|| path.clone());
        let is_module = |target: &AbsPath| {
            let extension = target.extension();
            let is_code = CODE_EXTENSIONS.contains(&extension) || extension == "json";
            target != path && is_code && !target.name().contains(".d.") && !target.in_node_modules()
        };
        let mut add = |form: Form, asked: &AbsPath, target: &AbsPath| {
            let choice = match form {
                Form::DynamicImport => &mut computed.imports,
                Form::Require => &mut computed.requires,
                _ => return,
            };
            if is_module(target) && is_meant(target, form) {
                choice.entry(asked.relative_to(&directory)).or_insert_with(|| specifier(&directory, target));
            }
        };
        let computed_edges = module.edges.iter().filter(|edge| !edge.request.is_literal && edge.request.base.is_none());
        for edge in computed_edges.filter(|edge| edge.request.specifier.starts_with('.')) {
            let first = edge.outcome.as_ref().ok().and_then(|targets| targets.modules.first());
            if let Some(target) = first {
                add(edge.request.form, &directory.join(&edge.request.specifier), &target.path);
            }
        }
        for (how, named, _) in &module.named {
            let How::Pattern(form) = *how else { continue };
            for file in &named.files {
                add(form, &file.path, &file.path);
            }
        }
        computed
    }
}

fn specifier(directory: &AbsPath, target: &AbsPath) -> String {
    let path = target.relative_to(directory);
    if path.starts_with("../") { path } else { format!("./{path}") }
}
