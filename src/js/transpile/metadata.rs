//! Imports that only `emitDecoratorMetadata` uses. In: a tree with types, before decorators are applied.
//! Out: the same, in a form in which an import that turns out to be a type does no harm.

use super::{Decorators, Module, Work};
use swc_core::ecma::ast::Program;

pub(super) fn keep_imports(_program: &mut Program, work: &Work<'_>, module: Module) {
    if module == Module::CommonJs || work.options.decorators != (Decorators::Legacy { metadata: true }) {
        return;
    }
}
