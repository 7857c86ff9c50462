//! Deploy contexts and branches. In: a netlify.toml. Out: the same with what its `[context.…]` tables
//! say laid over it. Never knows what the values mean.

use crate::settings::Invocation;
use crate::settings::document::{Data, Member, Node, Table};

/// Lays the table of the deploy context over the file, and then that of the branch.
pub(super) fn apply(root: &mut Node, invocation: &Invocation) {
    let Data::Table(table) = &mut root.data else { return };
    let Some(at) = table.iter().position(|member| member.key == "context") else { return };
    let Data::Table(contexts) = table.remove(at).node.data else { return };
    let context = invocation.context().unwrap_or("production");
    for name in std::iter::once(context).chain(invocation.branch()) {
        for layer in of_name(&contexts, name) {
            root.merge(as_file(layer));
        }
    }
}

/// The tables of a context or branch: that of its name, else all whose pattern it begins with.
fn of_name<'a>(contexts: &'a Table, name: &str) -> Vec<&'a Node> {
    if let Some(exact) = contexts.iter().find(|member| member.key == name) {
        return vec![&exact.node];
    }
    let fits = |pattern: &str| pattern.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix));
    contexts.iter().filter(|member| fits(&member.key)).map(|member| &member.node).collect()
}

/// A context stands for the file's `[build]`, but for the tables that have names of their own there.
fn as_file(context: &Node) -> Node {
    let mut file = context.with(Table::new());
    let mut build = Table::new();
    for member in context.as_table().into_iter().flatten() {
        let is_file = match member.key.as_str() {
            "build" | "Build" => true,
            "functions" => member.node.as_table().is_some(),
            _ => false,
        };
        if is_file {
            let member = Member { key: member.key.to_lowercase(), ..member.clone() };
            file.merge(context.with(vec![member]));
        } else {
            build.push(member.clone());
        }
    }
    let build = Member { key: "build".into(), key_at: context.at().clone(), node: context.with(build) };
    file.merge(context.with(vec![build]));
    file
}
