//! The files behind the paths that a file names. In: an [`Asset`] or a [`Pattern`] of a file, and where
//! the file stands. Out: the files on the disk that are meant, or why so many are not taken (spec:
//! tracing.md section 5). Never reads them.

use std::path::MAIN_SEPARATOR;

use globset::GlobBuilder;

use super::binary::Target;
use super::scan::{Anchor, Anchored, Asset, OWN_STEM, Pattern, UNKNOWN, written_for};
use crate::path::AbsPath;
use crate::store::{Real, Store};

/// Where a file stands.
pub struct Ground<'a> {
    /// What is on the disk.
    pub store: &'a Store,
    /// The top of the site.
    pub top: &'a AbsPath,
    /// What relative paths are relative to when the function runs.
    pub working_directory: &'a AbsPath,
    /// What is built for.
    pub target: Target,
    /// Packages are installed by Yarn's Plug'n'Play.
    pub is_pnp: bool,
    /// The file.
    pub file: &'a AbsPath,
    /// The module that `require.resolve` of the file finds.
    pub module: &'a dyn Fn(&str) -> Option<AbsPath>,
}

/// What is behind a path.
#[derive(Debug, Default, Clone)]
pub struct Named {
    /// There are several, of which some may be for other platforms.
    pub is_choice: bool,
    /// The files, with the links that lead to them.
    pub files: Vec<Real>,
    /// Why a directory is not taken.
    pub refused: Option<&'static str>,
}

/// Headers and sources of addons, and papers: never needed to run, and taken only if they are named.
pub(super) fn is_left_behind(name: &str) -> bool {
    let is_source = [".h", ".cmake", ".c", ".cpp"].iter().any(|end| name.ends_with(end));
    is_source || matches!(name, "README.md" | "readme.md" | "CHANGELOG.md" | "changelog.md")
}

/// What a request of which a part is not known may have in the place of its extension.
const EXTENSIONS: [&str; 3] = [".js", ".json", ".node"];

/// The same for code that is not of a package.
const OWN_EXTENSIONS: [&str; 7] = [".ts", ".tsx", ".mts", ".cts", ".jsx", ".mjs", ".cjs"];

/// What files are called, and of what they are made.
const COMPILED: [(&str, &[&str]); 4] =
    [(".js", &[".ts", ".tsx", ".jsx"]), (".mjs", &[".mts"]), (".cjs", &[".cts"]), (".jsx", &[".tsx"])];

impl Ground<'_> {
    /// The files that an asset means: of its paths, the first that there is.
    pub fn asset(&self, asset: &Asset) -> Named {
        for at in &asset.paths {
            let Some((directory, path)) = self.place(at) else { continue };
            if path.contains(UNKNOWN) {
                return self.glob(&directory, &path, &[], asset.is_bound);
            }
            let path = directory.join(&path);
            if path == *self.file {
                continue;
            }
            if !self.may_name(&path) {
                let refused = self.why_not(&path).filter(|_| self.store.is_dir(&path) && !asset.is_bound);
                if refused.is_some() {
                    return Named { refused, ..Named::default() };
                }
                continue;
            }
            if self.store.is_file(&path) {
                return Named { files: self.store.real(&path).into_iter().collect(), ..Named::default() };
            }
            if self.store.is_dir(&path) {
                return self.directory(&path, asset);
            }
        }
        Named::default()
    }

    /// The modules that may be meant; among the user's own also those that will be called so.
    pub fn pattern(&self, pattern: &Pattern) -> Named {
        let Some((directory, path)) = self.place(&pattern.path) else { return Named::default() };
        let own = if self.file.in_node_modules() { &[][..] } else { &OWN_EXTENSIONS };
        let extensions = [&EXTENSIONS[..], own].concat();
        self.glob(&directory, &path, &extensions, false)
    }

    /// Where a path begins, and the rest of it as it is here.
    pub(super) fn place(&self, at: &Anchored) -> Option<(AbsPath, String)> {
        let (file, directory) = match &at.anchor {
            Anchor::Directory => (self.file.clone(), self.file.parent()?),
            Anchor::WorkingDirectory => (self.file.clone(), self.working_directory.clone()),
            Anchor::Module(specifier) => {
                let module = (self.module)(specifier)?;
                let directory = module.parent()?;
                (module, directory)
            }
        };
        let stem = match &at.anchor {
            Anchor::Module(_) => file.name().to_owned(),
            _ => file.file_stem()?.to_string_lossy().into_owned(),
        };
        Some((directory, written_for(&at.path.replace(OWN_STEM, &stem), self.target.system(), self.target.arch())))
    }

    /// A package may name its own files, and those of packages that it sees.
    fn may_name(&self, path: &AbsPath) -> bool {
        let Some(root) = package_root(self.file) else { return true };
        let nearest = path.ancestors().skip(1).find(|above| above.name() == "node_modules");
        let sees = |modules: &AbsPath| nearest.as_ref() == Some(modules);
        path.starts_with(&root) || root.ancestors().skip(1).map(|above| above.child("node_modules")).any(|at| sees(&at))
    }

    fn directory(&self, directory: &AbsPath, asset: &Asset) -> Named {
        let is_own = self.file.parent().as_ref() == Some(directory);
        if let Some(why) = self.why_not(directory).filter(|_| !(asset.lists && is_own)) {
            return Named { refused: Some(why).filter(|_| !asset.is_bound), ..Named::default() };
        }
        Named { files: self.below(directory, &|_| true), is_choice: true, refused: None }
    }

    /// Why a directory is not taken as a whole.
    fn why_not(&self, directory: &AbsPath) -> Option<&'static str> {
        if self.file.parent().as_ref() == Some(directory) {
            Some("the whole of the file's own folder is not taken")
        } else if directory == self.working_directory {
            Some("the whole working directory is not taken")
        } else if directory == self.top {
            Some("the whole base directory is not taken")
        } else if directory.name() == "node_modules" {
            Some("a whole `node_modules` is not taken")
        } else if self.file.starts_with(directory) {
            Some("a folder above the file is not taken as a whole")
        } else if directory.ancestors().any(|above| above.name() == ".git") {
            Some("`.git` is not taken")
        } else {
            None
        }
    }

    /// What fits a path with unknown parts. With `extensions` these may be missing in it, and it is code
    /// that is meant.
    fn glob(&self, anchor: &AbsPath, path: &str, extensions: &[&str], is_bound: bool) -> Named {
        let known = path.find(UNKNOWN).and_then(|at| path[..at].rfind('/')).map_or("", |slash| &path[..slash]);
        let rest = path[known.len()..].trim_start_matches('/');
        let directory = anchor.join(known);
        let is_whole = rest.chars().all(|letter| letter == UNKNOWN);
        let is_code = !extensions.is_empty();
        if !self.may_name(&directory) || !self.store.is_dir(&directory) {
            return Named::default();
        }
        if let Some(why) = self.why_not(&directory).filter(|_| is_whole && !is_code) {
            return Named { refused: Some(why).filter(|_| !is_bound), ..Named::default() };
        }
        if !directory.starts_with(self.top) {
            return Named::default();
        }
        let pattern = pattern(rest);
        let with_extensions = extensions.iter().filter(|_| !pattern.ends_with('*'));
        let with_extensions = with_extensions.map(|extension| format!("{pattern}{extension}"));
        let is_compiled = is_code && !self.file.in_node_modules();
        let sources = COMPILED.iter().filter(|_| is_compiled).flat_map(|(output, sources)| {
            let stem = pattern.strip_suffix(output).into_iter();
            stem.flat_map(move |stem| sources.iter().map(move |source| format!("{stem}{source}")))
        });
        let patterns = with_extensions.chain(sources).chain([pattern.clone()]);
        let globs = patterns.filter_map(|pattern| GlobBuilder::new(&pattern).literal_separator(true).build().ok());
        let globs: Vec<_> = globs.map(|glob| glob.compile_matcher()).collect();
        let fits = |path: &str| {
            let is_hidden = path.split('/').any(|part| part.starts_with('.'));
            !(is_code && is_hidden) && globs.iter().any(|glob| glob.is_match(path))
        };
        Named {
            files: self.below(&directory, &|path| fits(&path.relative_to(&directory))),
            is_choice: true,
            refused: None,
        }
    }

    /// The files of a directory, but for those that nobody needs.
    fn below(&self, directory: &AbsPath, fits: &dyn Fn(&AbsPath) -> bool) -> Vec<Real> {
        let enter = |directory: &AbsPath| !matches!(directory.name(), "node_modules" | ".git");
        let mut files = Vec::new();
        let mut ahead = vec![directory.clone()];
        let mut entered = Vec::new();
        while let Some(directory) = ahead.pop() {
            entered.push(directory.clone());
            for path in self.store.files_below(&directory, &enter).unwrap_or_default() {
                let Ok(real) = self.store.real(&path) else { continue };
                if is_left_behind(path.name()) || !fits(&path) {
                    continue;
                }
                if self.store.is_dir(&real.path) {
                    // A link to a directory is one entry; what is in it stands elsewhere.
                    let is_new = !entered.iter().chain(&ahead).any(|known| real.path.starts_with(known));
                    if is_new && real.path.starts_with(self.top) && enter(&real.path) {
                        ahead.push(real.path.clone());
                    }
                }
                files.push(real);
            }
        }
        files
    }
}

/// As it stands in paths.
const MODULES: &str = if cfg!(windows) { "\\node_modules\\" } else { "/node_modules/" };

/// The directory of the package that a file is of.
pub fn package_root(file: &AbsPath) -> Option<AbsPath> {
    let whole = file.to_str()?;
    let (_, below) = whole.rsplit_once(MODULES)?;
    let name = if below.starts_with('@') { 2 } else { 1 };
    let end = below.match_indices(MAIN_SEPARATOR).nth(name - 1).map_or(below.len(), |(at, _)| at);
    Some(AbsPath::of(&whole[..whole.len() - below.len() + end]))
}

/// The glob of a path with unknown parts: right after a slash such a part may be several directories.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    for (index, part) in path.split(UNKNOWN).enumerate() {
        if index > 0 && !pattern.ends_with('*') {
            pattern.push_str(if pattern.is_empty() || pattern.ends_with('/') { "**/*" } else { "*" });
        }
        pattern.push_str(&globset::escape(part));
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_parts_are_stars() {
        let text = |path: &str| pattern(&path.replace('?', &UNKNOWN.to_string()));
        assert_eq!(text("?"), "**/*");
        assert_eq!(text("a/?/b"), "a/**/*/b");
        assert_eq!(text("a-?.js"), "a-*.js");
        assert_eq!(text("??[id].js"), "**/*[[]id[]].js");
    }
}
