//! The files that an expression names. In: an expression and what its names stand for. Out: assets, by the places
//! where their paths begin. Never asks whether there is such a file.

use std::collections::BTreeSet;

use swc_core::common::{Span, Spanned};
use swc_core::ecma::ast::Expr;

use super::Asset;
use super::value::{Anchored, Value, weight};
use super::visit::{Walk, offsets};

/// How many values are walked over in the time that an expression takes.
const CHEAP: u32 = 16;

impl Walk<'_> {
    pub(super) fn asset(&mut self, paths: Vec<Anchored>, lists: bool, span: Span) {
        let asset = Asset {
            paths,
            lists,
            is_bound: self.bound == Some(span),
            only_on: self.only_on.clone(),
            at: offsets(span),
        };
        self.scan.assets.push(asset);
    }

    /// Tells the files that an expression names; true if there is nothing else in it.
    pub(super) fn names_files(&mut self, expr: &Expr) -> bool {
        let values = self.scope.values(expr);
        let list = values.first().filter(|_| values.len() == 1).and_then(Value::address);
        if let Some((_, all)) = list.and_then(|list| self.lists.get(&list)) {
            return *all;
        }
        self.scope.spend(weight(&values) / CHEAP);
        let mut places = BTreeSet::new();
        values.iter().for_each(|value| anchored(value, &mut places));
        let all = !places.is_empty() && !values.contains(&Value::Unknown);
        // One of several that may be meant need not be there.
        let is_choice = places.len() > 1;
        if let Some(list) = list.filter(|_| places.len() != 1) {
            self.lists.insert(list, (values[0].clone(), all));
        }
        for place in places {
            self.asset(vec![place], false, expr.span());
            if let Some(asset) = self.scan.assets.last_mut() {
                asset.is_bound |= is_choice;
            }
        }
        all
    }
}

/// The places that a value names, also those in it.
fn anchored(value: &Value, places: &mut BTreeSet<Anchored>) {
    match value {
        Value::Text(text) => places.extend(Anchored::of(text)),
        Value::Array(items) => items.iter().flatten().for_each(|value| anchored(value, places)),
        Value::Object(members) => members.values().flatten().for_each(|value| anchored(value, places)),
        _ => {}
    }
}
