//! What version 2 functions run on: the module between the platform's event and
//! `export default async (request, context) => Response`. In: a site. Out: the platform's own module,
//! where one is installed, else the one beside this file, and the version 2 entries of an archive
//! (spec: functions.md section 5). Never loads it.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::js::package::Package;
use crate::path::AbsPath;
use crate::plan::{Content, ModuleFormat};
use crate::settings::Settings;
use crate::store::Store;

/// The platform's package.
const API: &str = "@netlify/serverless-functions-api";

/// Packages that bring it, each by way of the next.
const TOOLS: [&str; 3] = ["netlify-cli", "@netlify/build", "@netlify/zip-it-and-ship-it"];

/// Ours.
const BUILT_IN: &str = include_str!("bootstrap.mjs");

/// What stands in the archive beside a version 2 function.
pub const BOOTSTRAP_FILE: &str = "___netlify-bootstrap.mjs";

/// What the platform loads.
pub const ENTRY_FILE: &str = "___netlify-entry-point.mjs";

/// What the platform reads beside it.
pub(super) const METADATA_FILE: &str = "___netlify-metadata.json";

/// What tells the platform that an archive is a site's server.
pub(super) const SERVER_FILE: &str = "___netlify-server.json";

/// A bootstrap.
#[derive(Debug, PartialEq)]
pub(super) struct Bootstrap {
    /// Its module.
    pub(super) content: Content,
    /// That of the platform's package; ours has none.
    pub(super) version: Option<String>,
    /// It takes a function's module, not its path: so up to 1.38.
    takes_module: bool,
}

/// Finds the bootstrap: the one that was named, else the one of the project, else that of an
/// installed tool, else ours.
pub(super) fn find(settings: &Settings, store: &Store) -> Bootstrap {
    if let Some(path) = &settings.bootstrap {
        let beside = path.parent().and_then(|directory| store.nearest_package_json(&directory, "/".as_ref()));
        let package = beside.and_then(|at| read(&at, store)).filter(|package| package.name.as_deref() == Some(API));
        let version = package.and_then(|package| package.version);
        return Bootstrap::of(path, version);
    }
    let installed = installed_api(settings, store).and_then(|directory| {
        let package = read(&directory.child("package.json"), store)?;
        let main = store.real(&directory.join(package.main.as_deref().unwrap_or("index.js"))).ok()?;
        Some(Bootstrap::of(&main.path, package.version))
    });
    installed.unwrap_or_else(|| Bootstrap {
        content: Content::Bytes(Arc::from(BUILT_IN.as_bytes())),
        version: None,
        takes_module: false,
    })
}

/// The directory of the platform's package, in the project, brought by a tool, or that of the caller.
pub(super) fn installed_api(settings: &Settings, store: &Store) -> Option<AbsPath> {
    find_api(&settings.base, &settings.repository_root, &TOOLS, store).or_else(|| settings.api.clone())
}

/// The directory of the platform's package, as seen from `from` but not above `top`, or as one of
/// these tools sees it.
fn find_api(from: &AbsPath, top: &AbsPath, tools: &[&str], store: &Store) -> Option<AbsPath> {
    let installed = |name: &str| {
        let directories = from.ancestors().take_while(|directory| directory.starts_with(top));
        let mut places = directories.map(|directory| directory.join("node_modules").join(name));
        Some(store.real(&places.find(|place| store.is_dir(place))?).ok()?.path)
    };
    installed(API).or_else(|| {
        let as_seen_by = |(index, tool)| {
            let tool = installed(tool)?;
            let top = if tool.starts_with(top) { top.clone() } else { installation(&tool) };
            find_api(&tool, &top, &tools[index + 1..], store)
        };
        tools.iter().copied().enumerate().find_map(as_seen_by)
    })
}

/// The directory that a package is installed in, be it as another's.
fn installation(package: &AbsPath) -> AbsPath {
    let outermost = package.ancestors().filter(|above| above.name() == "node_modules").last();
    outermost.and_then(|modules| modules.parent()).unwrap_or_else(|| package.clone())
}

fn read(package_json: &AbsPath, store: &Store) -> Option<Package> {
    Package::parse(&store.read(package_json).ok()?).ok()
}

impl Bootstrap {
    fn of(path: &AbsPath, version: Option<String>) -> Self {
        let mut numbers = version.iter().flat_map(|version| version.split('.')).map_while(|part| part.parse().ok());
        let (major, minor): (u32, u32) = (numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(0));
        Self { content: Content::File(path.clone()), version, takes_module: (major, minor) <= (1, 38) }
    }

    /// The module that the platform loads, for a main file of this format at this URL relative to it.
    pub(super) fn entry(&self, main: &str, format: ModuleFormat, background: bool) -> String {
        let import = format!("import * as bootstrap from './{BOOTSTRAP_FILE}'\n");
        let (module, argument) = match format {
            _ if !self.takes_module => (String::new(), main),
            ModuleFormat::Esm => (format!("import * as func from {main}\n"), "func"),
            // What CommonJS exports is the default of its namespace.
            ModuleFormat::Cjs => (format!("import func from {main}\n"), "func"),
        };
        // Ours is told, or what a background function throws would be a response and not a failure.
        let options = if background && self.is_built_in() { ", { background: true }" } else { "" };
        format!("{import}{module}export const handler = bootstrap.getLambdaHandler({argument}{options})\n")
    }

    /// What the platform reads of it.
    pub(super) fn metadata(&self, branch: Option<&str>) -> String {
        let mut metadata = serde_json::Map::new();
        metadata.extend(self.version.iter().map(|version| ("bootstrap_version".into(), version.as_str().into())));
        metadata.extend(branch.map(|branch| ("branch".into(), branch.into())));
        metadata.insert("version".into(), 1.into());
        serde_json::Value::Object(metadata).to_string()
    }

    /// Ours runs everywhere, but the platform deploys its own.
    pub(super) fn warning(&self) -> Option<Diagnostic> {
        let message =
            "version 2 functions get fnzip's own bootstrap: to deploy them to Netlify, install the platform's";
        let warning = || Diagnostic::warning(Code::Bootstrap, message).hint(format!("npm i -D {API}"));
        self.is_built_in().then(warning)
    }

    fn is_built_in(&self) -> bool {
        matches!(self.content, Content::Bytes(_))
    }
}
