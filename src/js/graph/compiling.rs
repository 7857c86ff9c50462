//! What whoever compiles a module has to know of it. In: a file. Out: the options that rule it, the names
//! that it exports for types alone, the module that its JSX calls. Never compiles it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Edge, Graph};
use crate::function::NodeVersion;
use crate::js::scan::{Form, Request};
use crate::js::transpile::{Options, exported_types};
use crate::path::AbsPath;
use crate::store::FileError;

impl Graph {
    /// How a file is transpiled for a version of Node.
    pub fn transpile_options(&self, path: &AbsPath, node: NodeVersion) -> Options {
        let tsconfig = self.known.resolver.tsconfig(path).ok().flatten();
        tsconfig.map_or_else(|| Options::new(node), |tsconfig| Options::of(&tsconfig.compiler_options, node))
    }

    /// What a file of the user's exports that is nothing at run time.
    pub fn exported_types(&self, path: &AbsPath) -> Arc<BTreeSet<String>> {
        self.note(path);
        let read = || {
            let bytes = self.store().read(path).unwrap_or_default();
            Arc::new(exported_types(&String::from_utf8_lossy(&bytes), path.extension()))
        };
        if path.in_node_modules() { Arc::default() } else { self.files.types.get_or_make(path, read) }
    }

    /// The module that a file's JSX calls, if it is not one that the file imports by itself.
    pub(super) fn jsx_runtime(&self, path: &AbsPath, read: &dyn Fn() -> Result<Arc<[u8]>, FileError>) -> Option<Edge> {
        let source = read().ok()?;
        let jsx = self.transpile_options(path, NodeVersion::DEFAULT).jsx;
        let specifier = jsx.runtime_module(&String::from_utf8_lossy(&source))?;
        Some(self.edge(&Request::plain(&specifier, Form::Import), path, read))
    }
}
