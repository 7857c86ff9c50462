//! What was transpiled in an earlier run. In: what a file is transpiled from, and a store that may remember it. Out: what
//! came of it. A file is known by its source, its options, and the answers to what it asked: where its
//! specifiers lead. What could not be transpiled is tried again.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Lead, Options, Target, Transpiled, transpile};
use crate::cache::Key;
use crate::diagnostic::Diagnostic;
use crate::js::scan::Form;
use crate::store::Store;

/// Transpiles as [`transpile`] does, if nobody has done it before.
///
/// # Errors
/// Those of [`transpile`].
pub fn transpile_once(
    source: &str,
    extension: &str,
    options: &Options,
    lead: Lead<'_>,
    store: &Store,
) -> Result<Transpiled, Vec<Diagnostic>> {
    if !store.remembers() {
        return transpile(source, extension, options, lead);
    }
    let options_said = format!("{options:?}");
    let questions = Key::of("questions", [source.as_bytes(), extension.as_bytes(), options_said.as_bytes()]);
    let asked = store.recall(questions).and_then(|asked| borsh::from_slice::<Vec<(String, Form)>>(&asked).ok());
    let known = asked.and_then(|asked| {
        let told: Vec<Option<Target>> = asked.iter().map(|(specifier, form)| lead(specifier, *form)).collect();
        let known = store.recall(answered(questions, &asked, &told))?;
        borsh::from_slice(&known).ok()
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let told: RefCell<BTreeMap<(String, Form), Option<Target>>> = RefCell::default();
    let listening = |specifier: &str, form: Form| {
        let target = lead(specifier, form);
        told.borrow_mut().insert((specifier.to_owned(), form), target.clone());
        target
    };
    let transpiled = transpile(source, extension, options, &listening)?;
    let (asked, told): (Vec<_>, Vec<_>) = told.into_inner().into_iter().unzip();
    if let (Ok(said), Ok(bytes)) = (borsh::to_vec(&asked), borsh::to_vec(&transpiled)) {
        store.remember(questions, &said);
        store.remember(answered(questions, &asked, &told), &bytes);
    }
    Ok(transpiled)
}

fn answered(questions: Key, asked: &[(String, Form)], told: &[Option<Target>]) -> Key {
    Key::of("transpiled", [format!("{questions:?} {asked:?} {told:?}").as_bytes()])
}
