//! Packages that a function ships although its site wants them for development only: a production
//! install leaves them out (spec: functions.md section 2). In: what was traced. Out: a warning a
//! package. Counts only what the site's own code asks for: what a package needs, it brings.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::js::graph::Graph;
use crate::js::package::package_at;
use crate::js::trace::{How, Trace};
use crate::path::AbsPath;
use crate::settings::Settings;

/// What is to be said of the packages that `main` and its own modules load.
pub(super) fn shipped(main: &AbsPath, traced: &Trace, graph: &Graph, settings: &Settings) -> Vec<Diagnostic> {
    // The nearest that says what it needs: some only say the `type` of their files.
    let above = main.ancestors().skip(1).take_while(|above| above.starts_with(&settings.repository_root));
    let mut packages = above.map(|above| above.child("package.json")).filter(|path| graph.store().is_file(path));
    let needs = |path: AbsPath| {
        let package = graph.package(&path);
        let needs = package.as_ref().as_ref().is_ok_and(|package| package.has_dependencies);
        needs.then_some((path, package))
    };
    let Some((site, package)) = packages.find_map(needs) else { return Vec::new() };
    let Ok(package) = package.as_ref() else { return Vec::new() };
    let asked_for = |path: &AbsPath| {
        let own = |parent: &AbsPath| !parent.in_node_modules();
        let reasons = traced.files.get(path).into_iter().flat_map(|file| &file.reasons);
        reasons.filter(|reason| matches!(reason.how, How::Request(_))).any(|reason| reason.parent.iter().any(own))
    };
    let loaded: BTreeSet<&str> =
        traced.files.keys().filter(|path| asked_for(path)).filter_map(|path| package_at(path.to_str()?)).collect();
    let only = loaded.into_iter().filter(|name| package.development.contains(*name));
    let warn = |name: &str| {
        let message = format!(
            "`{name}` ships in the function, but stands under `devDependencies` alone: a production install leaves it out"
        );
        Diagnostic::warning(Code::DevelopmentOnly, message).at(&site).hint(format!("npm install --save-prod {name}"))
    };
    only.map(warn).collect()
}
