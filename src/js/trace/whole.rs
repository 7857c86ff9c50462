//! Packages that ship whole. In: a trace in which modules of packages ask for what could not be told.
//! Out: all files of these packages are listed, each package with a note (spec: functions.md section 4).
//! Never looks into what it adds.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::{How, Walk};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::js::assets::{is_left_behind, package_root};
use crate::js::binary::{Misfit, is_binary};
use crate::js::graph::{Module, Need};
use crate::path::AbsPath;
use crate::store::Real;

fn most_needed(module: &Module) -> Need {
    module.doubts.iter().map(|doubt| doubt.need).max().unwrap_or(Need::Nothing)
}

fn first(unclear: &mut BTreeMap<AbsPath, AbsPath>, root: AbsPath, path: &AbsPath) {
    let first = unclear.entry(root).or_insert_with(|| path.clone());
    if path < first {
        *first = path.clone();
    }
}

impl Walk<'_> {
    pub(super) fn add_whole_packages(&mut self) {
        if !self.options.whole_packages {
            return;
        }
        let mut unclear: BTreeMap<AbsPath, AbsPath> = BTreeMap::new();
        let mut knowing: FxHashSet<AbsPath> = FxHashSet::default();
        let mut any_path: Vec<(AbsPath, &AbsPath)> = Vec::new();
        for path in self.reached.keys().filter(|path| !is_binary(path)) {
            let module = self.graph.module(path);
            let need = most_needed(&module);
            if need == Need::Nothing && !module.knows_its_place {
                continue;
            }
            let Some(root) = package_root(path) else { continue };
            match need {
                Need::Nothing => {}
                Need::AnyPath => any_path.push((root.clone(), path)),
                Need::OfPackage => first(&mut unclear, root.clone(), path),
            }
            if module.knows_its_place {
                knowing.insert(root);
            }
        }
        for (root, path) in any_path {
            if knowing.contains(&root) {
                first(&mut unclear, root, path);
            }
        }
        for (root, by) in unclear {
            let files = self.graph.files_of(&root, &|file| !file.rsplit('/').next().is_some_and(is_left_behind));
            let (mut count, mut size) = (0, 0);
            for file in files {
                let is_known = self.files.contains_key(&file.path);
                if !self.is_foreign(&file) && self.list(&file, How::Whole, Some(&by)) && !is_known {
                    count += 1;
                    size += self.graph.store().lstat(&file.path).map_or(0, |metadata| metadata.len);
                }
            }
            if count > 0 {
                self.tell_of_whole(&by, &root, count, size);
            }
        }
    }

    fn is_foreign(&self, file: &Real) -> bool {
        is_binary(&file.path) && matches!(self.misfit(&file.path), Some(Misfit::Foreign(_)))
    }

    fn tell_of_whole(&mut self, by: &AbsPath, root: &AbsPath, count: usize, size: u64) {
        let module = self.graph.module(by);
        let package = root.to_string_lossy();
        let name = package.rsplit_once("/node_modules/").map_or(&*package, |(_, name)| name);
        let files = if count == 1 { "file" } else { "files" };
        let message = format!(
            "`{name}` ships whole, {count} {files} of {} KB more, as this could not be worked out: `node_bundler = \"nft\"` leaves them out",
            size.div_ceil(1000)
        );
        let note = Diagnostic::new(Severity::Note, Code::NotTraced, message).at(by);
        let span =
            module.doubts.iter().find(|doubt| doubt.need == most_needed(&module)).map(|doubt| doubt.span.clone());
        self.found.diagnostics.push(Diagnostic { span, ..note });
    }
}
