//! JSX. In: a tree with types, so that what JSX uses is used when unused imports are removed. Out: the
//! same with calls. Pragmas in comments win over options, as they do for TypeScript.

use std::rc::Rc;

use swc_core::common::{FileName, SourceMap};
use swc_core::ecma::ast::{EsVersion, Program};
use swc_core::ecma::parser::{Syntax, TsSyntax, parse_file_as_expr};
use swc_core::ecma::transforms::react;

use super::{Jsx, JsxRuntime, Work};
use crate::diagnostic::Code;

/// JSX becomes calls.
pub(super) fn call(program: &mut Program, work: &Work<'_>, sources: &Rc<SourceMap>) {
    let Jsx { runtime, import_source, factory, fragment_factory } = &work.options.jsx;
    let classic = *runtime == JsxRuntime::Classic;
    for (option, value) in [("jsxFactory", factory), ("jsxFragmentFactory", fragment_factory)] {
        if let Some(value) = value.as_ref().filter(|value| !is_expression(value)) {
            let message = format!("`{option}` is `{value}`, which is no JavaScript expression");
            work.said.error(
                Code::Configuration,
                None,
                message,
                "name a function, such as `h` or `React.createElement`",
            );
            return;
        }
    }
    let options = react::Options {
        runtime: Some(if classic { react::Runtime::Classic } else { react::Runtime::Automatic }),
        import_source: import_source.as_deref().map(Into::into),
        pragma: factory.clone().map(Into::into),
        pragma_frag: fragment_factory.clone().map(Into::into),
        // `<a:b>` is a name like others to TypeScript.
        throw_if_namespace: Some(false),
        development: Some(false),
        ..Default::default()
    };
    program.mutate(react::jsx(Rc::clone(sources), Some(&work.comments), options, work.top_level, work.unresolved));
}

fn is_expression(text: &str) -> bool {
    let sources = SourceMap::default();
    let file = sources.new_source_file(Rc::new(FileName::Anon), text.to_owned());
    let syntax = Syntax::Typescript(TsSyntax::default());
    parse_file_as_expr(&file, syntax, EsVersion::EsNext, None, &mut Vec::new()).is_ok()
}
