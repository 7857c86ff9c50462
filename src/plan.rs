//! What an archive will hold: the narrow waist between every runtime and every archive format. In:
//! what a runtime decided. Out: entries, checked and in order. Knows no language and no format.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::function::Bundler;
use crate::path::{AbsPath, ArchivePath};

/// What to write for a function, and what is to be said of it.
#[derive(Debug)]
pub struct Plan {
    /// What to write.
    pub output: Output,
    /// What the manifest and the result list need.
    pub facts: BuildFacts,
    /// Warnings and notes; errors have failed the plan.
    pub diagnostics: Vec<Diagnostic>,
}

/// What to write for a function.
#[derive(Debug)]
pub enum Output {
    /// An archive of these entries, in the order of their paths.
    Archive(Vec<Entry>),
    /// A file that is complete: an archive that is there already, a bare program, a container image.
    Verbatim {
        /// What it is called.
        name: String,
        /// All of it; never a link.
        content: Content,
        /// May it be executed?
        executable: bool,
        /// How many entries it has.
        entries: usize,
        /// Bytes once unpacked, if it can be.
        unzipped: Option<u64>,
    },
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub path: ArchivePath,
    /// What it holds.
    pub content: Content,
    /// May it be executed?
    pub executable: bool,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A source file's bytes.
    File(AbsPath),
    /// Bytes made by fnzip.
    Bytes(Arc<[u8]>),
    /// A symbolic link, as it is spelled.
    Link(String),
}

/// The kind of module that goes in or comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, BorshSerialize, BorshDeserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleFormat {
    /// CommonJS.
    Cjs,
    /// An ES module.
    Esm,
}

/// What is known of a function once it is planned.
#[derive(Debug, Clone, Default, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct BuildFacts {
    /// How it became files.
    pub bundler: Option<Bundler>,
    /// The version of the platform's package that a version 2 function runs on.
    pub bootstrap_version: Option<String>,
    /// The file that the platform loads.
    pub entry_filename: Option<String>,
    /// Every source file that went in, sorted; of compiled functions those of the checkout.
    pub inputs: Vec<AbsPath>,
    /// Those that are there because the configuration names them, sorted.
    pub included_files: Vec<AbsPath>,
    /// Packages with native addons that stand beside a bundle: by name, their directories and versions.
    pub native_modules: BTreeMap<String, BTreeMap<AbsPath, String>>,
    /// Where the bundle stands, if there is one.
    pub bundle: Option<ArchivePath>,
    /// What is in the bundle, by package, in bytes before it is compressed; none is the site's own.
    pub bundled: BTreeMap<Option<String>, u64>,
    /// The packages in it.
    pub bundled_packages: BTreeSet<BundledPackage>,
    /// Why there is no bundle, where there was to be one.
    pub bundler_errors: Vec<Diagnostic>,
    /// What the bundler has to say.
    pub bundler_warnings: Vec<Diagnostic>,
    /// What the main file is.
    pub input_format: Option<ModuleFormat>,
    /// What the platform loads.
    pub output_format: Option<ModuleFormat>,
}

/// A package in a bundle, as its package.json says.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize, JsonSchema,
)]
pub struct BundledPackage {
    /// What it is called.
    pub name: String,
    /// Which one it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

/// Entries by name; a second one of the same name replaces the first.
#[derive(Debug, Default)]
pub struct Entries(BTreeMap<ArchivePath, Entry>);

impl Entries {
    /// Adds an entry.
    pub fn add(&mut self, path: ArchivePath, content: Content, executable: bool) {
        self.0.insert(path.clone(), Entry { path, content, executable });
    }

    /// The entries in the order of their names, which is the order of their bytes.
    pub fn into_sorted(self) -> Vec<Entry> {
        self.0.into_values().collect()
    }
}
