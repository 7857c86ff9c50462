//! Why a file is in a trace. In: a trace, the graph, and the file. Out: the shortest way to it from the
//! entry, with the place of each request. Never says what it costs.

use std::collections::{BTreeMap, VecDeque};

use super::graph::Graph;
use super::trace::{How, Reason, Trace};
use crate::diagnostic::Span;
use crate::path::AbsPath;

/// One step of the way: a file that asks for the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The file.
    pub file: AbsPath,
    /// How it asks for the next.
    pub how: How,
    /// Where, if there is one place.
    pub place: Option<Span>,
}

/// The nearest of the files that are meant, and the way to it; none if there is none.
pub fn way(trace: &Trace, graph: &Graph, is_meant: &dyn Fn(&AbsPath) -> bool) -> Option<(AbsPath, Vec<Step>)> {
    let mut asked: BTreeMap<&AbsPath, Vec<(&AbsPath, How)>> = BTreeMap::new();
    let mut ahead: VecDeque<&AbsPath> = VecDeque::new();
    // By whom each file was reached first; entries by nobody.
    let mut reached: BTreeMap<&AbsPath, Option<(&AbsPath, How)>> = BTreeMap::new();
    for (path, file) in &trace.files {
        let mut reasons: Vec<&Reason> = file.reasons.iter().collect();
        reasons.sort_unstable();
        for Reason { how, parent } in reasons {
            match parent {
                Some(parent) => asked.entry(parent).or_default().push((path, *how)),
                None => {
                    reached.insert(path, None);
                    ahead.push_back(path);
                }
            }
        }
    }
    while let Some(path) = ahead.pop_front() {
        if is_meant(path) {
            return Some((path.clone(), steps(path, &reached, graph)));
        }
        for (next, how) in asked.get(path).into_iter().flatten() {
            if !reached.contains_key(next) {
                reached.insert(next, Some((path, *how)));
                ahead.push_back(next);
            }
        }
    }
    None
}

fn steps(to: &AbsPath, reached: &BTreeMap<&AbsPath, Option<(&AbsPath, How)>>, graph: &Graph) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = to;
    while let Some(Some((by, how))) = reached.get(at) {
        steps.push(Step { file: (*by).clone(), how: *how, place: graph.place_of(by, at) });
        at = by;
    }
    steps.reverse();
    steps
}
